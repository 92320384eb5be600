"""Distances within a frame, displacement of lines, and movement of masks."""

import math

import cv2
import numpy as np

from degrade.core.types import Array, reached


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


def warp(frame: Array, matrix: Array) -> Array:
    """A frame (H, W, C) moved by a matrix (2, 3); bicubic, the border mirrored."""
    height, width = frame.shape[:2]
    moved = cv2.warpAffine(frame, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return moved.reshape(frame.shape)


def warp_mask(mask: Array, matrix: Array, out: Array) -> None:
    """What `warp` does to a mask, as alpha, but only where there is something, within 1e-4.

    Args:
        mask: (H, W, 1) float32 in [0, 1].
        matrix: (2, 3), a shift and a rotation.
        out: Zeros of the same shape; what the filter reaches is written there, see `degrade.core.types.reached`.
    """
    from degrade.ops import _kernels

    height, width = size = mask.shape[:2]
    corners = np.array(((0, 0), (width, 0), (0, height), (width, height)))
    if (abs(corners @ matrix[:, :2].T + matrix[:, 2] - corners) > (width, height)).any():  # mirrored more than once
        out[:] = reached(warp(mask, matrix))
        return
    _kernels.warp_alpha(mask.reshape(size), cv2.invertAffineTransform(matrix), out.reshape(size))
