"""Shot noise: photon statistics, strongest in relation to brightness in dark areas."""

import math
from typing import Annotated, ClassVar

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, at, poisson
from degrade.core.types import Array, ClipInfo, Params, clipped


class ShotNoiseParams(Params):
    """What was drawn."""

    photons: float
    """That make white."""
    key: int
    """Of the pixels."""


class ShotNoise(Op[ShotNoiseParams]):
    """Poisson noise, independent between pixels, channels and frames: a pixel I becomes Poisson(N·I) / N.

    Its standard deviation is √(I / N): with 400 photons at white, 0.05 at white and 0.025 at a quarter.
    """

    family: ClassVar[Family] = "quality"

    photons: Annotated[Interval, Within(1, 1e6, "photons"), Neutral(math.inf)] = (200.0, 2000.0)
    """Number of photons N that make white, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> ShotNoiseParams:
        """Draws the number of photons."""
        return ShotNoiseParams(photons=float(rng.generator("photons").uniform(*self.photons)), key=rng.key("pixels"))

    def render_frame(self, frame: Array, params: ShotNoiseParams, t: int) -> Array:
        """Frame t as counted."""
        counts = poisson(at(params.key, t), frame * np.float32(params.photons))
        counts *= np.float32(1 / params.photons)
        return clipped(counts)
