"""Frames to disk: PNG folders, lossless FFV1, H.264 for looking at."""

from pathlib import Path

from degrade.writers.base import Writer

__all__ = ["Writer", "join", "open_writer"]


def open_writer(path: Path | str, fps: float = 24.0, first: int = 0) -> Writer:
    """A context manager with `Writer.write`; what it wrote appears under `path` when it closes without error.

    Args:
        path: ``*.mkv`` for lossless FFV1, ``*.mp4`` for an H.264 preview, anything else for a folder of PNGs
            ``00000.png``, ``00001.png`` …
        fps: Frames per second; of no meaning for a folder.
        first: Number of the first frame; of no meaning for a video.

    Example:
        >>> import numpy as np
        >>> with open_writer("clip.mkv") as writer:  # doctest: +SKIP
        ...     writer.write(np.zeros((240, 320, 3), np.uint8))
    """
    path = Path(path)
    if path.suffix.lower() in (".mkv", ".mp4"):
        from degrade.writers.video import VideoWriter

        return VideoWriter(path, fps)
    from degrade.writers.frames import FrameWriter

    return FrameWriter(path, first)


def join(pieces: list[Path], path: Path, fps: float = 24.0) -> None:
    """Makes one clip of pieces that `open_writer` has written: the bytes are those of one writer.

    Args:
        pieces: Folders with frames of different numbers, or ``*.mkv`` in order; they may be used up.
        path: What to make.
        fps: As given to `open_writer`.
    """
    if path.suffix == ".mkv":
        from degrade.writers.video import join as join_videos

        return join_videos(pieces, path, fps)
    from degrade.writers.frames import join as join_frames

    return join_frames(pieces, path)
