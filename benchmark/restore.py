"""Restores real film of any length and frame size."""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from degrade.core.errors import DatasetError, SourceError
from degrade.core.types import Array
from degrade.models._stream import stream
from degrade.models.base import RestorationModel
from degrade.preview import save_picture, sheet
from degrade.sources import FrameSequence, Source
from degrade.writers import open_writer

READ = 16  # frames read at a time
SHOWN = 4  # frames on the sheet


def restore_source(
    model: RestorationModel,
    source: Source,
    out: Path,
    *,
    window: int | None = None,
    tile: int | None = None,
    fps: float | None = None,
    with_sheet: bool = False,
    restored: Callable[[int], object] = lambda frames: None,
) -> list[Path]:
    """Restore all sequences of a source; memory does not grow with their length.

    A frame without colour stays so; a film is written in grey if all its frames are without.

    Args:
        model: Runs where its parameters are.
        source: Footage.
        out: For one sequence what `open_writer` takes; for several a folder, which gets a folder of each.
        window: Frames restored at once; the model's own choice by default.
        tile: Longest side restored at once, pixels; None: whole frames.
        fps: Frames per second of what is written; the footage's own if not given, 24 for pictures.
        with_sheet: Also write a picture of frames before and after, `<out>-sheet.png`.
        restored: Called with the number of frames after each step.

    Returns:
        The files and folders written.

    Raises:
        DatasetError: Something of a name that would be written is there already.
        SourceError: Several films are to go into one file.
    """
    sequences = source.sequences()
    if len(sequences) > 1 and out.suffix:
        raise SourceError(f"{out}: there are {len(sequences)} films to restore; give a folder, not a file")
    films = [out] if len(sequences) == 1 else [out / sequence.id for sequence in sequences]
    written = [*films, out.with_name(f"{out.stem}-sheet.png")] if with_sheet else films
    for path in written:
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise DatasetError(f"{path}: is there already; name another file or folder")
    rows = []
    for sequence, path in zip(sequences, films, strict=True):
        row = _restore(model, source, sequence, path, window, tile, fps, restored)
        rows += [row[i : i + 4] for i in range(0, len(row), 4)]
    if with_sheet:
        save_picture(written[-1], sheet(rows))
    return written


def _restore(
    model: RestorationModel,
    source: Source,
    sequence: FrameSequence,
    path: Path,
    window: int | None,
    tile: int | None,
    fps: float | None,
    restored: Callable[[int], object],
) -> list[tuple[str, Array]]:
    """Write one film; return pictures for the sheet, with their captions."""
    grey = all(map(is_grey, _read(source, sequence)))
    greys: deque[bool] = deque()  # whether the frames that the model holds are
    shown = spread(sequence.frames)
    row: list[tuple[str, Array]] = []

    def frames() -> Iterator[Tensor]:
        for frame in _read(source, sequence):
            greys.append(grey or is_grey(frame))
            picture = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
            yield _without_colour(picture, 1 if grey else 3) if greys[-1] else picture

    with open_writer(path, fps=fps or sequence.fps) as writer:
        for t, frame in enumerate(stream(model, frames(), window, tile=tile)):
            one = _without_colour(frame, frame.shape[1]) if greys.popleft() else frame
            picture = np.ascontiguousarray((one[0] * 255).round().byte().permute(1, 2, 0).numpy())
            writer.write(picture)
            if t in shown:
                row.append((f"{sequence.id}, frame {t}", source.read(sequence, t, t + 1)[0]))
                row.append(("restored", picture))
            restored(1)
    return row


def _read(source: Source, sequence: FrameSequence) -> Iterator[Array]:
    """Each frame, (H, W, 3) uint8."""
    for start in range(0, sequence.frames, READ):
        yield from source.read(sequence, start, min(start + READ, sequence.frames))


def _without_colour(picture: Tensor, channels: int) -> Tensor:
    """(1, C, H, W), each of so many channels the mean of those given."""
    return picture.mean(1, keepdim=True).expand(-1, channels, -1, -1)


def is_grey(frame: Array) -> bool:
    """Whether a frame (H, W, 3) uint8 is black and white; a codec may have tinted it by a step or two."""
    red, green, blue = cv2.split(frame)
    return all(cv2.norm(one, other, cv2.NORM_INF) <= 4 for one, other in ((red, green), (green, blue), (blue, red)))


def spread(frames: int) -> list[int]:
    """Some frame numbers, evenly through the film."""
    return sorted({int((i + 0.5) * frames / SHOWN) for i in range(SHOWN)})
