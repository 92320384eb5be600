"""Line scratches along the film that last for many frames."""

from typing import Annotated

import numpy as np

from degrade.core.fields import Floats, Interval, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops._drawn import tones
from degrade.ops._lines import LineParams, Lines, quantile
from degrade.ops._marks import marks
from degrade.ops._packing import pack_floats, pack_ints


class ScratchParams(LineParams):
    """What was drawn: one entry per line, sorted by first frame; see `LineParams`."""

    tone: Floats
    """0 a black line, 1 a white one."""
    opacity: Floats
    """Greatest alpha."""
    lobes: Floats
    """Strength of the fringes of the opposite tone, relative to the line."""


class Scratch(Lines[ScratchParams]):
    """Vertical lines made by a particle in the path of the film: black on its base, white in the emulsion.

    The profile is the damped cosine of Kokaram, "Motion Picture Restoration" (1998), cut off after its
    first fringe and integrated over each pixel. Position, strength and breaks stream with the film.
    """

    opacity: Annotated[Interval, Within(0, 1)] = (0.2, 0.9)
    """Drawn per line."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 1.0)
    """Share of white lines, drawn per clip."""
    lobes: Annotated[Interval, Within(0, 1)] = (0.0, 0.3)
    """Strength of the fringes of the opposite tone, relative to the line."""

    def sample(self, info: ClipInfo, rng: Stream) -> ScratchParams:
        """Draws when lines begin and end, then every line and its tracks."""
        draw = rng.generator("lines")
        lines = self.run(draw, info)
        count = len(lines["first"])
        return ScratchParams(
            **lines,
            width_px=pack_floats(info.height * draw.uniform(*self.width, count), 3),
            tone=pack_floats(tones(draw, self.light, count, (0, 0), (1, 1)), 0),
            opacity=pack_floats(draw.uniform(*self.opacity, count), 2),
            lobes=pack_floats(draw.uniform(*self.lobes, count), 2),
            lift=pack_floats(quantile(draw.uniform(*self.broken, count)), 2),
            key=pack_ints(draw.integers(2**32, size=count)),
        )

    def paint(self, frame: Array, mask: Array, params: ScratchParams, t: int) -> None:
        """See `Contaminant.paint`."""
        from degrade.ops import _kernels

        reach = np.where(np.asarray(params.lobes), 3, 1)
        for some in marks(params, t, (frame.shape[0], frame.shape[1]), reach, params.opacity):
            waves = np.sin(_kernels.angles(some))  # NumPy's sine is many times as fast as a kernel's
            _kernels.scratches(frame, mask, some, waves, some.of(params.lobes), some.of(params.tone))
