"""Video files, frame exact."""

import bisect
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources.base import Deinterlace, Depth, Reader, check_range
from degrade.sources.deinterlace import apply, count, deinterlaced
from degrade.sources.ffv1 import intact
from degrade.sources.fields import HEIGHTS, ORDERS, Scan, measured_scan
from degrade.sources.pictures import hash_file, to_depth
from degrade.sources.planes import rgb16
from degrade.sources.stream import BT709, UNSPECIFIED, StreamInfo
from degrade.sources.tracks import Tracks
from degrade.sources.video_index import (
    GUESSED,
    Index,
    Joints,
    first_video,
    index,
    missing_bytes,
    one_line,
    open_container,
    packets,
    shown_times,
)
from degrade.sources.video_stream import describe

FLAGS = Interpolation
EXACT = FLAGS.BICUBIC | FLAGS.ACCURATE_RND | FLAGS.FULL_CHR_H_INT | FLAGS.BITEXACT
"""How YUV becomes RGB: chroma interpolated, no rounding shortcuts, the same on every processor."""

STRICT = {"err_detect": "crccheck+explode"}
"""Options of decoders: an error, rather than a guess at the pixels."""

MEASURED = 16
"""Frames of which fields are measured on opening."""

PROBED = 8
"""Frames of interlaced films that are decoded on opening, to see that each packet holds one."""


@dataclass(frozen=True)
class Video(Reader):
    """The first video stream of a file.

    Frames are counted in the order in which they are shown. Packets' timestamps, which demuxing alone gives,
    say where each frame and each keyframe is; reading goes to the keyframe before and decodes from there.
    A file that is cut off is noticed on opening in Matroska, WebM, MP4, MOV and AVI; damage within, as far as
    the codec notices, when it is read.
    """

    path: Path
    stream: StreamInfo
    index: Index
    deinterlace: Deinterlace = "none"
    scan: Scan = ""
    """How stored frames are made of fields."""

    @classmethod
    def open(cls, path: Path, *, cut: bool = False, deinterlace: Deinterlace = "none") -> "Video":
        """Indexes a file.

        Args:
            path: The file.
            cut: Take what there is of one that is cut off.
            deinterlace: What is done with fields.

        Raises:
            SourceError: It cannot be read, holds no video, is cut off, or its colours cannot be converted.
        """
        with one_line(path), open_container(path) as container:
            stream = first_video(container, path)
            shown, joined = packets(container, stream)
            if not cut and missing_bytes(path):
                raise SourceError(f"{path}: truncated video")
            if not shown:
                raise SourceError(f"{path}: holds no frames")
            found = index(shown, guessed=container.format.name in GUESSED, joined=joined)
            first = next(_as_players_do(path, found.joined), None)
            if not (found.timed or container.format.name in GUESSED) or (first and _fields(path, first, found)):
                found = _count(path, found)
            times = shown_times(shown, found)
            scan = _scan(path, stream, first, found)
            about = describe(container, stream, first, times, shown[-1].duration, scan)
        if not (found.times and about.height and about.width):
            raise SourceError(f"{path}: damaged, or not a video")
        about.refuse_unreadable(path)
        about = deinterlaced(about, len(found.times), deinterlace, path)
        return cls(path, about, found, deinterlace, scan)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return count(len(self.index.times), self.deinterlace)

    def read(self, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Reader.read`."""
        check_range(self.path, self.frames, start, stop)
        shape = stop - start, self.stream.height, self.stream.width, 3
        out = np.empty(shape, np.uint8 if depth == 8 else np.uint16)
        if start == stop:
            return out
        with one_line(self.path):
            decoder = _decoders.get(self)
            try:
                given = decoder.frames
                if self.deinterlace != "none":
                    stored = len(self.index.times)
                    given = partial(apply, self.deinterlace, decoder.frames, stored, self.scan)
                for i, frame in enumerate(given(start, stop)):
                    out[i] = self._rgb(decoder.reformat, frame, start + i, depth)
            except _DamagedFrame:
                raise  # the decoder goes on after it
            except BaseException:
                _decoders.forget(self)
                raise
        return out

    def fingerprint(self) -> str:
        """SHA-256 of the file."""
        return hash_file(self.path).hex()

    def tracks(self) -> Tracks | None:
        """See `Source.tracks`."""
        return Tracks(self.path)

    def _rgb(self, reformat: Any, frame: av.VideoFrame, number: int, depth: Depth) -> Array:
        size = (self.stream.width, self.stream.height)[:: -1 if self.stream.rotation % 180 else 1]
        if (frame.width, frame.height) != size:
            raise SourceError(
                f"{self.path}: frame {number} has {frame.width}×{frame.height} pixels, the first {size[0]}×{size[1]}"
            )
        if depth == 8 and frame.format.name == "gray":
            pixels = frame.to_ndarray()[..., None]
            if self.stream.color.full_range is False:
                pixels = np.clip((pixels.astype(np.float32) - 16) * (255 / 219) + 0.5, 0, 255).astype(np.uint8)
            return self.stream.upright(pixels)
        options: dict[str, Any] = {"interpolation": EXACT, "threads": 1}
        assumed = self.stream.color.matrix_for(frame.height, frame.width)
        if depth == 16 or frame.format.name.startswith("gray"):  # FFmpeg's scaler takes all grey for full range
            return self.stream.upright(to_depth(rgb16(frame, assumed, reformat, options), depth))
        if self.stream.color.matrix == UNSPECIFIED and assumed == BT709 and not frame.format.is_rgb:
            options["src_colorspace"] = BT709
        return self.stream.upright(reformat(frame, format="rgb24", **options).to_ndarray())


class _DamagedFrame(SourceError):
    """A frame that the decoder does not give whole."""


def _fields(path: Path, first: av.VideoFrame, found: Index) -> bool:
    """Whether the packets of an interlaced film hold a field each, two of them a frame."""
    if not first.interlaced_frame:
        return False
    frames = itertools.islice(_as_players_do(path, found.joined), PROBED)
    carried = [frame.pts for frame in frames if frame.pts is not None and frame.pts >= found.times[0]]
    return len(carried) > 2 and carried == list(found.times[::2][: len(carried)])


def _scan(path: Path, stream: av.VideoStream, first: av.VideoFrame | None, found: Index) -> Scan:
    """How frames are made of fields: as the stream says it, where it is told right, else as is measured in its middle;
    that it is telecined no stream says."""
    told: Scan
    told = ORDERS.get(int(stream.codec_context.field_order), "interlaced" if first and first.interlaced_frame else "")
    if not first or not (told or first.height in HEIGHTS):
        return told
    middle = found.times[found.keys[len(found.keys) // 2]] if found.timed and found.keys else None
    frames = itertools.islice(_as_players_do(path, found.joined, middle), MEASURED)
    measured = measured_scan([frame.to_ndarray(format="gray") for frame in frames if frame.height == first.height])
    return measured if measured == "telecine" or (measured and told in ("", "interlaced")) else told


def _count(path: Path, found: Index) -> Index:
    """The frames that a decoder gives of all packets, as players show them."""
    decoded = [(frame.pts, frame.key_frame) for frame in _as_players_do(path, found.joined)]
    times = tuple(time for time, _ in decoded if time is not None)
    if len(times) < len(decoded) or any(b <= a for a, b in itertools.pairwise(times)):
        return Index(tuple(range(len(decoded))), (), timed=False, joined=found.joined)
    keys = tuple(i for i, (_, key) in enumerate(decoded) if key)
    return Index(times, () if found.joined else keys, timed=True, joined=found.joined)


def _as_players_do(path: Path, joined: bool, start: int | None = None) -> Iterator[av.VideoFrame]:
    """Every frame of a file, or from a keyframe's time on; also those of which a part was guessed."""
    with open_container(path) as container:
        stream = first_video(container, path)
        stream.codec_context.thread_count = 1
        joints = Joints(container)
        if start is not None:
            container.seek(start, stream=stream)
        for packet in container.demux(stream):
            if joined:
                joints.follow(packet)
            try:
                yield from packet.decode()
            except av.InvalidDataError:
                continue


class _Decoder:
    """An open file and the place that decoding has reached."""

    def __init__(self, video: Video) -> None:
        self.video = video
        self.decoded: Iterator[av.VideoFrame]
        self.reformat = VideoReformatter().reformat
        self._open()

    def close(self) -> None:
        self.container.close()

    def frames(self, start: int, stop: int) -> Iterator[av.VideoFrame]:
        """Frames `start` to `stop`, as stored."""
        frame = self._go(start)
        for i in range(start, stop):
            if i > start:  # after damage a decoder may give frames late
                frame = self._next(self.video.index.times[i])
            self.next = i + 1
            if frame is None or not self._is(frame, i):
                if frame is not None and frame.pts is not None and frame.pts > self.video.index.times[i]:
                    self.decoded = itertools.chain([frame], self.decoded)
                raise _DamagedFrame(f"{self.video.path}: frame {i} is missing or damaged")
            yield frame

    def _is(self, frame: av.VideoFrame, index: int) -> bool:
        whole = frame.pts not in self.failed and frame.pts not in self.video.index.incomplete
        return frame.pts == self.video.index.times[index] and whole and not frame.is_corrupt

    def _go(self, index: int) -> av.VideoFrame | None:
        """Decodes up to a frame, from where the decoder stands if no keyframe lies between."""
        keys, times = self.video.index.keys, self.video.index.times
        at = bisect.bisect_right(keys, index) - 1
        if (keys[at] if keys else 0) <= self.next <= index:
            return self._next(times[index])
        # Seeking may land late (MP4 seeks by decoding time, MPEG-TS by bytes), and a keyframe that only
        # begins a gradual refresh decodes with errors: then go from the keyframe before, and at last from
        # the start.
        for key in keys[max(0, at - 1) : at + 1][::-1]:
            try:
                self._seek(times[key])
                frame = self._until(times[index])
            except av.FFmpegError:
                continue
            if frame is not None and self._is(frame, index) and not any(time >= times[key] for time in self.failed):
                return frame
        self.close()
        self._open()
        return self._until(times[index])

    def _until(self, time: int) -> av.VideoFrame | None:
        return next((f for f in self.decoded if f.pts is not None and f.pts >= time), None)

    def _next(self, time: int) -> av.VideoFrame | None:
        """The same, from the start again where the file ends sooner after a seek than without, as a damaged FLV."""
        frame = self._until(time)
        if frame is None and self.sought:
            self.close()
            self._open()
            frame = self._until(time)
        return frame

    def _open(self) -> None:
        self.sought = False
        self.container = open_container(self.video.path)
        self.stream = first_video(self.container, self.video.path)
        context = self.stream.codec_context
        context.thread_count = 1  # processes are the unit of parallel work
        context.options = STRICT
        self.decoded, self.next = self._decode() if self.video.index.timed else self._decode_counted(), 0

    def _seek(self, time: int) -> None:
        self.sought = True
        self.container.seek(time, stream=self.stream)
        self.decoded = itertools.dropwhile(lambda frame: not frame.key_frame, self._decode())

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Frames from the next packet on. The timestamps of those that cannot be decoded are in `failed`."""
        self.failed: set[int] = set()
        joints, broken = Joints(self.container), False
        sliced = self.stream.codec_context.name == "ffv1" and bool(self.stream.codec_context.extradata)
        for packet in self.container.demux(self.stream):
            if self.video.index.joined:
                joints.follow(packet)
            if sliced and packet.size:  # what follows a damaged frame builds on it, up to the next keyframe
                broken = not intact(bytes(packet)) or (broken and not packet.is_keyframe)
            if broken and packet.pts is not None:
                self.failed.add(packet.pts)
            try:
                yield from packet.decode()
            except av.InvalidDataError:
                if packet.pts is not None:
                    self.failed.add(packet.pts)

    def _decode_counted(self) -> Iterator[av.VideoFrame]:
        """All frames from the start on, their numbers as timestamps. One that cannot be decoded has a number, too."""
        self.failed = set()
        failed, number = set(), 0
        for i, packet in enumerate(self.container.demux(self.stream)):
            packet.pts = i
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                failed.add(i)
                number += 1
                continue
            for frame in frames:
                if frame.pts not in failed:  # else it is counted already
                    frame.pts, number = number, number + 1
                    yield frame


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
