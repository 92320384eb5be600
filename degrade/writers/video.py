"""Video files: FFV1 in Matroska, bit exact in 8 or 16 bits; ProRes in QuickTime to edit; H.264 in MP4 to look at."""

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from degrade.core.types import Array
from degrade.sources.stream import BT601, MATRICES, RGB, UNSPECIFIED, Color, StreamInfo, rate_of
from degrade.sources.tracks import Tracks
from degrade.writers.base import Writer
from degrade.writers.matroska import set_aspect
from degrade.writers.tracks import CONTAINERS, Copier

FFV1 = {"level": "3", "slices": "4", "slicecrc": "1", "coder": "0", "context": "0", "g": "1"}
"""Version 3 with a checksum for each slice, as archives use it; every frame a keyframe."""

DEEP = {"coder": "1"}
"""The range coder, which more than eight bits need."""

FFV1_THIN = {"level": "1", "coder": "0", "context": "0", "g": "1"}
"""Version 1, which has no slices, for frames of one row or column."""

H264 = {"crf": "18", "preset": "medium", "x264-params": "rc-lookahead=0"}
"""Without the lookahead, whose vector code gives other bytes from run to run at some sizes."""

CLOCK, FINEST = Fraction(1, 90_000), Fraction(1, 1_000_000)
"""Seconds: the tick of times that are no frames, and the finest that containers hold."""

BT470BG, MPEG_RANGE = 5, 1
"""FFmpeg's numbers: the scaler's BT.601, and values from 16 to 235."""


PRORES = {"profile": "hq", "vendor": "apl0"}
"""422 HQ, 10 bit, which editing programs read everywhere."""


class VideoWriter(Writer):
    """Writes ``*.mkv`` (FFV1: decodes to the same pixels), ``*.mov`` (ProRes 422 HQ) or ``*.mp4`` (H.264, 4:2:0).

    The same frames give the same bytes. The last row or column is repeated where a side is odd, but in FFV1. See
    `Writer`.
    """

    def __init__(self, path: Path, about: StreamInfo, tracks: Tracks | None = None) -> None:
        super().__init__(path)
        self.about, self.kind, self.tracks = about, path.suffix.lower(), tracks
        self.copier: Copier | None = None
        self.rate = rate_of(about.fps)
        if not about.times and not about.start:
            self.base = 1 / self.rate  # a tick is a frame
        elif about.times and about.time_base >= FINEST:
            self.base = about.time_base
        else:
            self.base = CLOCK
        self.file: BinaryIO | None = None
        self.container: av.container.OutputContainer | None = None

    def _open(self) -> None:
        self.file = self.temporary.open("wb")
        self.container = av.open(self.file, "w", format=CONTAINERS[self.kind], options={"fflags": "+bitexact"})

    def _write(self, frame: Array) -> None:
        assert self.container
        if not self.count:
            self.stream = self._add_stream(self.container, *frame.shape, deep=frame.dtype == np.uint16)
            if self.tracks:
                self.copier = Copier(self.tracks, self.about, self.container)
        if self.copier:
            self.copier.until(self.about.start + self.about.duration(self.count))
        below, right = self.stream.height - frame.shape[0], self.stream.width - frame.shape[1]
        if below or right:
            frame = np.pad(frame, ((0, below), (0, right), (0, 0)), "edge")
        layouts = ("gray", "rgb24") if frame.dtype == np.uint8 else ("gray16le", "rgb48le")
        layout, pixels = (layouts[0], frame[..., 0]) if frame.shape[2] == 1 else (layouts[1], frame)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), layout)
        if not self.lossless:
            matrix = self._matrix(*frame.shape[:2])
            space = BT470BG if matrix == BT601 else matrix
            # In several threads the scaler now and then gives other chroma.
            picture = picture.reformat(format=self.stream.pix_fmt, dst_colorspace=space, threads=1)
        picture.pts, picture.time_base = self._time(self.count), self.base
        if self.about.times:
            picture.duration = self._time(self.count + 1) - self._time(self.count)
        self.container.mux(self.stream.encode(picture))

    @property
    def lost(self) -> int:
        """See `Writer.lost`."""
        return self.copier.lost if self.copier else 0

    @property
    def lossless(self) -> bool:
        """Whether it is FFV1."""
        return self.kind == ".mkv"

    def _time(self, number: int) -> int:
        """When a frame is shown, in ticks of `base`."""
        return round((self.about.start + self.about.duration(number)) / self.base)

    def _matrix(self, height: int, width: int) -> int:
        """That by which colours become YUV."""
        matrix = self.about.color.matrix_for(height, width)
        return matrix if matrix in MATRICES and matrix != RGB else Color().matrix_for(height, width)

    def _add_stream(
        self, container: av.container.OutputContainer, height: int, width: int, channels: int, *, deep: bool
    ) -> av.VideoStream:
        if self.kind == ".mkv":
            layouts = ("gray16le", "gbrp16le") if deep else ("gray", "bgr0")
            name, layout = "ffv1", layouts[0 if channels == 1 else 1]
            options = (FFV1 if min(height, width) > 1 else FFV1_THIN) | (DEEP if deep else {})
        else:
            prores = "prores_ks", "yuv422p10le", PRORES
            name, layout, options = prores if self.kind == ".mov" else ("libx264", "yuv420p", H264)
            height, width = height + height % 2, width + width % 2
        stream = container.add_stream(name, rate=self.rate, options={**options, "flags": "+bitexact"})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = height, width, layout
        context = stream.codec_context
        context.thread_count = 1  # the bytes must not depend on the machine
        if self.base != 1 / self.rate:
            context.time_base = self.base
        if self.about.aspect != 1:
            context.sample_aspect_ratio = self.about.aspect
        color = self.about.color
        if not self.lossless:
            context.colorspace, context.color_range = self._matrix(height, width), MPEG_RANGE
        if color.primaries != UNSPECIFIED:
            context.color_primaries = color.primaries
        if color.transfer != UNSPECIFIED:
            context.color_trc = color.transfer
        return stream

    def copy(self, piece: Path) -> None:
        """Appends what another writer of the same kind has written, as it is; lossless video only."""
        assert self.container
        with av.open(str(piece.absolute())) as opened:
            given = opened.streams.video[0]
            for packet in opened.demux(given):
                if not packet.size:
                    continue
                if not self.count:
                    layout = str(given.codec_context.pix_fmt)
                    channels, deep = 1 if layout.startswith("gray") else 3, "16" in layout
                    self.stream = self._add_stream(self.container, given.height, given.width, channels, deep=deep)
                    self.stream.codec_context.open()
                packet.stream, packet.time_base = self.stream, self.base
                packet.pts = packet.dts = self._time(self.count)
                packet.duration = self._time(self.count + 1) - packet.pts
                self.container.mux(packet)
                self.count += 1

    def _close(self) -> None:
        assert self.container
        assert self.file
        self.container.mux(self.stream.encode())
        if self.copier:
            self.copier.until(None)
            self.copier.close()
        self.container.close()
        self.file.close()
        if self.lossless and self.about.aspect != 1:
            set_aspect(self.temporary, self.about.aspect, (self.stream.height, self.stream.width))

    def _abandon(self) -> None:
        for opened in (self.copier, self.container, self.file):
            with contextlib.suppress(OSError, av.FFmpegError):  # what it holds is thrown away
                if opened:
                    opened.close()


def join(pieces: list[Path], path: Path, stream: StreamInfo) -> None:
    """One FFV1 video of several, byte for byte what one writer makes of all frames: each frame stands by itself."""
    with VideoWriter(path, stream) as writer:
        for piece in pieces:
            writer.copy(piece)
