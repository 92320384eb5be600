"""Compositing: placing textures on a frame and blending them into the picture."""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from degrade.core.types import Array
from degrade.ops._channels import for_channels
from degrade.textures import draw

DRAWN, LARGEST = 64, 256
"""Sides of the smallest prototype that is drawn, smaller ones being reductions of it, and of the largest."""


class Sprite(NamedTuple):
    """A texture, turned and scaled, somewhere on a frame."""

    texture: str
    """Its name."""
    shape: int
    """Its seed."""
    x: float
    """Centre, in pixels from the frame's left border."""
    y: float
    """Centre, in pixels from the frame's upper border."""
    size: float
    """Side of the texture in pixels; under 1 px it is drawn at 1 px and fainter by its area."""
    degrees: float
    """Turned by, counter-clockwise."""
    opacity: float = 1.0
    """Greatest alpha, in [0, 1]."""
    tone: float = 0.0
    """What it covers the picture with: 0 black, 1 white."""
    elongation: float = 1.0
    """The texture's height is divided by it before it is turned."""
    stretch: float = 1.0
    """Height over breadth of what was a square, after it was turned; of the same area."""


def textures_on(
    sprites: Sequence[Sprite], shape: tuple[int, int]
) -> Iterator[tuple[Sprite, tuple[slice, slice], Array]]:
    """Those sprites that touch a frame of this height and width, in their order.

    Yields:
        Sprite, the part of the frame that it touches, and its texture there, (h, w) float32 in [0, 1].
    """
    if not sprites:
        return
    x, y, size, degrees, _, _, narrow, stretch = np.array([sprite[2:] for sprite in sprites]).T
    drawn = np.maximum(size, 1)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    high = np.sqrt(stretch)
    # The power of two from the narrowest side on: a texture may be magnified, but not reduced to less than half.
    mantissa, exponent = np.frexp(np.maximum(drawn / (narrow * np.maximum(high, 1 / high)), 1))
    side = np.minimum(LARGEST, 2 ** np.maximum(exponent - (mantissa == 0.5), 1))
    cos, sin, middle = cos * (drawn / side), sin * (drawn / side), (side - 1) / 2
    a, b, c, d = cos / high, sin / (narrow * high), -sin * high, cos * high / narrow
    aside, up = (abs(a) + abs(b)) * (side / 2) + 1, (abs(c) + abs(d)) * (side / 2) + 1
    top, bottom = np.maximum(np.floor(y - up), 0), np.minimum(np.ceil(y + up), shape[0])
    left, right = np.maximum(np.floor(x - aside), 0), np.minimum(np.ceil(x + aside), shape[1])
    x, y = x - 0.5 - left, y - 0.5 - top  # to where the centre of a pixel has whole coordinates
    matrices = np.stack([a, b, x - (a + b) * middle, c, d, y - (c + d) * middle], 1)
    boxes = np.stack([top, bottom, left, right, side], 1).astype(int).tolist()
    for sprite, (above, below, before, after, square), matrix in zip(
        sprites, boxes, matrices.reshape(-1, 2, 3), strict=True
    ):
        if above >= below or before >= after:
            continue
        name, seed = sprite.texture, sprite.shape
        prototype = draw(name, seed, square, square) if square >= DRAWN else _shrunk(name, seed, square)
        alpha: Array = cv2.warpAffine(prototype, matrix, (after - before, below - above), flags=cv2.INTER_LINEAR)
        if sprite.size < 1:
            alpha *= sprite.size**2
        yield sprite, (slice(above, below), slice(before, after)), alpha


@functools.lru_cache(maxsize=4096)
def _shrunk(name: str, seed: int, side: int) -> Array:
    return cv2.resize(draw(name, seed, DRAWN, DRAWN), (side, side), interpolation=cv2.INTER_AREA)


def lay_sprites(frame: Array, mask: Array, sprites: Sequence[Sprite]) -> None:
    """Covers a frame (H, W, C) with sprites, one after the other, in place, and raises the mask (H, W, 1)."""
    from degrade.ops import _kernels

    for sprite, (rows, columns), alpha in textures_on(sprites, (frame.shape[0], frame.shape[1])):
        _kernels.cover(frame, mask, rows.start, columns.start, alpha, sprite.opacity, sprite.tone)


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
        alpha = for_channels(alpha[..., 0], part.shape[2])
    change = np.subtract(tone, part, dtype=np.float32)
    change *= alpha
    part += change
    rest = 1 - covered
    rest *= greatest
    covered += rest


def tint(channels: int, *rgb: float) -> Array:
    """A number for each channel of the picture, (C,) float32; of grey ones the mean."""
    return np.array(rgb if channels == 3 else [sum(rgb) / 3], np.float32)
