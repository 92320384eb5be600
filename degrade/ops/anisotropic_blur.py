"""Anisotropic Gaussian blur: astigmatism, or motion of the camera or printer in one direction."""

import math
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field, model_validator

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._blur import Blur, Unit, check_reach, odd, whole_side
from degrade.ops._drawn import stray
from degrade.ops._packing import short_floats

DIRECT = 11
"""Side of the largest kernel that OpenCV applies pixel by pixel; larger ones go through a Fourier transform."""
MOST = 33
"""Side of the largest kernel that is taken apart."""
CHEAP = 75
"""Weights of all its rows up to which they and its columns are faster than the transform."""
EXACT = 2e-5
"""Most that a pixel may be off by."""


class AnisotropicBlurParams(Params):
    """What was drawn, per frame but for the kernel."""

    along_px2: tuple[float, ...]
    """Variance along the angle, in square pixels."""
    across_px2: tuple[float, ...]
    """Variance across it."""
    angle: tuple[float, ...]
    """Degrees from the horizontal, clockwise."""
    kernel_px: int
    """Side of the kernel, odd; 0 for one that holds five sigma."""


class AnisotropicBlur(Blur[AnisotropicBlurParams]):
    """Gaussian blur of an elliptical kernel, mirrored at the border.

    The two eigenvalues of the covariance and the angle are drawn once per clip, each evenly over its
    range, and stray from frame to frame. The kernel is the density at the pixels, made to sum to 1
    (the usual one of blind super-resolution: Zhang et al., USRNet, CVPR 2020).
    """

    variance: Annotated[Interval, Within(0, 2500), Neutral(0)] = (0.0, 1e-5)
    """Variance along either axis of the ellipse, in `unit` squared; at most 0.01 frame heights squared."""
    across: Annotated[Interval, Within(0, 2500), Neutral(0)] | None = None
    """Variance along the second axis, if it is not drawn from the same range as along the first."""
    unit: Unit = "height"
    """What the variance is measured in, squared: frame heights or pixels."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Greatest deviation of a frame's variances from the clip's, as a share of the range."""
    angle: Annotated[Interval, Within(0, 180, "degrees")] = (0.0, 180.0)
    """Direction of the first axis, clockwise from the horizontal."""
    angle_jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Greatest deviation of a frame's angle from the clip's, as a share of the range."""
    kernel_px: Annotated[Interval, Within(3, 99, "px")] | None = None
    """Side of a truncated kernel, made odd; not truncated if not given."""

    @model_validator(mode="after")
    def _check(self) -> "AnisotropicBlur":
        check_reach(math.sqrt(self.variance[1]), self.unit, "variance")
        if self.across:
            check_reach(math.sqrt(self.across[1]), self.unit, "across")
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> AnisotropicBlurParams:
        """Draws the clip's ellipse and kernel side, and each frame's deviation."""
        draw, frames = rng.generator("ellipse"), info.frames
        scale = info.height**2 if self.unit == "height" else 1
        return AnisotropicBlurParams(
            along_px2=short_floats(scale * stray(draw, self.variance, self.jitter, frames)),
            across_px2=short_floats(scale * stray(draw, self.across or self.variance, self.jitter, frames)),
            angle=short_floats(stray(draw, self.angle, self.angle_jitter, frames)),
            kernel_px=odd(self.kernel_px, rng),
        )

    def render_frame(self, frame: Array, params: AnisotropicBlurParams, t: int) -> Array:
        """Frame t, blurred."""
        along, across = params.along_px2[t], params.across_px2[t]
        whole = whole_side(math.sqrt(max(along, across, 0.04)))
        side = min(params.kernel_px or whole, whole)
        weights = kernel(along, across, params.angle[t], side)
        if not params.angle[t] % 90:  # rows by columns, many times as fast
            return clipped(_separable(frame, weights.sum(0), weights.sum(1)))
        if DIRECT < side <= MOST:
            rows, columns = factors(weights)
            if rows.size <= CHEAP:
                blurred = _separable(frame, rows[0], columns[0])
                for row, column in zip(rows[1:], columns[1:], strict=True):
                    cv2.add(blurred, _separable(frame, row, column), dst=blurred)
                return clipped(blurred)
        return clipped(cv2.filter2D(frame, -1, weights, borderType=cv2.BORDER_REFLECT_101))


def _separable(frame: Array, row: Array, column: Array) -> Array:
    blurred: Array = cv2.sepFilter2D(frame, -1, row, column, borderType=cv2.BORDER_REFLECT_101)
    return blurred


def factors(weights: Array) -> tuple[Array, Array]:
    """As few rows and columns, (R, side) float32 each, as have products that add up to a kernel within `EXACT`."""
    columns, strengths, rows = np.linalg.svd(weights.astype(float))
    rest = len(weights) * np.sqrt(np.cumsum(strengths[::-1] ** 2)[::-1])  # of magnitudes, by Cauchy and Schwarz
    count = max(int((rest > EXACT).sum()), 1)
    return rows[:count].astype(np.float32), (columns * strengths).T[:count].astype(np.float32)


def kernel(along: float, across: float, angle: float, side: int) -> Array:
    """The kernel, (side, side) float32, that sums to 1.

    Args:
        along: Variance along the first axis, in square pixels; not below 1e-6 in effect.
        across: Variance along the second.
        angle: Direction of the first axis, degrees clockwise from the horizontal.
        side: Odd.
    """
    y, x = np.mgrid[:side, :side] - side // 2
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    first, second = cos * x + sin * y, cos * y - sin * x
    weights = np.exp(-0.5 * (first**2 / max(along, 1e-6) + second**2 / max(across, 1e-6)))
    return (weights / weights.sum()).astype(np.float32)
