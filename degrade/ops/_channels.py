"""What is the same for all channels, or for all pixels, laid out as the picture is.

NumPy repeats one number, or three, along the last axis pixel by pixel, several times slower than it goes along rows.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from degrade.core.types import Array


def for_channels(plane: Array, channels: int) -> Array:
    """A plane (H, W), the same for each channel, (H, W, C)."""
    return plane[..., None] if channels == 1 else cv2.merge([plane] * channels)


def scaled(frame: Array, factors: Sequence[float] | Array) -> Array:
    """A new frame: (H, W, C) float32, each channel times its factor."""
    rows = frame.reshape(len(frame), -1)
    return (rows * np.tile(np.asarray(factors, np.float32), frame.shape[1])).reshape(frame.shape)
