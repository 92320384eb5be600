"""Compositing: placing textures on a frame and blending them into the picture."""

import functools
import math

import cv2
import numpy as np

from degrade.core.types import Array
from degrade.textures import draw

DRAWN, LARGEST = 64, 256
"""Sides of the smallest prototype that is drawn, smaller ones being reductions of it, and of the largest."""


def texture_at(
    name: str, seed: int, shape: tuple[int, int], x: float, y: float, size: float, degrees: float
) -> tuple[tuple[slice, slice], Array] | None:
    """A texture, turned and scaled, where it falls on a frame.

    Args:
        name: Of the texture.
        seed: Of the texture.
        shape: Height and width of the frame.
        x: Its centre, in pixels from the frame's left border.
        y: Its centre, in pixels from the frame's upper border.
        size: Side of the texture in pixels; under 1 px it is drawn at 1 px and fainter by its area.
        degrees: Turned by, counter-clockwise.

    Returns:
        The part of the frame that it touches and its alpha there, (h, w) float32; None if it misses.
    """
    drawn = max(size, 1.0)
    reach = drawn * (abs(math.cos(math.radians(degrees))) + abs(math.sin(math.radians(degrees)))) / 2 + 1
    top, bottom = max(0, math.floor(y - reach)), min(shape[0], math.ceil(y + reach))
    left, right = max(0, math.floor(x - reach)), min(shape[1], math.ceil(x + reach))
    if top >= bottom or left >= right:
        return None
    side = min(LARGEST, 2 << max(0, math.ceil(math.log2(drawn)) - 1))
    prototype = draw(name, seed, side, side) if side >= DRAWN else _shrunk(name, seed, side)
    cos, sin = (f(math.radians(degrees)) * drawn / side for f in (math.cos, math.sin))
    middle = (side - 1) / 2
    x, y = x - 0.5 - left, y - 0.5 - top  # to where the centre of a pixel has whole coordinates
    matrix = np.array(((cos, sin, x - (cos + sin) * middle), (-sin, cos, y + (sin - cos) * middle)))
    alpha: Array = cv2.warpAffine(prototype, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    if size < 1:
        alpha *= size**2
    return (slice(top, bottom), slice(left, right)), alpha


@functools.lru_cache(maxsize=4096)
def _shrunk(name: str, seed: int, side: int) -> Array:
    return cv2.resize(draw(name, seed, DRAWN, DRAWN), (side, side), interpolation=cv2.INTER_AREA)


def cover(frame: Array, mask: Array, where: tuple[slice, slice], alpha: Array, tone: float | Array) -> None:
    """Lays a tone over part of a frame, in place, and raises the mask: I + alpha (tone - I).

    With tone 0 this multiplies by 1 - alpha, with tone 1 it screens; where alpha is 0 nothing changes.

    Args:
        frame: (H, W, C).
        mask: (H, W, 1).
        where: The part.
        alpha: Of that part, (h, w), or (h, w, C) if channels differ: then the greatest is the mask's.
        tone: One, or (h, w, 1), or one for each channel, (C,).
    """
    alpha = alpha.clip(0, 1)
    blend(frame[where], mask[where], alpha[..., None] if alpha.ndim == 2 else alpha, tone)


def blend(part: Array, covered: Array, alpha: Array, tone: float | Array) -> None:
    """What `cover` does, to all of a part (h, w, C) and of its mask (h, w, 1); alpha (h, w, 1 or C), in [0, 1]."""
    greatest = alpha
    if alpha.shape[2] > 1:
        greatest = functools.reduce(np.maximum, cv2.split(alpha))[..., None]  # not max(2), which is slow
    elif part.shape[2] > 1:
        alpha = cv2.merge([alpha] * part.shape[2])
    change = np.subtract(tone, part, dtype=np.float32)
    change *= alpha
    part += change
    rest = 1 - covered
    rest *= greatest
    covered += rest


def tint(channels: int, *rgb: float) -> Array:
    """A number for each channel of the picture, (C,) float32; of grey ones the mean."""
    return np.array(rgb if channels == 3 else [sum(rgb) / 3], np.float32)
