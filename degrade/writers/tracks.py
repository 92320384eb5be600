"""Copies what a video file holds beside its frames into another, without decoding it."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import av

from degrade.sources.stream import StreamInfo
from degrade.sources.tracks import Tracks, timecode_after
from degrade.sources.video_index import Joints, first_video, one_line, open_container
from degrade.sources.video_stream import clock_start
from degrade.writers.base import Pictures

MATROSKA = "matroska"
CONTAINERS = {".mkv": MATROSKA, ".mov": "mov", ".mp4": "mp4"}
"""FFmpeg's names, by suffix."""

FINEST = Fraction(1, 1000)
"""Seconds: Matroska's tick."""

KINDS = {"audio": "sound", "subtitle": "subtitles"}
"""Of streams, in words."""

ABOUT_THE_FILE = frozenset({"encoder", "major_brand", "minor_version", "compatible_brands", "timecode", "duration",
                            "creation_time", "handler_name", "vendor_id", "_statistics_tags",
                            "_statistics_writing_app", "_statistics_writing_date_utc", "bps", "number_of_frames",
                            "number_of_bytes"})  # fmt: skip
"""Metadata that belongs to a file, and not to the film in it; the timecode goes its own way."""

OF_ISO = frozenset({"title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright"})
"""Metadata that MOV and MP4 keep both."""


class Copier:
    """The tracks of a film on their way into a video file.

    Args:
        tracks: Which.
        about: The stream of frames that they go with.
        container: What is written; the video stream is in it already, and no packet. The tracks are added.
    """

    def __init__(self, tracks: Tracks, about: StreamInfo, container: av.container.OutputContainer) -> None:
        self.tracks, self.container = tracks, container
        self.lost = 0
        """Packets that the file did not take."""
        self._stack = ExitStack()
        with one_line(tracks.path):
            source = self._stack.enter_context(open_container(tracks.path))
            self.shift = clock_start(source) + tracks.begin
            kept, _ = _sort(source, tracks, container.format.name)
            self.copies = {stream.index: _add(container, stream) for stream in kept}
            self.joints = {stream.index: Joints(source) for stream in kept}
            metadata = _metadata(source.metadata, container.format.name)
            container.streams.video[0].metadata.update(_told(first_video(source, tracks.path).metadata))
            if code := timecode_after(about.timecode, 0, about.fps):
                metadata["timecode"] = code
            container.metadata.update(metadata)
            if chapters := _chapters(source, self.shift, tracks.end and tracks.end - tracks.begin):
                container.set_chapters(chapters)
            self.packets = self._packets(source, kept)
        self.ahead: Any = None

    def until(self, seconds: Fraction | None) -> None:
        """Writes what is heard before a time of the film, or all that is left."""
        with one_line(self.tracks.path):
            while packet := self.ahead or next(self.packets, None):
                self.ahead = packet
                if seconds is not None and packet.dts * packet.time_base >= seconds:
                    return
                self.ahead = None
                try:
                    self.container.mux(packet)
                except (av.FFmpegError, ValueError):
                    self.lost += 1

    def close(self) -> None:
        """Closes the file that is read."""
        self._stack.close()

    def _packets(self, source: av.container.InputContainer, kept: list[Any]) -> Iterator[Any]:
        """Those that are heard in the part, their times counted from its beginning."""
        if not kept:
            return
        begin, end = self.tracks.begin, self.tracks.end
        matroska = self.container.format.name == MATROSKA
        last: dict[int, int] = {}
        for packet in source.demux(kept):
            number = packet.stream.index
            if not packet.size:
                continue
            if packet.dts is None or packet.pts is None:
                self.lost += 1
                continue
            self.joints[number].follow(packet)
            base = packet.time_base
            starts = packet.pts * base - self.shift
            length = (packet.duration or 0) * base
            # MP4 and MOV say from where on a packet is heard. Matroska cannot, and would move the pictures in its
            # place; but what its own files hold before a film's beginning they hold again.
            whole = not begin and (not matroska or MATROSKA in source.format.name)
            early = not whole and (starts < -FINEST if matroska else starts + length <= 0)
            if early or (end is not None and starts + length / 2 >= end - begin):
                continue
            move = round(self.shift / base)
            packet.pts, packet.dts = packet.pts - move, packet.dts - move
            if packet.dts <= last.get(number, packet.dts - 1):
                self.lost += 1
                continue
            last[number] = packet.dts
            packet.stream = self.copies[number]
            yield packet


def tell(
    tracks: Tracks | None, about: StreamInfo, suffix: str, *, paced: bool = True, pictures: Pictures = "png"
) -> str:
    """What becomes of what a film holds beside its frames, in one line; empty if it holds nothing.

    Args:
        tracks: Of the film; None if it has none that could be copied, as pictures.
        about: Its record.
        suffix: Of the file that is written; empty for a folder of pictures.
        paced: Whether its frames are shown as fast as the film's.
        pictures: Their format.
    """
    copied: list[str] = []
    left: list[str] = []
    if tracks:
        copied, left = _tell_tracks(tracks, suffix if paced else "")
    in_dpx = not suffix and pictures == "dpx"
    if about.timecode:
        held = (suffix and tracks) or in_dpx
        valid = held and paced and timecode_after(about.timecode, 0, about.fps)
        (copied if valid else left).append(f"timecode {about.timecode}")
    if about.aspect != 1 and not suffix and not in_dpx:
        left.append(f"aspect of pixels {about.aspect.numerator}:{about.aspect.denominator}")
    if about.logarithmic and not in_dpx:
        left.append("that values are densities")
    speed = "as the film runs at another speed"
    where = "beside pictures" if not suffix else f"in {suffix}" if paced else speed
    parts = [f"copied: {', '.join(copied)}"] * bool(copied) + [f"left out {where}: {', '.join(left)}"] * bool(left)
    return "; ".join(parts)


def _tell_tracks(tracks: Tracks, suffix: str) -> tuple[list[str], list[str]]:
    """What is copied into a file, and what is left out; all of it where there is no suffix."""
    with one_line(tracks.path), open_container(tracks.path) as source:
        kept, others = _sort(source, tracks, CONTAINERS[suffix] if suffix else "")
        copied, left = list(map(_in_words, kept)), list(map(_in_words, others))
        chapters = _chapters(source, clock_start(source) + tracks.begin, tracks.end and tracks.end - tracks.begin)
        if chapters:
            named = f"{len(chapters)} chapter{'s' * (len(chapters) > 1)}"
            (copied if suffix else left).append(named)
        found = _metadata(source.metadata, MATROSKA)
        kept_keys = _metadata(source.metadata, CONTAINERS[suffix]) if suffix else {}
    copied += ["metadata"] * bool(kept_keys)
    left += [f"metadata {key}" for key in found if key not in kept_keys]
    return copied, left


def _sort(source: av.container.InputContainer, tracks: Tracks, kind: str) -> tuple[list[Any], list[Any]]:
    """The streams beside the film's own that a container takes, and those that it does not."""
    film = first_video(source, tracks.path)
    kept: list[Any] = []
    others: list[Any] = []
    for stream in source.streams:
        if stream is film or _is_written_anew(stream, bool(source.chapters())):
            continue
        (kept if stream.type in ("audio", "subtitle") and _takes(kind, stream) else others).append(stream)
    return kept, others


def _in_words(stream: Any) -> str:
    codec = stream.codec_context.name if stream.codec_context else "of an unknown codec"
    return f"{KINDS.get(stream.type, stream.type)} ({codec})"


def _is_written_anew(stream: Any, chapters: bool) -> bool:
    """Whether it holds the timecode, or the names of chapters, as in MOV and MP4."""
    return stream.type == "data" and ("timecode" in stream.metadata or chapters)


def _takes(kind: str, stream: Any) -> bool:
    """Whether a container takes a stream; its header is tried, as codecs alone do not say it."""
    if not kind or not stream.codec_context:
        return False
    trial = av.open(io.BytesIO(), "w", format=kind)
    try:
        _add(trial, stream)
        trial.start_encoding()
        trial.close()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _add(container: av.container.OutputContainer, stream: Any) -> Any:
    copy = container.add_stream_from_template(stream, opaque=True)
    copy.metadata.update(_told(stream.metadata))
    copy.disposition = stream.disposition
    copy.time_base = stream.time_base
    return copy


def _metadata(found: dict[str, str], kind: str) -> dict[str, str]:
    """What is copied of metadata into a kind of container."""
    told = _told(found)
    return told if kind == MATROSKA else {key: value for key, value in told.items() if key.lower() in OF_ISO}


def _told(metadata: dict[str, str]) -> dict[str, str]:
    """Metadata that people wrote."""
    return {key: value for key, value in metadata.items() if key.lower() not in ABOUT_THE_FILE}


def _chapters(source: av.container.InputContainer, shift: Fraction, length: Fraction | None) -> list[Any]:
    """The chapters of a part, their times counted from its beginning."""
    found = []
    for chapter in source.chapters():
        base = chapter["time_base"] or Fraction(1)
        start, end = (max(Fraction(0), chapter[edge] * base - shift) for edge in ("start", "end"))
        end = end if length is None else min(end, length)
        if start < end:
            found.append({**chapter, "start": round(start / base), "end": round(end / base), "time_base": base})
    return found
