"""The interface of sources: named sequences of frames, read at random."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from degrade.core.errors import SourceError, unknown
from degrade.core.types import Array
from degrade.sources import report
from degrade.sources.report import Note
from degrade.sources.stream import StreamInfo
from degrade.sources.tracks import Tracks

PICTURES = {".dpx", ".exr", ".jp2", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
"""Suffixes of picture files."""

VIDEO_SUFFIXES = frozenset(
    {".mkv", ".webm", ".mp4", ".m4v", ".mov", ".mxf", ".avi", ".wmv", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"}
)
"""Suffixes of videos. Other files are known by their content, see `degrade.sources.content`."""

Deinterlace = Literal["none", "bwdif", "telecine"]
"""What is done with fields: nothing; lines of the second are drawn anew from the frames around (bwdif); or film is
found again in telecined video, four frames of five (fieldmatch, decimate)."""

OnDamaged = Literal["error", "repeat", "skip"]
"""What is done where frames are damaged: stop, show the frame before (at the start, the one after) in their place, or
leave them out and show the frame before for longer."""

AT_ONCE, AT_ONCE_BYTES = 16, 2**28
"""Frames that `Source.each` reads at once, and their bytes, at most."""

Depth = Literal[8, 16]
"""Bits of the values that are read: uint8 or uint16, over their full range."""


@dataclass(frozen=True)
class FrameSequence:
    """Frames of one size, in order."""

    id: str
    """Relative path with ``/``, unique in its source: ``train_sharp/000``."""
    frames: int
    stream: StreamInfo
    """What they are."""

    @property
    def height(self) -> int:
        """In pixels."""
        return self.stream.height

    @property
    def width(self) -> int:
        """In pixels."""
        return self.stream.width

    @property
    def fps(self) -> float:
        """Frames per second; of a variable rate the mean, and 24 where the footage does not say."""
        return float(self.stream.fps)


class Source(ABC):
    """Clean footage. Pickles small: what is open stays with the process that opened it."""

    @abstractmethod
    def sequences(self) -> list[FrameSequence]:
        """All sequences, in natural order of their ids: ``take2`` before ``take10``."""

    @abstractmethod
    def read(self, sequence: FrameSequence | str, start: int, stop: int, depth: Depth = 8) -> Array:
        """Frames `start` to `stop` of a sequence, given as such or by id.

        Args:
            sequence: The sequence or its id.
            start: First frame.
            stop: The one after the last.
            depth: Bits of the values given, 8 or 16; footage of another depth is scaled to it.

        Returns:
            (N, H, W, 3) RGB, upright; uint8 or uint16, over its full range.

        Raises:
            SourceError: No such sequence or frame; a file is missing, damaged or of another size.
        """

    def each(
        self, sequence: FrameSequence, start: int = 0, stop: int | None = None, depth: Depth = 8
    ) -> Iterator[Array]:
        """Frames `start` to `stop`, to the end if not given, one by one, (H, W, 3); a few are read at once."""
        stop = sequence.frames if stop is None else stop
        count = max(1, min(AT_ONCE, AT_ONCE_BYTES // (depth // 8 * 3 * sequence.height * sequence.width)))
        for first in range(start, stop, count):
            yield from self.read(sequence, first, min(first + count, stop), depth)

    @abstractmethod
    def fingerprint(self, sequence: FrameSequence | str) -> str:
        """SHA-256 (hex) of what the pixels of a sequence derive from: for files, their bytes."""

    def names(self, sequence: FrameSequence | str) -> list[str]:
        """What the frames of a sequence are called, each another name: as their files, or by their numbers."""
        return [f"{t:05d}" for t in range(self.find(sequence).frames)]

    def notes(self) -> list[Note]:
        """What was found on opening: passed over, odd, assumed, dropped, damaged."""
        return []

    def line(self, copied: Collection[str] = ()) -> str:
        """What there is, and the `notes`, in one line; empty if there is nothing to tell.

        Args:
            copied: What is not dropped, as it goes on to what is written: ``sound``, ``timecode``.
        """
        notes = [note for note in self.notes() if note.kind != "dropped" or note.what not in copied]
        return report.line(len(self.sequences()), sum(sequence.frames for sequence in self.sequences()), notes)

    def damaged(self, sequence: FrameSequence | str, start: int, stop: int) -> tuple[int, ...]:
        """Which frames of the footage were damaged, and repeated or skipped, for frames `start` to `stop`.

        Returns:
            Their numbers, counted before any was skipped.
        """
        return ()

    def survey(self, sequence: FrameSequence | str, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """Reads frames `start` to `stop` and yields the number of each that is damaged, with the reason."""
        yield from ()

    def holds(self, place: Path) -> bool:
        """Whether what is written to a place would become footage of this source."""
        return False

    def tracks(self, sequence: FrameSequence | str) -> Tracks | None:
        """What there is beside the frames of a sequence, to be copied; None of pictures."""
        return None

    def find(self, sequence: FrameSequence | str) -> FrameSequence:
        """The sequence of that id.

        Raises:
            SourceError: There is none; the nearest id is suggested.
        """
        name = sequence if isinstance(sequence, str) else sequence.id
        for candidate in self.sequences():
            if candidate.id == name:
                return candidate
        raise SourceError(unknown("sequence", name, (s.id for s in self.sequences())))


class Reader(ABC):
    """Frames of one sequence out of its files."""

    stream: StreamInfo
    """What they are."""

    @property
    @abstractmethod
    def frames(self) -> int:
        """How many there are."""

    @abstractmethod
    def read(self, start: int, stop: int, depth: Depth = 8) -> Array:
        """Frames `start` to `stop`, (N, H, W, 3) RGB, upright; errors as of `Source.read`."""

    @abstractmethod
    def fingerprint(self) -> str:
        """See `Source.fingerprint`."""

    @property
    def original(self) -> "Reader":
        """What reads the files."""
        return self

    def tracks(self) -> Tracks | None:
        """See `Source.tracks`."""
        return None

    def names(self) -> list[str]:
        """See `Source.names`."""
        return [f"{t:05d}" for t in range(self.frames)]

    def survey(self, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """See `Source.survey`."""
        for number in range(start, stop):
            try:
                self.read(number, number + 1)
            except SourceError as error:
                yield number, str(error)


class Derived(Reader):
    """A sequence whose frames are made of another's; whatever else it says is the other's."""

    reader: Reader
    """The other."""

    @property
    def frames(self) -> int:
        """How many there are."""
        return self.reader.frames

    @property
    def original(self) -> Reader:
        """What reads the files."""
        return self.reader.original

    def fingerprint(self) -> str:
        """That of the files."""
        return self.reader.fingerprint()

    def tracks(self) -> Tracks | None:
        """See `Source.tracks`."""
        return self.reader.tracks()

    def names(self) -> list[str]:
        """See `Source.names`."""
        return self.reader.names()


def check_range(name: object, frames: int, start: int, stop: int) -> None:
    """Raises SourceError unless ``0 <= start <= stop <= frames``."""
    if not 0 <= start <= stop <= frames:
        raise SourceError(f"{name}: asked for frames {start} to {stop}, it has {frames}")
