"""A folder of picture files."""

from pathlib import Path
from types import ModuleType

from degrade.core.types import Array
from degrade.sources.stream import StreamInfo
from degrade.writers import dpx, png, tiff
from degrade.writers.base import SUFFIXES, Pictures, Writer

_FORMATS: dict[str, ModuleType] = {"png": png, "tiff": tiff, "dpx": dpx}


class FrameWriter(Writer):
    """Writes ``00000.png``, ``00001.png`` …, grey or RGB, 8 or 16 bit as the frames are; see `Writer`.

    Args:
        path: The folder.
        about: What the frames are; size is not used.
        pictures: Their format.
        first: Number of the first frame.
    """

    def __init__(self, path: Path, about: StreamInfo, pictures: Pictures = "png", first: int = 0) -> None:
        super().__init__(path)
        self.about, self.pictures, self.first = about, pictures, first

    def _open(self) -> None:
        self.temporary.mkdir()

    def _write(self, frame: Array) -> None:
        number = self.first + self.count
        data = encode(frame, self.pictures, self.about, number)
        (self.temporary / f"{number:05d}{SUFFIXES[self.pictures]}").write_bytes(data)

    def _close(self) -> None:
        pass

    def _abandon(self) -> None:
        pass


def encode(frame: Array, pictures: Pictures, about: StreamInfo, number: int) -> bytes:
    """The file of a frame; the same bytes for the same frame.

    Args:
        frame: (H, W, 1) grey or (H, W, 3) RGB, uint8 or uint16 over its full range.
        pictures: The format.
        about: The stream that it is of. DPX has its pixel aspect, rate, timecode and whether values are densities.
        number: Of the frame in the stream, from 0.
    """
    data: bytes = _FORMATS[pictures].encode(frame, about, number)
    return data


def join(pieces: list[Path], path: Path) -> None:
    """Moves the frames of all pieces into the first, and this to `path`."""
    for piece in pieces[1:]:
        for frame in piece.iterdir():
            frame.rename(pieces[0] / frame.name)
    pieces[0].rename(path)
