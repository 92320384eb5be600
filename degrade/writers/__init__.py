"""Frames to disk, in 8 or 16 bit: folders of PNG, TIFF or DPX, lossless FFV1, ProRes, H.264 for looking at."""

import mimetypes
from pathlib import Path

from degrade.core.errors import SourceError
from degrade.sources.base import PICTURES, VIDEO_SUFFIXES
from degrade.sources.stream import StreamInfo, steady
from degrade.sources.tracks import Tracks
from degrade.writers.base import Pictures, Writer

__all__ = ["VIDEOS", "Pictures", "Writer", "check_name", "join", "names_media", "open_writer"]

VIDEOS = (".mkv", ".mov", ".mp4")
"""Suffixes of the videos that are written."""


def names_media(path: Path) -> bool:
    """Whether a path has the suffix of a picture or video, also of one that is not written; no folder is named so."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return path.suffix.lower() in VIDEO_SUFFIXES | PICTURES or kind.startswith(("video/", "image/"))


def check_name(path: Path) -> None:
    """Raises SourceError for a path without a name, and for the suffix of a picture, or of a video not written."""
    if not path.name:
        raise SourceError(f"{path}: name a file or a folder to be made")
    if names_media(path) and path.suffix.lower() not in VIDEOS:
        raise SourceError(
            f"{path}: films are written as {', '.join(VIDEOS[:-1])} or {VIDEOS[-1]}, or into a folder of pictures; "
            "name it without a suffix"
        )


def open_writer(
    path: Path | str,
    fps: float = 24.0,
    first: int = 0,
    stream: StreamInfo | None = None,
    tracks: Tracks | None = None,
    pictures: Pictures = "png",
) -> Writer:
    """A context manager with `Writer.write`; what it wrote appears under `path` when it closes without error.

    Args:
        path: ``*.mkv`` for lossless FFV1, ``*.mov`` for ProRes 422 HQ, ``*.mp4`` for an H.264 preview, anything else
            for a folder of pictures ``00000.png``, ``00001.png`` … FFV1 and pictures have the frames' 8 or 16 bits.
        fps: Frames per second; of no meaning for a folder, but of DPX.
        first: Number of the first frame; of no meaning for a video.
        stream: What the frames are, in place of `fps`: their times, start, pixel aspect and colours go into a video;
            size is not used.
        tracks: What is copied into a video beside the frames: sound, subtitles, chapters and metadata, as far as it
            takes them, see `degrade.writers.tracks.tell`; and with these the timecode of `stream`.
        pictures: Format in a folder: ``png``, ``tiff``, or ``dpx``, in which RGB of 16 bits has 10 or 12 if the depth
            of `stream` is up to these.

    Example:
        >>> import numpy as np
        >>> with open_writer("clip.mkv") as writer:  # doctest: +SKIP
        ...     writer.write(np.zeros((240, 320, 3), np.uint8))
    """
    path = Path(path).expanduser()
    if path.suffix.lower() in VIDEOS:
        from degrade.writers.video import VideoWriter

        return VideoWriter(path, stream or steady(fps), tracks)
    from degrade.writers.frames import FrameWriter

    return FrameWriter(path, stream or steady(fps), pictures, first)


def join(pieces: list[Path], path: Path, stream: StreamInfo | None = None) -> None:
    """Makes one clip of pieces that `open_writer` has written: the bytes are those of one writer.

    Args:
        pieces: Folders with frames of different numbers, or ``*.mkv`` in order; they may be used up.
        path: What to make.
        stream: As given to `open_writer`.
    """
    if path.suffix == ".mkv":
        from degrade.writers.video import join as join_videos

        return join_videos(pieces, path, stream or steady(24))
    from degrade.writers.frames import join as join_frames

    return join_frames(pieces, path)
