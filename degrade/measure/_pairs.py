"""Flat patches of a frame and of the next: what is new in a frame, apart from what the scene has."""

from typing import NamedTuple

import numpy as np

from degrade.core.types import Array
from degrade.measure._flat import PATCH, Place, flat_places, smoothed_out

MOST = 60
"""Patches of a frame."""
REACH = 2
"""Pixels around where the movement of the picture leads that a patch is looked for in the next frame."""
AROUND = 6
"""Frames to each side with which one is compared."""
SAME = 0.25
"""A repeated frame differs from the one before by less than this share of what frames around differ by."""
FEWEST, LEAST = 4, 0.3
"""Frames around, and levels that they must differ by, for repeated ones to be told."""


class Pairs(NamedTuple):
    """Patches of a frame, each where the next one shows it, too."""

    level: Array
    """(N,) means."""
    off: Array
    """(N, PATCH, PATCH), what is not smooth in the difference, over √2: of two frames' noise, that of one."""
    places: list[tuple[Place, Place]]
    """In the frame and in the next."""


def pairs(one: Array, other: Array, step: Array | None, scale: float) -> Pairs:
    """Of two frames of a shot; a patch of the first is looked for in the second, by whole pixels.

    Args:
        one: (H, W).
        other: The next frame.
        step: The movement between them, 2 × 3, in a smaller picture.
        scale: How many times smaller that is.
    """
    places, level = flat_places(one)
    off, found, kept = [], [], []
    for i in np.linspace(0, len(places) - 1, min(MOST, len(places))).round().astype(int).tolist():
        there = _around(places[i], other.shape, step, scale)
        if there is None:
            continue
        now = smoothed_out(one[places[i]][None])[0]
        rest = smoothed_out(now - np.stack([other[place] for place in there]))
        best = int(np.argmin((rest**2).mean(axis=(1, 2))))
        off.append(rest[best] / np.sqrt(2))
        found.append((places[i], there[best]))
        kept.append(level[i])
    return Pairs(np.array(kept), np.array(off).reshape(-1, PATCH, PATCH), found)


def shown_twice(differences: Array) -> tuple[Array, Array]:
    """Which frames of a shot repeat the one before, and of which it can be told, both (N,) bool.

    Args:
        differences: (N,) in levels, of each frame but the first from the one before.
    """
    usual = np.zeros(len(differences))
    for i in range(len(differences)):
        around = np.delete(differences[max(0, i - AROUND) : i + AROUND + 1], min(i, AROUND))
        usual[i] = np.percentile(around, 60) if len(around) >= FEWEST else 0.0
    told = usual > LEAST
    return told & (differences < SAME * usual), told


def _around(place: Place, shape: tuple[int, ...], step: Array | None, scale: float) -> list[Place] | None:
    """Where a patch may lie in the next frame, some whole pixels about its movement; none beyond the border."""
    y, x = place[0].start, place[1].start
    if step is not None:
        middle = np.array([x, y]) + PATCH / 2
        dx, dy = (scale * (step @ [*(middle / scale), 1]) - middle).round().astype(int)
        x, y = x + int(dx), y + int(dy)
    if not (REACH <= y <= shape[0] - PATCH - REACH and REACH <= x <= shape[1] - PATCH - REACH):
        return None
    steps = range(-REACH, REACH + 1)
    return [np.s_[y + i : y + i + PATCH, x + j : x + j + PATCH] for i in steps for j in steps]
