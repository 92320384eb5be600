"""Cracked and reticulated emulsion."""

from typing import Annotated, Literal

import numpy as np

from degrade.core.fields import Floats, Interval, Probability, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._compositing import cover
from degrade.ops._film import ease, fractal_along, tiled
from degrade.ops._lines import quantile
from degrade.ops._packing import short_floats


class CrackleParams(Params):
    """What was drawn."""

    kind: Literal["cracked", "reticulated"]
    """The pattern."""
    side_px: float
    """Of the square after which the pattern repeats."""
    opacity: float
    """Greatest alpha."""
    tone: float
    """0 dark cracks, 1 light ones."""
    below: Floats
    """Per frame: the pattern shows where noise of unit variance is above this."""
    key: int
    """Of pattern and noise."""


class Crackle(Contaminant[CrackleParams]):
    """Gelatine that broke into plates, or shrank to a leathery maze of ridges; in patches that run along the film.

    Every frame has its own pattern. Cracks in a print let light through; those of a negative print dark.
    """

    kind: Literal["cracked", "reticulated", "any"] = "any"
    """Cracks (a brittle emulsion, bent or dried out), reticulation (a shock of temperature in processing), or one
    of the two, drawn per clip."""
    size: Annotated[Interval, Within(0.02, 10, "frame heights")] = (0.3, 1.0)
    """Side of the square after which the cracks repeat, with about five large plates across it; drawn per clip.
    Reticulation is finer: 22 ridges in half of it."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.3, 0.9)
    """Drawn per clip; reticulation is half as opaque."""
    light: Probability = 0.5
    """Probability that the cracks are light."""
    covered: Annotated[Interval, Within(0, 1)] = (0.2, 0.9)
    """Share of the picture that is cracked on average, about; drawn per clip."""
    unsteady: Annotated[Interval, Within(0, 5)] = (0.1, 0.6)
    """How much the cracked area varies over the frames: standard deviation of the level at which patches begin,
    an Ornstein-Uhlenbeck process of three frames; drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> CrackleParams:
        """Draws the pattern and how much each frame has of it."""
        draw = rng.generator("pattern")
        kind = ("cracked", "reticulated")[int(draw.integers(2))] if self.kind == "any" else self.kind
        finer = 1.0 if kind == "cracked" else 0.5
        level = float(quantile(1 - np.asarray(draw.uniform(*self.covered))))
        return CrackleParams(
            kind=kind,
            side_px=float(info.height * draw.uniform(*self.size) * finer),
            opacity=float(draw.uniform(*self.opacity) * finer),
            tone=float(draw.random() < self.light),
            below=short_floats(level + draw.uniform(*self.unsteady) * ornstein_uhlenbeck(draw, info.frames, 3)),
            key=rng.key("pixels"),
        )

    def paint(self, frame: Array, mask: Array, params: CrackleParams, t: int) -> None:
        """See `Contaminant.paint`."""
        size = frame.shape[0], frame.shape[1]
        patches = ease(fractal_along(params.key, t, size, 2, 4, 0.6), params.below[t] - 0.3, params.below[t] + 0.5)
        texture = "craquelure" if params.kind == "cracked" else "reticulation"
        alpha = tiled(texture, params.key, t, size, params.side_px) * patches
        cover(frame, mask, (slice(None), slice(None)), np.float32(params.opacity) * alpha, params.tone)
