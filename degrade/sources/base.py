"""The interface of sources: named sequences of frames, read at random."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from degrade.core.errors import SourceError, unknown
from degrade.core.types import Array

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
"""Suffixes of picture files."""


@dataclass(frozen=True)
class FrameSequence:
    """Frames of one size, in order."""

    id: str
    """Relative path with ``/``, unique in its source: ``train_sharp/000``."""
    frames: int
    height: int
    width: int
    fps: float = 24.0
    """Frames per second; 24 where the footage does not say."""


class Source(ABC):
    """Clean footage. Pickles small: what is open stays with the process that opened it."""

    @abstractmethod
    def sequences(self) -> list[FrameSequence]:
        """All sequences, in natural order of their ids: ``take2`` before ``take10``."""

    @abstractmethod
    def read(self, sequence: FrameSequence | str, start: int, stop: int) -> Array:
        """Frames `start` to `stop` of a sequence, given as such or by id.

        Returns:
            (N, H, W, 3) uint8 RGB.

        Raises:
            SourceError: No such sequence or frame; a file is missing, damaged or of another size.
        """

    @abstractmethod
    def fingerprint(self, sequence: FrameSequence | str) -> str:
        """SHA-256 (hex) of what the pixels of a sequence derive from: for files, their bytes."""

    def names(self, sequence: FrameSequence | str) -> list[str]:
        """What the frames of a sequence are called, each another name: as their files, or by their numbers."""
        return [f"{t:05d}" for t in range(self.find(sequence).frames)]

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


def check_range(name: object, frames: int, start: int, stop: int) -> None:
    """Raises SourceError unless ``0 <= start <= stop <= frames``."""
    if not 0 <= start <= stop <= frames:
        raise SourceError(f"{name}: asked for frames {start} to {stop}, it has {frames}")
