"""Spatially varying flicker: uneven development, a leaking shutter, a decaying print."""

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._channels import for_channels
from degrade.ops._packing import short_floats


class SpatialFlickerParams(Params):
    """What was drawn."""

    waves: tuple[tuple[int, int], ...]
    """Half waves down and across, one pair per term of the field."""
    stops: tuple[tuple[float, ...], ...]
    """Amplitude of each term, frame by frame."""


class SpatialFlicker(Op[SpatialFlickerParams]):
    """All values times 2^e, clipped at white; e, in stops, is a smooth field that changes from frame to frame.

    The field is a sum of low cosines (DCT-II), without the constant one, which is `flicker`; each amplitude
    is an Ornstein–Uhlenbeck process over the frames, and all have the same share in the variance. Correctors
    of flicker, too, take it for smooth in space (P. M. B. van Roosmalen, Restoration of archived film and video,
    Delft 1999).
    """

    family: ClassVar[Family] = "exposure"

    std: Annotated[Interval, Within(0, 3, "stops"), Neutral(0)] = (0.02, 0.1)
    """Standard deviation over frames and places, drawn per clip."""
    correlation: Annotated[Interval, Within(0, 10_000, "frames")] = (0.0, 8.0)
    """Frames after which the autocorrelation has fallen to 1/e, drawn per clip; 0 for independent frames."""
    order: Annotated[int, Field(ge=1, le=6)] = 2
    """Most half waves of a term, down and across together."""

    def sample(self, info: ClipInfo, rng: Stream) -> SpatialFlickerParams:
        """Draws strength and correlation, then a track for each term."""
        draw = rng.generator("tracks")
        std, correlation = draw.uniform(*self.std), draw.uniform(*self.correlation)
        waves = [(i, j) for i in range(self.order + 1) for j in range(self.order + 1 - i) if i or j]
        stops = []
        for i, j in waves:
            power = (0.5 if i else 1) * (0.5 if j else 1)  # mean square of the cosines over the frame
            amplitude = std / math.sqrt(power * len(waves))
            stops.append(short_floats(amplitude * ornstein_uhlenbeck(draw, info.frames, correlation)))
        return SpatialFlickerParams(waves=tuple(waves), stops=tuple(stops))

    def render_frame(self, frame: Array, params: SpatialFlickerParams, t: int) -> Array:
        """Frame t, exposed."""
        stops = np.zeros((7, 7), np.float32)
        for (i, j), track in zip(params.waves, params.stops, strict=True):
            stops[i, j] = track[t]
        down, across = (_cosines(side) for side in frame.shape[:2])
        field = np.einsum("iy,ix->yx", down, stops @ across)  # `@` would wake all threads for it
        return clipped(frame * for_channels(np.exp2(field), frame.shape[2]))


def _cosines(side: int) -> Array:
    """Cosines of 0 to 6 half waves over so many pixels, (7, side)."""
    at = (np.arange(side) + 0.5) / side
    return np.cos(np.pi * np.arange(7)[:, None] * at).astype(np.float32)
