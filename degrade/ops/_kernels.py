"""Loops over the pixels of single defects, compiled by Numba: neither NumPy nor OpenCV has one call for them.

Ops import it where they paint, since Numba takes a third of a second to load. What is compiled is kept beside this
file, or else in the user's cache (``NUMBA_CACHE_DIR``), for all processes to come.

Frames are (H, W, C) float32 in [0, 1], masks (H, W, 1); both are changed in place, as `_compositing.cover` does.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from degrade.core.types import Array

F = TypeVar("F", bound=Callable[..., Any])

LEAST = 1e-6
"""Alpha that is no more than rounding."""
CELL = 8
"""Side in pixels of the squares that are passed over where a mask is empty."""


def _compiled(function: F) -> F:
    """Compiled at its first call in a process, or loaded; other threads go on while it runs."""
    try:
        return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # there is no folder to keep it in
        return cast(F, numba.njit(nogil=True, error_model="numpy")(function))


def _inlined(function: F) -> F:
    """Becomes a part of those that call it: arrays are passed for nothing."""
    return cast(F, numba.njit(inline="always", error_model="numpy")(function))


@_compiled
def stamp(
    frame: Array, mask: Array, texture: Array, back: Array, box: tuple[int, int, int, int], opacity: float, tone: float
) -> None:
    """Covers a part of the frame with a texture (h, w), alpha in [0, 1]: bilinear, nothing around it.

    Args:
        frame: See above.
        mask: See above.
        texture: Alpha.
        back: (2, 3): where in the texture a pixel of the frame lies.
        box: The part: its first row and the one after its last, and the same of columns.
        opacity: Alpha is multiplied by it.
        tone: What it covers with.
    """
    height, width = texture.shape
    for row in range(box[0], box[1]):
        for column in range(box[2], box[3]):
            x = back[0, 0] * column + back[0, 1] * row + back[0, 2]
            y = back[1, 0] * column + back[1, 1] * row + back[1, 2]
            if x <= -1 or y <= -1 or x >= width or y >= height:
                continue
            left, above = math.floor(x), math.floor(y)
            alpha = 0.0
            for v in range(max(above, 0), min(above + 2, height)):
                for u in range(max(left, 0), min(left + 2, width)):
                    alpha += (1 - abs(x - u)) * (1 - abs(y - v)) * texture[v, u]
            alpha *= opacity
            if alpha > LEAST:
                _blend(frame, mask, row, column, min(alpha, 1.0), tone)


@_inlined
def _blend(frame: Array, mask: Array, row: int, column: int, alpha: float, tone: float) -> None:
    for channel in range(frame.shape[2]):
        frame[row, column, channel] += alpha * (tone - frame[row, column, channel])
    mask[row, column, 0] += alpha * (1 - mask[row, column, 0])


@_compiled
def scratches(
    frame: Array,
    mask: Array,
    x: Array,
    half: Array,
    level: Array,
    lift: Array,
    coarse: Array,
    fine: Array,
    opacity: Array,
    tone: Array,
    lobes: Array,
) -> None:
    """Lines with the profile of `Scratch`, one after the other; the first six as `OnFrame` has them, then one each."""
    height, width = frame.shape[:2]
    for row in range(height):
        down = (row + 0.5) / height
        for i in range(len(x)):
            weight = opacity[i] * _along(level, i, down) * _pressed(coarse, fine, lift, i, down)
            if weight <= 0:
                continue
            middle, reach = _along(x, i, down), half[i] * (3 if lobes[i] else 1)
            first, last = max(math.floor(middle - reach), 0), min(math.ceil(middle + reach), width)
            quarter = math.pi / 2 / half[i]  # of a wave in a pixel
            weight /= quarter
            before = _wave((first - middle) * quarter, lobes[i])
            for column in range(first, last):
                after = _wave((column + 1 - middle) * quarter, lobes[i])
                line = weight * (after - before)
                before = after
                if abs(line) > LEAST:
                    _blend(frame, mask, row, column, min(abs(line), 1.0), tone[i] if line >= 0 else 1 - tone[i])


@_inlined
def _wave(angle: float, lobes: float) -> float:
    """Integral from 0 of the cosine, and of `lobes` times it from pi / 2 to 3 pi / 2."""
    away = min(abs(angle), 1.5 * math.pi)
    total = _sine(away) if away <= math.pi / 2 else 1 + lobes * (_sine(math.pi - away) - 1)
    return total if angle >= 0 else -total


@_inlined
def _sine(x: float) -> float:
    """Between -pi / 2 and pi / 2, within 4e-6, in a fifth of the time: by its series."""
    square = x * x
    return x * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72))))


@_compiled
def grooves(
    frame: Array,
    mask: Array,
    x: Array,
    half: Array,
    level: Array,
    lift: Array,
    coarse: Array,
    fine: Array,
    depth: Array,
    layers: tuple[int, int, int],
    tone: float,
) -> None:
    """Lines that cut into layers of dye, one after the other.

    Args:
        frame: See above; of a grey one all layers take their share.
        mask: See above; the deepest of the channels.
        x: This and the next five: as `OnFrame` has them.
        half: See x.
        level: See x.
        lift: See x.
        coarse: See x.
        fine: See x.
        depth: Of the middle of each line, in layers.
        layers: For each channel the layer that it lies in, from the top.
        tone: What shows where a layer is gone.
    """
    height, width, channels = frame.shape
    before, after = np.empty(4), np.empty(4)
    for row in range(height):
        down = (row + 0.5) / height
        for i in range(len(x)):
            deep = depth[i] * _along(level, i, down) * _pressed(coarse, fine, lift, i, down)
            if deep <= 0:
                continue
            middle = _along(x, i, down)
            first, last = max(math.floor(middle - half[i]), 0), min(math.ceil(middle + half[i]), width)
            for k in range(4):
                before[k] = _beyond(first - middle, half[i], deep, k)
            for column in range(first, last):
                for k in range(4):
                    after[k] = _beyond(column + 1 - middle, half[i], deep, k)
                before -= after  # from now on: what this pixel has of each layer and all below it, negative
                greatest = 0.0
                for channel in range(channels):
                    k = layers[channel]
                    alpha = before[k + 1] - before[k] if channels > 1 else (before[3] - before[0]) / 3
                    alpha = min(alpha, 1.0) if alpha > LEAST else 0.0
                    frame[row, column, channel] += alpha * (tone - frame[row, column, channel])
                    greatest = max(greatest, alpha)
                mask[row, column, 0] += greatest * (1 - mask[row, column, 0])
                before[:] = after


@_compiled
def _beyond(d: float, half: float, depth: float, layer: int) -> float:
    """Integral from the middle to `d` of how far the groove depth (1 - |d| / half) goes beyond `layer` layers."""
    top = depth - layer
    if top <= 0:
        return 0.0
    base = half * top / depth
    away = min(abs(d), base)
    return math.copysign(top * (away - away**2 / (2 * base)), d)


@_inlined
def _along(ends: Array, i: int, down: float) -> float:
    """Straight from the head of the frame, ends[i, 0], to its foot."""
    return float(ends[i, 0] + down * (ends[i, 1] - ends[i, 0]))


@_inlined
def _pressed(coarse: Array, fine: Array, lift: Array, i: int, down: float) -> float:
    """How firmly the particle of line i presses there, 0 to 1."""
    return min(max(0.7 * (_between(coarse, i, down) + 0.5 * _between(fine, i, down) - lift[i]), 0.0), 1.0)


@_inlined
def _between(knots: Array, i: int, down: float) -> float:
    """Straight lines between the knots of line i, one of which is at either border of the frame."""
    at = down * (knots.shape[1] - 1)
    before = min(int(at), knots.shape[1] - 2)
    return float(knots[i, before] + (at - before) * (knots[i, before + 1] - knots[i, before]))


@_compiled
def warp_alpha(mask: Array, back: Array, out: Array) -> None:
    """Moves a mask: bicubic, mirrored at the border, negative weights taken for positive; only where it has something.

    Args:
        mask: (H, W).
        back: (2, 3): where in the mask a pixel of the moved one lies; a shift and a rotation.
        out: Zeros of the same shape.
    """
    height, width = mask.shape
    occupied = _occupied(mask)
    far = (CELL - 1) / 2 * (abs(back[0, 0]) + abs(back[0, 1])) + 2  # from the middle of a cell to the last pixel used
    for top in range(0, height, CELL):
        for left in range(0, width, CELL):
            row, column = top + (CELL - 1) / 2, left + (CELL - 1) / 2
            x = back[0, 0] * column + back[0, 1] * row + back[0, 2]
            y = back[1, 0] * column + back[1, 1] * row + back[1, 2]
            if not _any(occupied, x - far, x + far, y - far, y + far, height, width):
                continue
            for i in range(top, min(top + CELL, height)):
                for j in range(left, min(left + CELL, width)):
                    x = back[0, 0] * j + back[0, 1] * i + back[0, 2]
                    y = back[1, 0] * j + back[1, 1] * i + back[1, 2]
                    out[i, j] = min(abs(_bicubic(mask, x, y, height, width)), 1.0)


@_compiled
def _occupied(mask: Array) -> Array:
    """Which cells of a mask hold anything, bool."""
    height, width = mask.shape
    cells = np.zeros((-(-height // CELL), -(-width // CELL)), np.bool_)
    line = np.zeros(CELL * cells.shape[1], np.float32)
    for top in range(0, height, CELL):
        line[:] = 0
        for row in range(top, min(top + CELL, height)):
            for column in range(width):
                line[column] += mask[row, column]  # alpha is never negative
        for column in range(len(line)):
            if line[column] > 0:
                cells[top // CELL, column // CELL] = True
    return cells


@_inlined
def _any(cells: Array, left: float, right: float, top: float, bottom: float, height: int, width: int) -> bool:
    """Whether the cells of a part hold anything, or those that are mirrored into it."""
    left, right = _within(left, right, width)
    top, bottom = _within(top, bottom, height)
    for row in range(int(top) // CELL, int(bottom) // CELL + 1):
        for column in range(int(left) // CELL, int(right) // CELL + 1):
            if cells[row, column]:
                return True
    return False


@_compiled
def _within(first: float, last: float, length: int) -> tuple[float, float]:
    """A stretch of pixels that holds all that is seen in another one, which may lie beyond the border."""
    if first < 0:
        first, last = 0.0, max(last, -first)
    if last > length - 1:
        first, last = min(first, 2 * length - 1 - last), length - 1.0
    return max(first, 0.0), last


@_inlined
def _bicubic(mask: Array, x: float, y: float, height: int, width: int) -> float:
    """The mask at a place between its pixels."""
    left, above = math.floor(x) - 1, math.floor(y) - 1
    across, down = _cubic(x - left - 1), _cubic(y - above - 1)
    if left >= 0 and above >= 0 and left + 3 < width and above + 3 < height:
        columns = (left, left + 1, left + 2, left + 3)
        rows = (above, above + 1, above + 2, above + 3)
    else:
        columns = (
            _mirrored(left, width), _mirrored(left + 1, width), _mirrored(left + 2, width), _mirrored(left + 3, width)
        )  # fmt: skip
        rows = (
            _mirrored(above, height), _mirrored(above + 1, height), _mirrored(above + 2, height),
            _mirrored(above + 3, height),
        )  # fmt: skip
    return (
        down[0] * _across(mask, rows[0], columns, across)
        + down[1] * _across(mask, rows[1], columns, across)
        + down[2] * _across(mask, rows[2], columns, across)
        + down[3] * _across(mask, rows[3], columns, across)
    )


@_inlined
def _across(mask: Array, row: int, columns: tuple[int, ...], weights: tuple[float, ...]) -> float:
    return (
        weights[0] * mask[row, columns[0]]
        + weights[1] * mask[row, columns[1]]
        + weights[2] * mask[row, columns[2]]
        + weights[3] * mask[row, columns[3]]
    )


@_compiled
def _cubic(x: float) -> tuple[float, float, float, float]:
    """Keys's weights (1981; a = -0.75) of the pixels at -1, 0, 1 and 2 for a place x between 0 and 1."""
    y = 1 - x
    near, far = (1.25 * x - 2.25) * x * x + 1, (1.25 * y - 2.25) * y * y + 1
    before = -0.75 * x * y * y
    return before, near, far, 1 - before - near - far


@_compiled
def _mirrored(at: int, length: int) -> int:
    """The pixel that lies there, the border's own twice."""
    while not 0 <= at < length:
        at = -1 - at if at < 0 else 2 * length - 1 - at
    return at
