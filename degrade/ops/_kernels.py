"""Loops over the pixels of single defects, compiled by Numba: neither NumPy nor OpenCV has one call for them.

Ops import it where they paint, since Numba takes a third of a second to load. What is compiled is kept beside this
file, or else in the user's cache (``NUMBA_CACHE_DIR``), for all processes to come.

Frames are (H, W, C) float32 in [0, 1], masks (H, W, 1) float32; both are changed in place, by float32 arithmetic in the
order of `_compositing.blend`: the same bits on every machine.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from degrade.core.types import Array
from degrade.ops._lines import Marks

F = TypeVar("F", bound=Callable[..., Any])
ONE, QUARTER, MOST = np.float32(1), np.float32(math.pi / 2), np.float32(1.5 * math.pi)


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
def cover(frame: Array, mask: Array, top: int, left: int, alpha: Array, opacity: float, tone: float) -> None:
    """Lays a tone over a part of the frame.

    Args:
        frame: See above.
        mask: See above.
        top: First row of the part.
        left: First column of the part.
        alpha: Of the part, (h, w) float32 in [0, 1].
        opacity: It is multiplied by.
        tone: In [0, 1].
    """
    for row in range(alpha.shape[0]):
        for column in range(alpha.shape[1]):
            if alpha[row, column] > 0:
                covered = min(alpha[row, column] * np.float32(opacity), ONE)
                _blend(frame, mask, top + row, left + column, covered, np.float32(tone))


@_inlined
def _blend(frame: Array, mask: Array, row: int, column: int, alpha: np.float32, tone: np.float32) -> None:
    for channel in range(frame.shape[2]):
        frame[row, column, channel] += (tone - frame[row, column, channel]) * alpha
    mask[row, column, 0] += (ONE - mask[row, column, 0]) * alpha


@_compiled
def along(ends: Array, coarse: Array, fine: Array, height: int) -> tuple[Array, Array]:
    """Where lines lie along the frame, and how strong they are there.

    Args:
        ends: Six rows of N, float32: where the middles are at the head of the frame, how far to the right of it at the
            foot; the level at the head, how much higher at the foot; noise below which the particle has lifted off;
            strength at level 1.
        coarse: Noise at knots at even distances from border to border, (K, N) float32.
        fine: The same at more knots; it counts half.
        height: Rows of the frame.

    Returns:
        `Marks.middle` and `Marks.weight`.
    """
    count = ends.shape[1]
    middle, weight = np.empty((height, count), np.float32), np.empty((height, count), np.float32)
    for row in range(height):
        way = (np.float32(row) + np.float32(0.5)) / np.float32(height)
        (over, share), (after, part) = _knot(row, height, len(coarse)), _knot(row, height, len(fine))
        for i in range(count):
            noise = ((fine[after + 1, i] - fine[after, i]) * part + fine[after, i]) * np.float32(0.5)
            noise += (coarse[over + 1, i] - coarse[over, i]) * share + coarse[over, i]
            contact = min(max((noise - ends[4, i]) * np.float32(0.7), np.float32(0)), ONE)
            middle[row, i] = ends[0, i] + ends[1, i] * way
            weight[row, i] = ends[5, i] * ((ends[2, i] + ends[3, i] * way) * contact)
    return middle, weight


@_inlined
def _knot(row: int, height: int, knots: int) -> tuple[int, np.float32]:
    """The knot before the middle of a row, and how far that is on the way to the next."""
    place = (row + 0.5) * ((knots - 1) / height)
    before = min(int(place), knots - 2)
    return before, np.float32(place - before)


@_inlined
def _borders(marks: Marks, i: int, row: int) -> tuple[int, int]:
    """First and last border between pixels, counted from column `left`, that line i may lie between."""
    middle, reach = marks.middle[row, i], marks.reach[i]
    return max(math.floor(middle - reach), 0), min(math.ceil(middle + reach), marks.right[i] - marks.left[i])


@_inlined
def _angle(border: int, middle: np.float32, slope: np.float32) -> np.float32:
    """How far a border lies to the right of the line's middle, where `half` is a right angle, `slope` a pixel's."""
    return (np.float32(border) - middle) * slope


@_compiled
def angles(marks: Marks) -> Array:
    """How far borders between pixels lie from the lines' middles, where `half` is a right angle.

    Returns:
        (M,) float32 in [0, 3 pi / 2], row by row, line by line, border by border: in the order of `scratches`.
    """
    weight, slopes = marks.weight, QUARTER / marks.half
    height, count = weight.shape
    found = np.empty(height * int((2 * np.ceil(marks.reach) + 3).sum()), np.float32)
    at = 0
    for row in range(height):
        for i in range(count):
            if weight[row, i] > 0:
                first, last = _borders(marks, i, row)
                middle, slope = marks.middle[row, i], slopes[i]
                for border in range(first, last + 1):
                    found[at] = min(abs(_angle(border, middle, slope)), MOST)
                    at += 1
    return found[:at]


@_inlined
def _fetched(picture: Array, row: int) -> np.float32:
    """A sum over every 64 bytes of a row: memory is asked for all that dense lines need at once, not line by line."""
    total = np.float32(0)
    for column in range(0, picture.shape[1], max(16 // picture.shape[2], 1)):
        total += picture[row, column, 0]
    return total


@_compiled
def scratches(frame: Array, mask: Array, marks: Marks, waves: Array, lobes: Array, tone: Array) -> np.float32:
    """Lines with the profile of `Scratch`, one after the other.

    Args:
        frame: See above.
        mask: See above.
        marks: The lines.
        waves: Sines of what it returns.
        lobes: Strength of each line's fringes, (N,) float32.
        tone: Of each line, (N,) float32; the fringes have the other one.

    Returns:
        Nothing of use; without it, reading ahead would be left out as dead code.
    """
    weight, slopes, areas = marks.weight, QUARTER / marks.half, np.float32(2 / math.pi) * marks.half
    height, count = weight.shape
    dense = 64 * count > frame.shape[1]  # fewer lines are laid faster than a row is read
    read, at = np.float32(0), 0
    for row in range(height):
        if dense:
            read += _fetched(frame, row) + _fetched(mask, row)
        for i in range(count):
            if weight[row, i] > 0:
                first, last = _borders(marks, i, row)
                middle, slope, left = marks.middle[row, i], slopes[i], marks.left[i] - 1
                area, strength, fringe, own = areas[i], weight[row, i], lobes[i], tone[i]
                before = np.float32(0)
                for border in range(first, last + 1):
                    angle, total = _angle(border, middle, slope), waves[at]
                    if abs(angle) > QUARTER:
                        total = ONE + fringe * (total - ONE)
                    total = (total if angle >= 0 else -total) * area
                    line = (total - before) * strength
                    before = total
                    at += 1
                    if border > first and line != 0:
                        _blend(frame, mask, row, left + border, min(abs(line), ONE), own if line > 0 else ONE - own)
    return read


@_compiled
def grooves(frame: Array, mask: Array, marks: Marks, layers: tuple[int, int, int], tone: float) -> None:
    """Lines that cut into layers of dye, one after the other.

    Args:
        frame: See above; of a grey one all layers take their share.
        mask: See above; the greatest alpha of the channels.
        marks: The lines; their weight is the depth in the middle, in layers.
        layers: For each channel the layer that it lies in, from the top.
        tone: What shows where a layer is gone.
    """
    channels = frame.shape[2]
    cut = np.empty(3)
    for row in range(marks.weight.shape[0]):
        for i in range(marks.weight.shape[1]):
            deep, half = marks.weight[row, i], marks.half[i]
            if deep <= 0:
                continue
            first, last = _borders(marks, i, row)
            for border in range(first, last):
                d, column = border - marks.middle[row, i], marks.left[i] + border
                for layer in range(3):
                    cut[layer] = _cut(d, half, deep, layer) - _cut(d, half, deep, layer + 1)
                greatest = 0.0
                for channel in range(channels):
                    alpha = cut[layers[channel]] if channels > 1 else cut.mean()
                    alpha = min(max(alpha, 0.0), 1.0)
                    frame[row, column, channel] += alpha * (tone - frame[row, column, channel])
                    greatest = max(greatest, alpha)
                mask[row, column, 0] += greatest * (1 - mask[row, column, 0])


@_inlined
def _cut(d: float, half: float, depth: float, layer: int) -> float:
    """How far a groove goes beyond so many layers, averaged over the pixel whose left border is at `d`."""
    return _beyond(d + 1, half, depth, layer) - _beyond(d, half, depth, layer)


@_inlined
def _beyond(d: float, half: float, depth: float, layer: int) -> float:
    """Integral from the middle to `d` of how far the groove depth (1 - |d| / half) goes beyond `layer` layers."""
    top = max(depth - layer, 0.0)
    base = max(half * top / depth, 1e-9)
    away = min(abs(d), base)
    return math.copysign(top * (away - away**2 / (2 * base)), d)
