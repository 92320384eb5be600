"""Lens softness: sharp in the centre, soft towards the corners."""

from typing import Annotated

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._blur import REACH, Blur, gaussian
from degrade.ops._channels import for_channels
from degrade.ops._geometry import radius2

LEVELS = 3
"""Blurs between which each pixel is mixed."""


class LensSoftnessParams(Params):
    """What was drawn."""

    sigma_px: float
    """In the corners."""


class LensSoftness(Blur[LensSoftnessParams]):
    """Gaussian blur whose sigma grows as the square of the distance from the centre, as curvature of field has it.

    Between blurs by a third, two thirds and all of the greatest sigma the variance is interpolated.
    """

    sigma: Annotated[Interval, Within(0, REACH, "frame heights"), Neutral(0)] = (0.002, 0.006)
    """Standard deviation in the corners, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> LensSoftnessParams:
        """Draws the softness."""
        return LensSoftnessParams(sigma_px=float(info.height * rng.generator("sigma").uniform(*self.sigma)))

    def render_frame(self, frame: Array, params: LensSoftnessParams, t: int) -> Array:
        """Frame t, soft towards its corners."""
        variance = (LEVELS * np.minimum(radius2(frame.shape[:2]), 1)) ** 2  # of the first blur
        out, sharper = frame.copy(), frame
        for level in range(1, LEVELS + 1):
            low, high = (level - 1) ** 2, level**2
            softer = gaussian(frame, params.sigma_px * level / LEVELS)
            share = for_channels(np.clip((variance - low) / (high - low), 0, 1), frame.shape[2])
            share *= softer - sharper
            out += share
            sharper = softer
        return clipped(out)
