"""Isotropic Gaussian blur: a soft lens, or a print out of focus."""

from typing import Annotated

import cv2
from pydantic import Field, model_validator

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._blur import Blur, Unit, check_reach, gaussian, odd, whole_side
from degrade.ops._drawn import stray
from degrade.ops._packing import short_floats


class BlurParams(Params):
    """What was drawn."""

    sigma_px: tuple[float, ...]
    """Per frame."""
    kernel_px: int
    """Side of the kernel, odd; 0 for one that holds all of it."""


class GaussianBlur(Blur[BlurParams]):
    """Gaussian blur, the same in all directions, mirrored at the border.

    Sigma is drawn once per clip, evenly over its range, and strays from frame to frame by `jitter`.
    """

    sigma: Annotated[Interval, Within(0, 50), Neutral(0)] = (0.0005, 0.003)
    """Standard deviation, in `unit`; at most 0.1 frame heights."""
    unit: Unit = "height"
    """What sigma is measured in: frame heights or pixels."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Greatest deviation of a frame's sigma from the clip's, as a share of the range."""
    kernel_px: Annotated[Interval, Within(3, 99, "px")] | None = None
    """Side of a truncated kernel, made odd; not truncated if not given."""

    @model_validator(mode="after")
    def _check(self) -> "GaussianBlur":
        check_reach(self.sigma[1], self.unit, "sigma")
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> BlurParams:
        """Draws the clip's sigma and kernel, and each frame's deviation."""
        sigma = stray(rng.generator("sigma"), self.sigma, self.jitter, info.frames)
        scale = info.height if self.unit == "height" else 1
        return BlurParams(sigma_px=short_floats(scale * sigma), kernel_px=odd(self.kernel_px, rng))

    def render_frame(self, frame: Array, params: BlurParams, t: int) -> Array:
        """Frame t, blurred."""
        sigma = params.sigma_px[t]
        if not params.kernel_px or sigma < 0.1:
            return gaussian(frame, sigma)
        side = min(params.kernel_px, whole_side(sigma))
        return cv2.GaussianBlur(frame, (side, side), sigma, borderType=cv2.BORDER_REFLECT_101)
