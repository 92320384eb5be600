"""Video files: FFV1 in Matroska, bit exact, and H.264 in MP4 for looking at."""

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from degrade.core.types import Array
from degrade.writers.base import Writer

FFV1 = {"level": "3", "slices": "4", "slicecrc": "1", "coder": "1", "context": "0", "g": "1"}
"""Version 3 with a checksum for each slice, as archives use it; every frame a keyframe."""

H264 = {"crf": "18", "preset": "medium"}


class VideoWriter(Writer):
    """Writes ``*.mkv`` (FFV1: decodes to the same pixels, the same frames give the same bytes) or ``*.mp4``.

    MP4 is 4:2:0 as players want it; the last row or column is repeated where a side is odd. See `Writer`.
    """

    def __init__(self, path: Path, fps: float) -> None:
        super().__init__(path)
        self.fps = fps
        self.lossless = path.suffix.lower() == ".mkv"
        self.file: BinaryIO | None = None
        self.container: av.container.OutputContainer | None = None

    def _open(self) -> None:
        self.file = self.temporary.open("wb")
        kind = "matroska" if self.lossless else "mp4"
        self.container = av.open(self.file, "w", format=kind, options={"fflags": "+bitexact"})

    def _write(self, frame: Array) -> None:
        assert self.container
        grey = frame.shape[2] == 1
        if not self.count:
            rate = Fraction(self.fps).limit_denominator(1001)
            self.stream = self.container.add_stream("ffv1" if self.lossless else "libx264", rate=rate)
            self.stream.options = {**(FFV1 if self.lossless else H264), "flags": "+bitexact"}
            self.stream.codec_context.thread_count = 1
            height, width = frame.shape[:2]
            even = 0 if self.lossless else 1
            self.stream.height, self.stream.width = height + even * (height % 2), width + even * (width % 2)
            self.stream.pix_fmt = ("gray" if grey else "bgr0") if self.lossless else "yuv420p"
        height, width = self.stream.height - frame.shape[0], self.stream.width - frame.shape[1]
        if height or width:
            frame = np.pad(frame, ((0, height), (0, width), (0, 0)), "edge")
        pixels = frame[..., 0] if grey else frame
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "gray" if grey else "rgb24")
        picture.pts, picture.time_base = self.count, 1 / self.stream.codec_context.framerate
        self.container.mux(self.stream.encode(picture))

    def _close(self) -> None:
        assert self.container
        assert self.file
        self.container.mux(self.stream.encode())
        self.container.close()
        self.file.close()

    def _abandon(self) -> None:
        for opened in (self.container, self.file):
            with contextlib.suppress(OSError):
                if opened:
                    opened.close()
