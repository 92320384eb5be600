"""Conversion between coded values, light and density."""

import numpy as np

from degrade.core.types import Array

GAMMA = 2.2
"""Light is a coded value to this power: the usual display, close to sRGB's curve."""
BLACK = 10**-2.6
"""Share of the light that the deepest black of a print lets through: a density of 2.6."""


def light(frame: Array) -> Array:
    """The light of coded values, both in [0, 1]."""
    return np.power(frame, np.float32(GAMMA))


def coded(seen: Array) -> Array:
    """The coded values of light, clipped to [0, 1]."""
    return np.power(np.clip(seen, 0, 1), np.float32(1 / GAMMA))


def scale_density(frame: Array, factor: float | tuple[float, ...]) -> Array:
    """A print whose density is everywhere so many times what it was.

    Black has density 2.6, so that it turns grey, or a colour, where the factor is below 1.

    Args:
        frame: (H, W, C) coded values.
        factor: 0 or greater; one, or one per channel.
    """
    through = light(frame) * np.float32(1 - BLACK) + np.float32(BLACK)
    through = np.power(through, np.asarray(factor, np.float32))
    return coded((through - np.float32(BLACK)) / np.float32(1 - BLACK))
