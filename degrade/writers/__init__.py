"""Frames to disk: PNG folders, lossless FFV1, H.264 for looking at."""

from pathlib import Path

from degrade.writers.base import Writer

__all__ = ["Writer", "open_writer"]


def open_writer(path: Path | str, fps: float = 24.0) -> Writer:
    """A context manager with `Writer.write`; what it wrote appears under `path` when it closes without error.

    Args:
        path: ``*.mkv`` for lossless FFV1, ``*.mp4`` for an H.264 preview, anything else for a folder of PNGs
            ``00000.png``, ``00001.png`` …
        fps: Frames per second; of no meaning for a folder.

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

    return FrameWriter(path)
