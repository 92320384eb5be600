"""A folder of PNG files."""

from pathlib import Path

import cv2

from degrade.core.types import Array
from degrade.writers.base import Writer


class FrameWriter(Writer):
    """Writes ``00000.png``, ``00001.png`` …, grey or RGB, 8 or 16 bit as the frames are; see `Writer`.

    Args:
        path: The folder.
        first: Number of the first frame.
    """

    def __init__(self, path: Path, first: int = 0) -> None:
        super().__init__(path)
        self.first = first

    def _open(self) -> None:
        self.temporary.mkdir()

    def _write(self, frame: Array) -> None:
        name = f"{self.first + self.count:05d}.png"
        (self.temporary / name).write_bytes(encode_png(frame))  # imwrite would not say why it failed

    def _close(self) -> None:
        pass

    def _abandon(self) -> None:
        pass


def encode_png(frame: Array) -> bytes:
    """The PNG file of a frame, (H, W, 1) grey or (H, W, 3) RGB, uint8 or uint16."""
    order = frame if frame.shape[2] == 1 else frame[..., ::-1]
    data: bytes = cv2.imencode(".png", order)[1].tobytes()
    return data


def join(pieces: list[Path], path: Path) -> None:
    """Moves the frames of all pieces into the first, and this to `path`."""
    for piece in pieces[1:]:
        for frame in piece.iterdir():
            frame.rename(pieces[0] / frame.name)
    pieces[0].rename(path)
