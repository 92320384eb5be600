"""Video files, frame exact."""

import bisect
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources.base import check_range
from degrade.sources.pictures import hash_file
from degrade.storage import is_remote

SUFFIXES = frozenset(
    {".mkv", ".webm", ".mp4", ".m4v", ".mov", ".mxf", ".avi", ".wmv", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"}
)

GUESSED = {"avi", "mpeg"}
"""Containers without a timestamp for every frame: FFmpeg's guess changes with where reading begins."""

FLAGS = Interpolation
EXACT = FLAGS.BICUBIC | FLAGS.ACCURATE_RND | FLAGS.FULL_CHR_H_INT | FLAGS.BITEXACT
"""How YUV becomes RGB: chroma interpolated, no rounding shortcuts, the same on every processor."""


@dataclass(frozen=True)
class Video:
    """The first video stream of a file.

    Frames are counted in the order in which they are shown. Packets' timestamps, which demuxing alone gives,
    say where each frame and each keyframe is; reading goes to the keyframe before and decodes from there.
    A file that is cut off is noticed on opening in Matroska, WebM, MP4, MOV and AVI; damage within, as far as
    the codec notices, when it is read.
    """

    path: Path
    height: int
    width: int
    fps: float
    times: tuple[int, ...]
    """Presentation timestamp of each frame, in the stream's time base, increasing; 0, 1 … if not `keys`."""
    keys: tuple[int, ...]
    """Indices of keyframes, increasing. None if there are no reliable timestamps: then frames are counted
    from the start."""

    @classmethod
    def open(cls, path: Path) -> "Video":
        """Indexes a file.

        Raises:
            SourceError: It cannot be read, holds no video, or is cut off.
        """
        with _errors(path), _container(path) as container:
            stream = _stream(container, path)
            packets = [
                _Packet(p.pts, p.is_keyframe, p.is_discard, p.is_corrupt) for p in container.demux(stream) if p.size
            ]
            height, width, rate = stream.height, stream.width, stream.average_rate or stream.guessed_rate
            if _missing_bytes(path) or stream.frames > len(packets) or any(p.corrupt for p in packets):
                raise SourceError(f"{path}: truncated video")
            guessed = container.format.name in GUESSED
        shown = [p for p in packets if not p.discard]
        if not shown:
            raise SourceError(f"{path}: holds no frames")
        times = sorted({p.pts for p in shown if p.pts is not None})
        if len(times) < len(shown) or (guessed and not all(p.key for p in shown)):
            times, keys = list(range(len(shown))), []
        else:
            key_times = {p.pts for p in shown if p.key and p.pts is not None} or {times[0]}
            # What a recording shows before its first keyframe cannot be decoded.
            times = times[bisect.bisect_left(times, min(key_times)) :]
            keys = [i for i, time in enumerate(times) if time in key_times]
        fps = float(rate) if rate and 1 <= rate <= 1000 else 24.0
        return cls(path, height, width, fps, tuple(times), tuple(keys))

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.times)

    def read(self, start: int, stop: int) -> Array:
        """See `Source.read`."""
        check_range(self.path, self.frames, start, stop)
        out = np.empty((stop - start, self.height, self.width, 3), np.uint8)
        if start == stop:
            return out
        with _errors(self.path):
            decoder = _decoders.get(self)
            try:
                for i, frame in enumerate(decoder.frames(start, stop)):
                    out[i] = frame
            except BaseException:
                _decoders.forget(self)
                raise
        return out

    def fingerprint(self) -> str:
        """SHA-256 of the file."""
        return hash_file(self.path).hex()


class _Packet(NamedTuple):
    pts: int | None
    key: bool
    discard: bool
    corrupt: bool


class _Decoder:
    """An open file and the place that decoding has reached."""

    def __init__(self, video: Video) -> None:
        self.video = video
        self.reformat = VideoReformatter().reformat
        self._open()

    def close(self) -> None:
        self.container.close()

    def frames(self, start: int, stop: int) -> Iterator[Array]:
        """Frames `start` to `stop`, (H, W, 3) uint8 each."""
        frame = self._go(start)
        for i in range(start, stop):
            if i > start:
                frame = next(self.decoded, None)
            if frame is None or frame.pts != self.video.times[i]:
                raise SourceError(f"{self.video.path}: frame {i} is missing or damaged")
            self.next = i + 1
            yield self._rgb(frame, i)

    def _go(self, index: int) -> av.VideoFrame | None:
        """Decodes up to a frame, from where the decoder stands if no keyframe lies between."""
        keys, target = self.video.keys, self.video.times[index]
        at = bisect.bisect_right(keys, index) - 1
        if (keys[at] if keys else 0) <= self.next <= index:
            return self._until(target)
        # Seeking may land late (MP4 seeks by decoding time, MPEG-TS by bytes), and a keyframe that only
        # begins a gradual refresh decodes with errors: then go from the keyframe before, and at last from
        # the start.
        for key in keys[max(0, at - 1) : at + 1][::-1]:
            try:
                self._seek(self.video.times[key])
                frame = self._until(target)
                if frame is not None and frame.pts == target:
                    return frame
            except av.FFmpegError:
                continue
        self.close()
        self._open()
        return self._until(target)

    def _until(self, time: int) -> av.VideoFrame | None:
        return next((f for f in self.decoded if f.pts is not None and f.pts >= time), None)

    def _open(self) -> None:
        self.container = _container(self.video.path)
        self.stream = _stream(self.container, self.video.path)
        context = self.stream.codec_context
        context.thread_count = 1  # processes are the unit of parallel work
        context.options = {"err_detect": "crccheck+explode"}  # an error, rather than a guess at the pixels
        self.decoded, self.next = self._decode(self.video.times[0]), 0
        if not self.video.keys:
            self.decoded = self._count(self.decoded)

    def _seek(self, time: int) -> None:
        self.container.seek(time, stream=self.stream)
        frames = self._decode(time)
        self.decoded = itertools.dropwhile(lambda frame: not frame.key_frame, frames)

    def _decode(self, since: int) -> Iterator[av.VideoFrame]:
        """Frames from the next packet on; what is shown before `since` may refer to frames not read."""
        for packet in self.container.demux(self.stream):
            try:
                yield from packet.decode()
            except av.InvalidDataError:
                if packet.pts is None or packet.pts >= since:
                    raise

    @staticmethod
    def _count(frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        for i, frame in enumerate(frames):
            frame.pts = i
            yield frame

    def _rgb(self, frame: av.VideoFrame, index: int) -> Array:
        if (frame.height, frame.width) != (self.video.height, self.video.width):
            raise SourceError(
                f"{self.video.path}: frame {index} has {frame.width}×{frame.height} pixels, "
                f"the first {self.video.width}×{self.video.height}"
            )
        if frame.is_corrupt:
            raise SourceError(f"{self.video.path}: frame {index} is missing or damaged")
        if frame.format.name == "gray":
            return frame.to_ndarray()[..., None]
        return self.reformat(frame, format="rgb24", interpolation=EXACT, threads=1).to_ndarray()


class _Decoders(threading.local):
    """The last few files that this thread has read, so that the next chunk of a clip goes on where the last one ended.

    No two threads share a decoder, nor do a process and its forked child: these would share the place in the file.
    """

    def __init__(self) -> None:
        self.opened: OrderedDict[tuple[int, Path], _Decoder] = OrderedDict()

    def get(self, video: Video) -> _Decoder:
        """The decoder of a video, opened if needed."""
        key = os.getpid(), video.path
        decoder = self.opened.pop(key, None)
        if decoder is None or decoder.video != video:
            decoder = _Decoder(video)
        self.opened[key] = decoder
        while len(self.opened) > 4:
            self.opened.popitem(last=False)[1].close()
        return decoder

    def forget(self, video: Video) -> None:
        """Closes the decoder of a video, if opened."""
        decoder = self.opened.pop((os.getpid(), video.path), None)
        if decoder:
            decoder.close()


_decoders = _Decoders()


def _container(path: Path) -> av.container.InputContainer:
    return av.open(path.open("rb") if is_remote(path) else str(path), "r")


def _stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    if not container.streams.video:
        raise SourceError(f"{path}: holds no video")
    return container.streams.video[0]


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """One line for whatever FFmpeg complains of."""
    try:
        yield
    except av.FFmpegError as error:
        reason = "damaged, or not a video" if isinstance(error, av.InvalidDataError) else error.strerror
        raise SourceError(f"{path}: {reason}") from error
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


def _missing_bytes(path: Path) -> bool:
    """Whether the file is shorter than its container says; demuxers take a cut file for a short one."""
    with path.open("rb") as file:
        size, head = path.stat().st_size, file.read(12)
        if head[:4] == b"RIFF":  # AVI
            return 8 + int.from_bytes(head[4:8], "little") > size
        if head[:4] == b"\x1a\x45\xdf\xa3":  # Matroska, WebM: an EBML header, then one segment
            file.seek(4)
            file.seek(_ebml_size(file) or 0, os.SEEK_CUR)
            file.seek(4, os.SEEK_CUR)
            length = _ebml_size(file)
            return length is not None and file.tell() + length > size
        end = 0
        while end < size and head[4:8] in ISO_BOXES:  # MP4, MOV
            length = int.from_bytes(head[:4])
            if length == 1:
                length = int.from_bytes(head[8:12] + file.read(4))
            end = end + length if length >= 8 else size  # 0: up to the end
            file.seek(end)
            head = file.read(12)
        return end > size


ISO_BOXES = set(b"ftyp moov mdat free skip wide moof sidx styp mfra uuid meta".split())


def _ebml_size(file: BinaryIO) -> int | None:
    """A variable-length number at the file's position; None if it says "unknown" or the file ends."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1)) - (1 << 7 * length)
    return None if value == (1 << 7 * length) - 1 else value
