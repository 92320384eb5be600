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


@_inlined
def _columns(middle: np.float32, reach: np.float32, left: int, right: int) -> tuple[int, int]:
    """First and last border between pixels, counted from column `left`, that a line may lie between."""
    return max(math.floor(middle - reach), 0), min(math.ceil(middle + reach), right - left)


@_compiled
def angles(left: Array, right: Array, reach: Array, half: Array, middle: Array, weight: Array) -> Array:
    """Distances of the borders between pixels from the lines' middles, where `half` is a right angle.

    Args:
        left: This and the next four: as `Marks` has them.
        right: See left.
        reach: See left.
        half: See left.
        middle: See left.
        weight: Strength of each line in each row, (N, H) float32.

    Returns:
        (M,) float32 in [0, 3 pi / 2], row by row, line by line, border by border: in the order of `scratches`.
    """
    count, height = middle.shape
    needed = 0
    for row in range(height):
        for i in range(count):
            if weight[i, row] > 0:
                first, last = _columns(middle[i, row], reach[i], left[i], right[i])
                needed += max(last - first + 1, 0)
    found, at = np.empty(needed, np.float32), 0
    for row in range(height):
        for i in range(count):
            if weight[i, row] > 0:
                first, last = _columns(middle[i, row], reach[i], left[i], right[i])
                for border in range(first, last + 1):
                    found[at] = min(abs((np.float32(border) - middle[i, row]) * (QUARTER / half[i])), MOST)
                    at += 1
    return found


@_compiled
def scratches(
    frame: Array,
    mask: Array,
    left: Array,
    right: Array,
    reach: Array,
    half: Array,
    middle: Array,
    weight: Array,
    waves: Array,
    lobes: Array,
    tone: Array,
) -> None:
    """Lines with the profile of `Scratch`, one after the other.

    Args:
        frame: See above.
        mask: See above.
        left: This and the next five: as for `angles`.
        right: See left.
        reach: See left.
        half: See left.
        middle: See left.
        weight: See left.
        waves: Sines of what `angles` returns.
        lobes: Strength of each line's fringes, (N,) float32.
        tone: Of each line, (N,) float32; the fringes have the other one.
    """
    count, height = middle.shape
    at = 0
    for row in range(height):
        for i in range(count):
            if weight[i, row] > 0:
                first, last = _columns(middle[i, row], reach[i], left[i], right[i])
                before = np.float32(0)
                for border in range(first, last + 1):
                    d = np.float32(border) - middle[i, row]
                    total = waves[at]
                    if abs(d * (QUARTER / half[i])) > QUARTER:
                        total = ONE + lobes[i] * (total - ONE)
                    total = (total if d >= 0 else -total) * (np.float32(2 / math.pi) * half[i])
                    line = (total - before) * weight[i, row]
                    before = total
                    at += 1
                    if border > first and line != 0:
                        other = tone[i] if line > 0 else ONE - tone[i]
                        _blend(frame, mask, row, left[i] + border - 1, min(abs(line), ONE), other)


@_compiled
def grooves(
    frame: Array,
    mask: Array,
    left: Array,
    right: Array,
    reach: Array,
    half: Array,
    middle: Array,
    depth: Array,
    layers: tuple[int, int, int],
    tone: float,
) -> None:
    """Lines that cut into layers of dye, one after the other.

    Args:
        frame: See above; of a grey one all layers take their share.
        mask: See above; the greatest alpha of the channels.
        left: This and the next four: as `Marks` has them.
        right: See left.
        reach: See left.
        half: See left.
        middle: See left.
        depth: In the middle of each line in each row, in layers, (N, H) float32.
        layers: For each channel the layer that it lies in, from the top.
        tone: What shows where a layer is gone.
    """
    channels = frame.shape[2]
    cut = np.empty(3)
    for row in range(middle.shape[1]):
        for i in range(middle.shape[0]):
            deep = depth[i, row]
            if deep <= 0:
                continue
            first, last = _columns(middle[i, row], reach[i], left[i], right[i])
            for column in range(first, last):
                d = column - middle[i, row]
                for layer in range(3):
                    cut[layer] = _cut(d, half[i], deep, layer) - _cut(d, half[i], deep, layer + 1)
                greatest = 0.0
                for channel in range(channels):
                    alpha = cut[layers[channel]] if channels > 1 else cut.mean()
                    alpha = min(max(alpha, 0.0), 1.0)
                    pixel = frame[row, left[i] + column, channel]
                    frame[row, left[i] + column, channel] = pixel + alpha * (tone - pixel)
                    greatest = max(greatest, alpha)
                mask[row, left[i] + column, 0] += greatest * (1 - mask[row, left[i] + column, 0])


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
