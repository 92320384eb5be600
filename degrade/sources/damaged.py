"""What becomes of frames that cannot be read."""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources.base import Depth, Derived, OnDamaged, Reader, check_range
from degrade.sources.stream import StreamInfo


@dataclass(frozen=True)
class Mended(Derived):
    """A sequence of which some frames are damaged; it stays as long."""

    reader: Reader
    stream: StreamInfo
    damaged: tuple[int, ...]
    """Their numbers in the footage, increasing."""
    order: tuple[int, ...]
    """Which of the footage's frames each frame is."""

    @property
    def frames(self) -> int:
        """How many there are now."""
        return len(self.order)

    def read(self, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Reader.read`."""
        check_range("footage", self.frames, start, stop)
        if start == stop:
            return self.reader.read(0, 0, depth)
        parts = []
        for _, run in itertools.groupby(enumerate(self.order[start:stop]), lambda pair: pair[1] - pair[0]):
            numbers = [number for _, number in run]
            parts.append(self.reader.read(numbers[0], numbers[-1] + 1, depth))
        return np.concatenate(parts)

    def names(self) -> list[str]:
        """See `Source.names`; those of the footage, also of a frame that is repeated."""
        names = self.reader.names()
        return names if self.frames == self.reader.frames else [names[number] for number in self.order]

    def damaged_in(self, start: int, stop: int) -> tuple[int, ...]:
        """See `Source.damaged`."""
        repeated = self.frames == self.reader.frames
        first = start if repeated or not start else self.order[start - 1] + 1
        last = self.reader.frames if stop == self.frames else stop if repeated else self.order[stop]
        return tuple(number for number in self.damaged if first <= number < last)


def mend(reader: Reader, how: OnDamaged) -> Reader:
    """The same sequence without its damaged frames, for which each frame is read once.

    Raises:
        SourceError: No frame of it can be read.
    """
    if how == "error":
        return reader
    found = dict(reader.survey(0, reader.frames))
    good = [number for number in range(reader.frames) if number not in found]
    if not found:
        return reader
    if not good:
        raise SourceError(found[0])
    if how == "skip":
        return Mended(reader, _without(reader, good), tuple(found), tuple(good))
    order = [good[max(0, bisect.bisect_right(good, number) - 1)] for number in range(reader.frames)]
    return Mended(reader, reader.stream, tuple(found), tuple(order))


def _without(reader: Reader, good: Sequence[int]) -> StreamInfo:
    """The stream of the frames that are left: each is shown until the next, so that the film stays as long."""
    about = reader.stream
    if about.rate is None:  # pictures, which are shown at no time
        return about
    times, base = (about.times, about.time_base) if about.times else (range(reader.frames + 1), 1 / about.rate)
    shown = [times[number] - times[good[0]] for number in (*good, reader.frames)]
    return replace(
        about,
        rate=len(good) / (shown[-1] * base),
        times=tuple(shown),
        time_base=base,
        start=about.start + times[good[0]] * base,
    )
