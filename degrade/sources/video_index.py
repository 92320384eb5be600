"""Where the frames of a video are: by its packets, without decoding them."""

import bisect
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import av
from av.stream import Disposition

from degrade.core.errors import SourceError
from degrade.storage import is_remote

GUESSED = {"avi", "mpeg"}
"""Containers without a timestamp for every frame: FFmpeg's guess changes with where reading begins."""

CLOCKED = {"mpegts", "mpeg"}
"""Containers whose timestamps are a clock of the sender, which starts anywhere and may jump."""

JUMP = 10
"""Seconds from one frame to the next that are no pause, where timestamps are such a clock."""


class Index(NamedTuple):
    """The frames of a video, in the order in which they are shown."""

    times: tuple[int, ...]
    """The timestamp that each carries when it is decoded, increasing; 0, 1 … if not `timed`."""
    keys: tuple[int, ...]
    """Indices of keyframes, increasing. None if frames are only found from the start on."""
    timed: bool
    """Whether frames carry timestamps; else they are counted."""
    joined: bool
    """Whether the timestamps begin anew in the file, and `Joints` makes them go on."""
    incomplete: frozenset[int] = frozenset()
    """Those among `times` of which the container says that bytes were lost."""


class Joints:
    """Makes the timestamps of joined files go on: each part begins where the one before it ends."""

    def __init__(self, container: av.container.InputContainer) -> None:
        self.clock = container.format.name in CLOCKED
        self.last: int | None = None
        self.step, self.shift, self.found = 1, 0, False

    def follow(self, packet: Any) -> None:
        """Moves the timestamps of the next packet in the file."""
        if packet.dts is not None:
            ahead = self.step if self.last is None else packet.dts - self.last
            if ahead < 0 or (self.clock and ahead * packet.time_base > JUMP):
                self.shift -= ahead - self.step
                self.found = True
            elif ahead:
                self.step = ahead
            self.last = packet.dts
        if self.shift:
            packet.pts = None if packet.pts is None else packet.pts + self.shift
            packet.dts = None if packet.dts is None else packet.dts + self.shift


class Shown(NamedTuple):
    """What is known of a frame that is not decoded; in the stream's time base."""

    pts: int | None
    dts: int | None
    duration: int
    key: bool
    incomplete: bool
    """Whether the container noticed that bytes were lost, and not just the joint of two files."""


def packets(container: av.container.InputContainer, stream: av.VideoStream) -> tuple[list[Shown], bool]:
    """Those that are shown, in the file's order, and whether the timestamps begin anew among them."""
    joints, lost = Joints(container), False
    found: list[Shown] = []
    for packet in container.demux(stream):
        if packet.size:
            before = joints.shift
            joints.follow(packet)
            if found and joints.shift != before:
                found[-1] = found[-1]._replace(incomplete=False)
            if not packet.is_discard:
                found.append(Shown(packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe, lost))
            lost = packet.is_corrupt  # which FFmpeg says of the frame that ended as the damaged one began
    return found, joints.found


def index(shown: Sequence[Shown], *, guessed: bool, joined: bool) -> Index:
    """The frames that packets hold, each a frame."""
    times = sorted({p.pts for p in shown if p.pts is not None})
    if len(times) < len(shown) or (guessed and not all(p.key for p in shown)):
        return Index(tuple(range(len(shown))), (), timed=False, joined=joined)
    key_times = {p.pts for p in shown if p.key and p.pts is not None} or {times[0]}
    # What a recording shows before its first keyframe cannot be decoded.
    times = times[bisect.bisect_left(times, min(key_times)) :]
    keys = [i for i, time in enumerate(times) if time in key_times]
    incomplete = frozenset(p.pts for p in shown if p.incomplete and p.pts is not None)
    return Index(tuple(times), () if joined else tuple(keys), timed=True, joined=joined, incomplete=incomplete)


def shown_times(shown: Sequence[Shown], found: Index) -> list[int]:
    """When each frame is shown; nothing if that is not known."""
    if found.timed:
        return list(found.times)
    times = sorted({p.dts for p in shown if p.dts is not None})
    return times if len(times) == len(found.times) else []


def open_container(path: Path) -> av.container.InputContainer:
    """Opens a file for reading."""
    # FFmpeg takes what is before a colon in a relative path for a protocol.
    return av.open(path.open("rb") if is_remote(path) else str(path.absolute()), "r", metadata_errors="replace")


def first_video(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream that is read: the first that is no cover picture.

    Raises:
        SourceError: There is none, or FFmpeg does not know its codec.
    """
    if not container.streams.video:
        raise SourceError(f"{path}: holds no video")
    films = (one for one in container.streams.video if not one.disposition & Disposition.attached_pic)
    found = next(films, container.streams.video[0])
    if found.codec_context is None:
        raise SourceError(f"{path}: holds video of an unknown codec")
    return found


@contextmanager
def one_line(path: Path) -> Iterator[None]:
    """One line for whatever FFmpeg complains of."""
    try:
        yield
    except av.FFmpegError as error:
        reason = "damaged, or not a video" if isinstance(error, av.InvalidDataError) else error.strerror
        raise SourceError(f"{path}: {reason}") from error
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


def missing_bytes(path: Path) -> bool:
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
