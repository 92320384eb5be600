"""Conversion between coded values, light and density."""

import cv2
import numpy as np

from degrade.core.types import Array

GAMMA = 2.2
"""Light is a coded value to this power: the usual display, close to sRGB's curve."""
BLACK = 10**-2.6
"""Share of the light that the deepest black of a print lets through: a density of 2.6."""


def power(values: Array, exponent: float) -> Array:
    """Values, (H, W) or (H, W, C) float32, 0 or greater, to a power: within 3e-6 of it, four times as fast as NumPy."""
    return cv2.pow(values, exponent).reshape(values.shape)


def light(frame: Array) -> Array:
    """The light of coded values, both in [0, 1]."""
    return power(frame, GAMMA)


def coded(seen: Array) -> Array:
    """The coded values of light, clipped to [0, 1]."""
    return power(np.clip(seen, 0, 1), 1 / GAMMA)


def scale_density(frame: Array, factor: float | tuple[float, ...]) -> Array:
    """A print whose density is everywhere so many times what it was.

    Black has density 2.6, so that it turns grey, or a colour, where the factor is below 1.

    Args:
        frame: (H, W, C) coded values.
        factor: 0 or greater; one, or one per channel.
    """
    through = light(frame)
    through *= np.float32(1 - BLACK)
    through += np.float32(BLACK)
    if isinstance(factor, tuple):
        powers = (power(channel, one) for channel, one in zip(cv2.split(through), factor, strict=True))
        through = cv2.merge(list(powers)).reshape(frame.shape)
    else:
        through = power(through, factor)
    through -= np.float32(BLACK)
    through /= np.float32(1 - BLACK)
    return coded(through)
