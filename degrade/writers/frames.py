"""A folder of PNG files."""

import cv2

from degrade.core.types import Array
from degrade.writers.base import Writer


class FrameWriter(Writer):
    """Writes ``00000.png``, ``00001.png`` …, 8 bit, grey or RGB; see `Writer`."""

    def _open(self) -> None:
        self.temporary.mkdir()

    def _write(self, frame: Array) -> None:
        order = frame if frame.shape[2] == 1 else frame[..., ::-1]
        data = cv2.imencode(".png", order)[1].tobytes()
        (self.temporary / f"{self.count:05d}.png").write_bytes(data)  # imwrite would not say why it failed

    def _close(self) -> None:
        pass

    def _abandon(self) -> None:
        pass
