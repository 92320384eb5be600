"""Banding: visible contours in smooth gradients, while detail is preserved."""

from typing import Annotated, ClassVar

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._blur import gaussian

SMOOTH, AROUND = 0.006, 0.012
"""Sigma of what counts as gradient, and of the neighbourhood that must be flat, in frame heights."""


class BandingParams(Params):
    """What was drawn."""

    levels: int
    """Black and white among them."""
    flat: float
    """Mean detail that counts as flat, in full range."""


class Banding(Op[BandingParams]):
    """Smooth parts rounded to few levels: what coarse quantisation of the low frequencies leaves of a sky.

    The picture less its blur is detail; where there is little of it all around, the blur is rounded and
    detail left out. As detail grows past `flat` the picture comes through unchanged.
    """

    family: ClassVar[Family] = "quality"
    carries_exactly: ClassVar[bool] = False  # it looks at how flat the surroundings are

    levels: Annotated[Interval, Within(2, 256, "levels"), Neutral(256)] = (16.0, 48.0)
    """Number of levels, black and white among them, drawn per clip."""
    flat: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.01, 0.03)
    """Mean detail of a place that is half flat, in full range, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> BandingParams:
        """Draws levels and flatness."""
        draw = rng.generator("bands")
        low, high = (round(levels) for levels in self.levels)
        levels = int(draw.integers(low, high, endpoint=True))
        return BandingParams(levels=levels, flat=float(draw.uniform(*self.flat)))

    def render_frame(self, frame: Array, params: BandingParams, t: int) -> Array:
        """Frame t with its bands."""
        height = len(frame)
        base = gaussian(frame, SMOOTH * height)
        detail = gaussian(abs(frame - base).mean(-1, keepdims=True), AROUND * height)
        rough = (detail * np.float32(1 / max(params.flat, 1e-6))) ** 2
        steps = np.float32(params.levels - 1)
        bands = np.rint(base * steps)
        bands *= 1 / steps
        bands -= frame
        bands /= 1 + rough**2
        bands += frame
        return clipped(bands)
