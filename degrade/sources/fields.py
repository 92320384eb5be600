"""Whether frames are two fields, shot one after the other: measured where a stream does not say it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from degrade.core.types import Array

Scan = Literal["", "top", "bottom", "interlaced", "telecine"]
"""How frames are made of fields: not; the top or the bottom one is shown first, or it is not known which; or film at
24 frames per second lies in 30, two frames of five woven of two each."""

ORDERS: dict[int, Scan] = {2: "top", 3: "bottom", 4: "bottom", 5: "top"}
"""FFmpeg's numbers of field orders, by the field that is shown first."""

WORDS = {"top": "interlaced, top field first", "bottom": "interlaced, bottom field first", "interlaced": "interlaced",
         "telecine": "telecined film"}  # fmt: skip
"""For people."""

HEIGHTS = frozenset({480, 486, 512, 576, 608, 1080, 1088})
"""Of standards that are interlaced."""

MOVED = 12
"""Difference of 255 from one frame to the next from which on a pixel moves."""

LEAST = 0.002
"""Share of pixels that must move for a frame to tell anything."""

COMBED, ORDERED = 1.15, 1.3
"""How much more neighbouring lines differ than those of one field, where a frame is combed; and how much more fields
differ that are further apart in time."""


def measured_scan(frames: Sequence[Array]) -> Scan:
    """How frames are made of fields, by what moves in them.

    Lines of a frame that was shot at once are the more alike the nearer they are; where something moved between two
    fields, a line is more like the one after next. Fields that follow each other in time are more alike than those with
    another between them.

    Args:
        frames: In order, one after the other: (H, W) luma, uint8. Ten or more tell telecine from interlacing.
    """
    shots = [frame.astype(np.int16) for frame in frames]
    moving = [np.abs(a - b) > MOVED for a, b in pairwise(shots)]
    combed: dict[int, bool] = {}
    for t, shot in enumerate(shots):
        # Of telecined film a field may stay from one frame to the next.
        moves = np.logical_or.reduce(moving[max(0, t - 1) : t + 1])
        if len(shots) > 1 and moves.mean() >= LEAST:
            combed[t] = _combing(shot, moves) > COMBED
    if not combed or sum(combed.values()) < 0.25 * len(combed):
        return ""
    if _by_fives(combed):
        return "telecine"
    if sum(combed.values()) < 0.6 * len(combed):
        return ""
    pairs = list(pairwise(shots))
    late = sum(_distance(a, b) for a, b in pairs)  # from a top field to the bottom field of the next frame
    early = sum(_distance(b, a) for a, b in pairs)
    if late > ORDERED * early:
        return "top"
    return "bottom" if early > ORDERED * late else ""


def _combing(shot: Array, moves: Array) -> float:
    """How much neighbouring lines differ where something moves, over how much lines of one field do."""
    near, far = np.abs(shot[1:-1] - shot[:-2]), np.abs(shot[2:] - shot[:-2])
    where = moves[1:-1]
    return float(near[where].sum() / max(1, far[where].sum()))


def _distance(top: Array, bottom: Array) -> float:
    """How far the top field of one frame is from the bottom field of another, where lines between are the mean."""
    rows = min(len(top) // 2, len(bottom) // 2)
    upper, lower = top[::2][:rows], bottom[1::2][:rows]
    return float(np.abs(2 * lower[:-1] - upper[:-1] - upper[1:]).mean())


def _by_fives(combed: dict[int, bool]) -> bool:
    """Whether two frames of five are combed, always the same ones."""
    if len(combed) < 9:
        return False
    for phase in range(5):
        pattern = {(phase + 2) % 5, (phase + 3) % 5}
        if sum(found == (t % 5 in pattern) for t, found in combed.items()) >= 0.9 * len(combed):
            return True
    return False
