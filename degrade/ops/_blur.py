"""Shared code of the blurs."""

import functools
import math
from typing import ClassVar, Literal

import cv2
import numpy as np

from degrade.core.errors import SpecError
from degrade.core.fields import Interval
from degrade.core.op import Family, Op, P
from degrade.core.rng import Stream
from degrade.core.types import Array

Unit = Literal["height", "px"]

FAINT = 0.25 / 255
"""Alpha that changes no pixel by more than a quarter of a level of 255."""
REACH = 0.1
"""Greatest standard deviation in frame heights."""
NARROW = 1.5
"""Standard deviation in pixels up to which a kernel is kept whole: it is small anyway."""
WIDE = 2.75
"""Standard deviation in pixels from which half the size holds what is left of a picture."""


class Blur(Op[P]):
    """An op that blurs, and blurs the masks of what it is applied to."""

    family: ClassVar[Family] = "quality"

    def carry(self, masks: Array, params: P, start: int) -> Array:
        """Blurred as the picture is, but for tails too faint to be seen; see `Op.carry`."""
        if not any(cv2.hasNonZero(mask) for mask in masks):
            return masks
        blurred = self.render(masks, params, start).frames
        rows = blurred.reshape(-1, masks.shape[2])
        return cv2.threshold(rows, FAINT, 0, cv2.THRESH_TOZERO)[1].reshape(masks.shape)  # far faster than np.where


def check_reach(sigma: float, unit: Unit, where: str) -> None:
    """Refuses what leaves no picture, most often pixels taken for frame heights."""
    if unit == "height" and sigma > REACH:
        power = "" if where == "sigma" else "²"
        most = REACH**2 if power else REACH
        raise SpecError(f"must not exceed {most:g} frame heights{power}; for pixels say unit: px", where)


def odd(sides: Interval | None, rng: Stream) -> int:
    """An odd kernel side out of a range, equally likely; 0 if there is no range."""
    if sides is None:
        return 0
    smallest, greatest = (int(side) // 2 for side in sides)
    return 2 * int(rng.generator("kernel").integers(smallest, greatest, endpoint=True)) + 1


def whole_side(sigma: float) -> int:
    """Side of a kernel that holds a Gaussian: weights beyond it are below 4e-6 of the greatest."""
    return 2 * math.ceil(5 * sigma) + 1


def gaussian(picture: Array, sigma: float) -> Array:
    """Gaussian blur of (H, W) or (H, W, C), in that shape, mirrored at the border.

    From `NARROW` pixels on it is cut off at four standard deviations, which changes no picture by more than 5e-5. From
    `WIDE` pixels on it goes by Burt and Adelson's pyramid (1983): any picture comes out within 0.002.

    Args:
        picture: float32.
        sigma: In pixels; below 0.1, where the neighbouring pixel's weight is below e^-50, nothing is done.
    """
    if sigma < 0.1:
        return picture
    if sigma >= WIDE:
        return _by_half(picture, sigma).reshape(picture.shape)
    side = _enough(sigma)
    blurred = cv2.GaussianBlur(picture, (side, side), sigma, borderType=cv2.BORDER_REFLECT_101)
    return blurred.reshape(picture.shape)


def even_borders(noise: Array, down: float, along: float, border: int = cv2.BORDER_REFLECT_101) -> Array:
    """White noise (H, W, …) that was blurred, as strong at the mirrored borders as inside; in place.

    Args:
        noise: Blurred by Gaussians, at unit variance or any other.
        down: Sigma down the frame, in pixels.
        along: Sigma along its lines.
        border: How it was mirrored, as OpenCV names it.
    """
    for axis, sigma in enumerate((down, along)):
        gain = _border_gain(noise.shape[axis], sigma, border)
        strong = np.flatnonzero(gain != 1)
        lines = np.moveaxis(noise, axis, 0)
        lines[strong] /= gain[strong].reshape(-1, *(1,) * (noise.ndim - 1))
    return noise


@functools.lru_cache(maxsize=64)
def _border_gain(length: int, sigma: float, border: int) -> Array:
    """How many times as strong blurred white noise is near both ends of a line, (length,) float32; 1 inside."""
    gain = np.ones(length, np.float32)
    if sigma >= 0.1:
        side = whole_side(sigma)
        kernel = cv2.getGaussianKernel(side, sigma)
        some = min(length, 2 * side)
        share = cv2.sepFilter2D(np.eye(some), -1, np.ones(1), kernel, borderType=border)
        ends = np.linalg.norm(share, axis=1) / np.linalg.norm(kernel)
        half = (some + 1) // 2
        gain[:half], gain[length - half :] = ends[:half], ends[some - half :]
    return gain


def _enough(sigma: float) -> int:
    """Side of the kernel that `gaussian` takes."""
    return whole_side(sigma) if sigma < NARROW else 2 * math.ceil(4 * sigma) + 1


def _by_half(picture: Array, sigma: float) -> Array:
    """Made half as large, blurred by what is left of sigma, and made large again: one level down and up blurs by √2."""
    inner = math.sqrt((sigma**2 - 2) / 4)
    half = _half(picture, math.ceil(2 * sigma) + 1)
    if inner >= WIDE:
        blurred = _by_half(half, inner)
    else:
        kernel = _between(inner)
        blurred = cv2.sepFilter2D(half, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)
    height, width = picture.shape[:2]
    # At the lower and right border `pyrUp` mirrors as an even side wants it; of an odd one it needs a pixel beyond.
    large = cv2.pyrUp(blurred[: height // 2 + height % 2 * 2, : width // 2 + width % 2 * 2])
    return np.ascontiguousarray(large[:height, :width])


def _half(picture: Array, beyond: int) -> Array:
    """A picture at half its size, and so many pixels below and to the right of what it mirrors there."""
    sides = tuple((side + 1) // 2 for side in picture.shape[:2])
    height, width = sides
    half = np.empty((height + beyond, width + beyond, *picture.shape[2:]), np.float32)
    cv2.pyrDown(picture, dst=half[:height, :width], borderType=cv2.BORDER_REFLECT_101)
    down, right = (_mirrored(side, beyond) for side in picture.shape[:2])
    half[:height, width:] = half[:height, right]
    half[height:] = half[down]
    return half


def _mirrored(side: int, beyond: int) -> Array:
    """Which pixels of half the size lie, mirrored, beyond the last one."""
    period = max(2 * side - 2, 1)
    at = (side + side % 2 + 2 * np.arange(beyond)) % period
    return np.asarray(np.minimum(at, period - at) // 2)


@functools.lru_cache(maxsize=64)
def _between(sigma: float) -> Array:
    """Two Gaussians of nearly that sigma: flatter than one by as much as the level's own blur is less flat."""
    side = _enough(sigma)
    apart = math.sqrt(1 / 48)
    kernels = (cv2.getGaussianKernel(side, math.sqrt(sigma**2 + way)) for way in (-apart, apart))
    return np.asarray(sum(kernels) / 2)
