"""Emulsion scratches, which cut through the dye layers of colour film one by one."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops._lines import LineParams, Lines, quantile
from degrade.ops._marks import marks
from degrade.ops._packing import pack_floats

LAYERS = {"print": (1, 0, 2), "reversal": (2, 1, 0), "negative": (2, 1, 0)}
"""Channel that the dye of each layer absorbs, from the surface down to the base."""


class EmulsionScratchParams(LineParams):
    """What was drawn: one entry per line, sorted by first frame; see `LineParams`."""

    depth: Floats
    """How deep it cuts in the middle, in layers; 3 lays the base bare."""


class EmulsionScratch(Lines[EmulsionScratchParams]):
    """Vertical grooves in the emulsion: green, yellow, then white on a colour print, by how deep they cut.

    Where a layer is cut away its dye is missing. A print has magenta on top, then cyan, then yellow, so a
    shallow scratch turns green, a deeper one yellow, one down to the base white. Reversal film has yellow,
    magenta, cyan: blue, cyan, white; a negative the same, and is printed yellow, red, black. The groove is a
    V, so a deep scratch has the tints of shallow ones at its sides. Grey clips show the mean of the layers.
    """

    stock: Literal["print", "reversal", "negative"] = "print"
    """The film that was scratched."""
    depth: Annotated[Interval, Within(0, 20, "layers"), Neutral(0)] = (0.4, 4.0)
    """How deep a line cuts in its middle, drawn per line; from 3 on it reaches the base."""
    per_frame: Annotated[Interval, Within(0, 1000, "lines")] = (0.5, 3.0)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (3, 80)
    """Frames that a line runs for."""
    fade: Annotated[float, Field(ge=0, le=1000)] = 2.0
    """Frames over which it comes and goes; at most half its lifetime."""
    broken: Annotated[Interval, Within(0, 1)] = (0.1, 0.7)
    """Share of its length where a line has lifted off, about; drawn per line."""

    def sample(self, info: ClipInfo, rng: Stream) -> EmulsionScratchParams:
        """Draws when lines begin and end, then every line and its tracks."""
        draw = rng.generator("lines")
        lines = self.run(draw, info)
        count = len(lines["first"])
        return EmulsionScratchParams(
            **lines,
            width_px=pack_floats(info.height * draw.uniform(*self.width, count), 3),
            depth=pack_floats(draw.uniform(*self.depth, count), 2),
            lift=pack_floats(quantile(draw.uniform(*self.broken, count)), 2),
            key=tuple(draw.integers(2**32, size=count).tolist()),
        )

    def paint(self, frame: Array, mask: Array, params: EmulsionScratchParams, t: int) -> None:
        """See `Contaminant.paint`."""
        from degrade.ops import _kernels

        tone = float(self.stock != "negative")
        reach = np.ones(len(params.depth))
        for some in marks(params, t, (frame.shape[0], frame.shape[1]), reach, params.depth):
            _kernels.grooves(frame, mask, some, LAYERS[self.stock], tone)
