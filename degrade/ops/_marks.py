"""The lines that one frame shows, for the kernels that lay them."""

from collections.abc import Iterator, Sequence

import numpy as np

from degrade.core.types import Array
from degrade.ops._lines import COARSE, LineParams, Marks

BATCH = 1 << 20
"""Pixels of lines that are made at once, about."""


def marks(
    params: LineParams, t: int, size: tuple[int, int], reach: Sequence[float] | Array, greatest: Sequence[float]
) -> Iterator[Marks]:
    """The lines on frame t, in their order.

    Args:
        params: `LineParams`.
        t: Frame index in the clip.
        size: Height and width of the frame.
        reach: How far each line of the params shows to either side, in half widths.
        greatest: Strength of each where its level is 1 and the particle presses firmly.
    """
    lines = np.array(params.shown(t), int)
    half = np.maximum(np.asarray(params.width_px)[lines] / 2, 0.05)  # never so thin that it vanishes
    away = half * np.asarray(reach)[lines]
    batch = max(1, int(BATCH / size[0] / (2 * away.max(initial=0) + 2)))
    for some in (slice(n, n + batch) for n in range(0, len(lines), batch)):
        yield _marks(params, t, size, lines[some], half[some], away[some], np.asarray(greatest)[lines[some]])


def _marks(
    params: LineParams, t: int, size: tuple[int, int], lines: Array, half: Array, away: Array, greatest: Array
) -> Marks:
    from degrade.ops import _kernels

    height, width = size
    head, foot, first, last = params.ends(lines, t)
    left = np.clip(np.floor(np.minimum(head, foot) - away), 0, width).astype(int)
    right = np.clip(np.ceil(np.maximum(head, foot) + away), left, width).astype(int)
    ends = (head - left, foot - head, first, last - first, np.asarray(params.lift)[lines], greatest)
    knots, after = (np.ascontiguousarray(noise.T) for noise in params.knots(lines, t))  # coarse ones, then fine
    middle, weight = _kernels.along(
        np.array(ends, np.float32),
        np.concatenate([knots[:COARSE], after[:1]]),
        np.concatenate([knots[COARSE:], after[COARSE : COARSE + 1]]),
        height,
    )
    return Marks(lines, left, right, away.astype(np.float32), half.astype(np.float32), middle, weight)
