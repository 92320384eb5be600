"""Defects as events in time: first frames and lifetimes."""

import functools
import itertools
import math
from collections.abc import Iterable

import numpy as np

from degrade.core.fields import Interval, Ints
from degrade.core.types import Array, Params


class EventParams(Params):
    """What was drawn for defects that come and go: one entry per defect in each field, sorted by first frame."""

    first: Ints
    """First frame of the clip that it shows on."""

    def lifetimes(self) -> Iterable[int]:
        """Frames of the clip that each shows on; one, unless a subclass says otherwise."""
        return itertools.repeat(1)

    def shown(self, t: int) -> list[int]:
        """Which of them frame t shows, in order; among thousands of frames as fast as among ten."""
        first, end, longest = self._span
        begin, stop = np.searchsorted(first, (t - longest, t), side="right")
        return (begin + np.flatnonzero(t < end[begin:stop])).tolist()

    @functools.cached_property
    def _span(self) -> tuple[Array, Array, int]:
        first = np.array(self.first, np.int64)
        life = np.fromiter(self.lifetimes(), np.int64, first.size)
        return first, first + life, int(life.max(initial=0))


def arrivals(rng: np.random.Generator, per_frame: float, lifetime: Interval, frames: int) -> tuple[Array, Array]:
    """Defects that come at random and stay for a while, in a steady state from frame 0 on.

    Args:
        rng: Source of the numbers.
        per_frame: Mean number that a frame shows.
        lifetime: Frames that a defect stays for, drawn evenly, whole.
        frames: Length of the clip.

    Returns:
        First frames, ascending, and lifetimes, both (N,) int; all show in the clip.
    """
    shortest, longest = (max(1, round(bound)) for bound in lifetime)
    rate = per_frame / ((shortest + longest) / 2)
    starts = np.arange(1 - longest, frames)
    first = np.repeat(starts, rng.poisson(rate, starts.size))
    life = rng.integers(shortest, longest + 1, first.size)
    shown = first + life > 0
    return first[shown], life[shown]


def covering(share: float) -> float:
    """Mean number on a frame at which so large a share of the frames has one or more, at most 99%."""
    return -math.log1p(-min(share, 0.99))


def visible(first: Array, life: Array, frames: int) -> tuple[Array, Array]:
    """What a clip of that many frames sees of such lifetimes: first frames and their number."""
    start = np.maximum(first, 0)
    return start, np.minimum(first + life, frames) - start
