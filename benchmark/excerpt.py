"""A part of footage."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from degrade.core.errors import SourceError, SpecError
from degrade.core.types import Array
from degrade.sources import FrameSequence, Source
from degrade.sources.base import Depth
from degrade.sources.report import Note
from degrade.sources.stream import StreamInfo
from degrade.sources.tracks import Tracks, timecode_after


class Excerpt(Source):
    """Frames `start` to `stop` of each sequence, under the names that they have in the whole.

    Args:
        source: The footage.
        start: First frame.
        stop: Frame after the last; None: all. Sequences that end before it end where they do.

    Raises:
        SpecError: Numbers that make no range.
        SourceError: A sequence has no frame in it.
    """

    def __init__(self, source: Source, start: int = 0, stop: int | None = None) -> None:
        if start < 0 or (stop is not None and stop <= start):
            raise SpecError(f"must be a frame after --start {start}, which is 0 or more; got {stop}", "--stop")
        self.source, self.start = source, start
        self._sequences = []
        for whole in source.sequences():
            end = whole.frames if stop is None else min(stop, whole.frames)
            if end <= start:
                raise SourceError(f"{whole.id}: has {whole.frames} frames, and none from {start} on")
            self._sequences.append(FrameSequence(whole.id, end - start, part(whole.stream, start, end)))

    def sequences(self) -> list[FrameSequence]:
        """See `Source.sequences`."""
        return self._sequences

    def read(self, sequence: FrameSequence | str, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Source.read`."""
        return self.source.read(self.find(sequence).id, self.start + start, self.start + stop, depth)

    def names(self, sequence: FrameSequence | str) -> list[str]:
        """See `Source.names`."""
        part = self.find(sequence)
        return self.source.names(part.id)[self.start : self.start + part.frames]

    def notes(self) -> list[Note]:
        """See `Source.notes`; of the whole."""
        return self.source.notes()

    def damaged(self, sequence: FrameSequence | str, start: int, stop: int) -> tuple[int, ...]:
        """See `Source.damaged`; numbers are those of the whole."""
        return self.source.damaged(self.find(sequence).id, self.start + start, self.start + stop)

    def survey(self, sequence: FrameSequence | str, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """See `Source.survey`; numbers are those of the whole."""
        return self.source.survey(self.find(sequence).id, self.start + start, self.start + stop)

    def fingerprint(self, sequence: FrameSequence | str) -> str:
        """See `Source.fingerprint`; of the whole sequence."""
        return self.source.fingerprint(self.find(sequence).id)

    def tracks(self, sequence: FrameSequence | str) -> Tracks | None:
        """See `Source.tracks`; those of the part."""
        cut = self.find(sequence)
        whole, tracks = self.source.find(cut.id), self.source.tracks(cut.id)
        return tracks and tracks.part(whole.stream, self.start, self.start + cut.frames)

    def holds(self, place: Path) -> bool:
        """See `Source.holds`."""
        return self.source.holds(place)


def part(stream: StreamInfo, start: int, stop: int) -> StreamInfo:
    """The stream of frames `start` to `stop`, shown from the beginning on."""
    times = tuple(time - stream.times[start] for time in stream.times[start : stop + 1])
    timecode = timecode_after(stream.timecode, start, stream.fps)
    return replace(stream, times=times, start=Fraction(0), timecode=timecode)
