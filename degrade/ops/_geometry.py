"""Distances within a frame, and horizontal displacement of lines."""

import math

import cv2
import numpy as np

from degrade.core.types import Array


def radius2(shape: tuple[int, int], x: float = 0, y: float = 0) -> Array:
    """Squared distance of each pixel from a point, in half diagonals of the frame, (H, W).

    Args:
        shape: Height and width.
        x: The point, in frame heights to the right of the centre.
        y: The same downwards.
    """
    height, width = shape
    half = math.hypot(height, width) / 2
    down = ((np.arange(height) + 0.5 - (0.5 + y) * height) / half) ** 2
    across = ((np.arange(width) + 0.5 - width / 2 - x * height) / half) ** 2
    return np.add.outer(down, across).astype(np.float32)


def sideways(frame: Array, shifts: Array) -> Array:
    """Each line of (H, W, C) moved to the right by its own number of pixels; bilinear, the border repeated."""
    height, width = frame.shape[:2]
    x = np.arange(width, dtype=np.float32) - shifts[:, None]
    y = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
    moved = cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved.reshape(frame.shape)
