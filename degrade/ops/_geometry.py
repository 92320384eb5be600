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
    return np.add.outer(down.astype(np.float32), across.astype(np.float32))


def sideways(frame: Array, shifts: Array) -> Array:
    """Each line of (H, W, C) moved to the right by its own number of pixels; bilinear, the border repeated."""
    height, width = frame.shape[:2]
    x = np.arange(width, dtype=np.float32) - shifts[:, None]
    y = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
    moved = cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved.reshape(frame.shape)


CELL = 8
"""Side of the squares that a mask is moved by: as many pixels as a word has bytes."""
STEEP = math.cos(math.radians(20))
"""Beyond that rotation a cell and its neighbours do not hold all that a turned one is made of."""
MOST_CELLS = 4000
"""That are moved at once: OpenCV takes no wider pictures."""


def warp(frame: Array, matrix: Array, out: Array) -> Array:
    """Moves a frame (H, W, C) by a matrix (2, 3) into `out`, which is returned; bicubic, the border mirrored."""
    height, width = frame.shape[:2]
    cv2.warpAffine(frame, matrix, (width, height), dst=out, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return out


def warp_mask(mask: Array, matrix: Array, out: Array) -> None:
    """What `warp` does to a mask, as alpha, but only where there is something, within 1e-4.

    Args:
        mask: (H, W, 1) float32 in [0, 1].
        matrix: (2, 3), a shift and a rotation.
        out: Zeros of the same shape; what the filter reaches is written there, see `degrade.core.types.reached`.
    """
    height, width = mask.shape[:2]
    corners = np.array(((0, 0), (width, 0), (0, height), (width, height)))
    if matrix[0, 0] < STEEP or (abs(corners @ matrix[:, :2].T + matrix[:, 2] - corners) > (width, height)).any():
        reached(warp(mask, matrix, out))
        return
    rows, columns = np.nonzero(_reached_cells(_occupied(mask[..., 0]), matrix, height, width))
    back = cv2.invertAffineTransform(matrix)
    for part in range(0, rows.size, MOST_CELLS):
        row = np.repeat(CELL * rows[part : part + MOST_CELLS], CELL) + np.arange(CELL)[:, None]
        column = (CELL * columns[part : part + MOST_CELLS, None] + np.arange(CELL)).reshape(-1)
        row, column = np.minimum(row, height - 1), np.minimum(column, width - 1)
        x, y = ((way[0] * column + way[2] + way[1] * row).astype(np.float32) for way in back)
        pixels = cv2.remap(mask, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        out.reshape(-1)[row * width + column] = reached(pixels)


def _occupied(mask: Array) -> Array:
    """Which cells of (H, W) hold anything, bool."""
    height, width = mask.shape
    whole = height - height % CELL
    rows = mask[:whole].reshape(-1, CELL, width).max(1)
    if whole < height:
        rows = np.append(rows, mask[whole:].max(0)[None], 0)
    bits = np.zeros((len(rows), width + -width % CELL), bool)
    np.greater(rows, 0, out=bits[:, :width])
    return bits.view(np.uint64) != 0  # a cell's eight bytes at once


def _reached_cells(occupied: Array, matrix: Array, height: int, width: int) -> Array:
    """Which cells what is in others may move to, itself or mirrored at a border, with all around them; uint8."""
    y, x = (CELL * (at + 0.5) for at in np.nonzero(occupied))
    x, y = np.tile((x, -x, 2 * width - x), (3, 1)), np.repeat((y, -y, 2 * height - y), 3, axis=0)
    column, row = ((way[0] * x + way[1] * y + way[2]) // CELL for way in matrix)
    within = (row >= -1) & (row <= occupied.shape[0]) & (column >= -1) & (column <= occupied.shape[1])
    used = np.zeros((occupied.shape[0] + 2, occupied.shape[1] + 2), np.uint8)  # and a cell beyond each border
    used[row[within].astype(int) + 1, column[within].astype(int) + 1] = 1
    return cv2.dilate(used, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
