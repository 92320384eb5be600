"""The interface of sources: named sequences of frames, read at random."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from degrade.core.errors import SourceError, unknown
from degrade.core.types import Array
from degrade.sources.stream import StreamInfo

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
"""Suffixes of picture files."""

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
    def read(self, sequence: FrameSequence | str, start: int, stop: int) -> Array:
        """Frames `start` to `stop` of a sequence, given as such or by id.

        Returns:
            (N, H, W, 3) uint8 RGB, upright.

        Raises:
            SourceError: No such sequence or frame; a file is missing, damaged or of another size.
        """

    @abstractmethod
    def fingerprint(self, sequence: FrameSequence | str) -> str:
        """SHA-256 (hex) of what the pixels of a sequence derive from: for files, their bytes."""

    def holds(self, place: Path) -> bool:
        """Whether what is written to a place would become footage of this source."""
        return False

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


def check_range(name: object, frames: int, start: int, stop: int) -> None:
    """Raises SourceError unless ``0 <= start <= stop <= frames``."""
    if not 0 <= start <= stop <= frames:
        raise SourceError(f"{name}: asked for frames {start} to {stop}, it has {frames}")
