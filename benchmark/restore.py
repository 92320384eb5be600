"""A model on a real film, of any length and size."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.models._stream import stream
from degrade.models.base import RestorationModel
from degrade.preview import save_picture, sheet
from degrade.sources import Sequence, Source
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
    with_sheet: bool = False,
    restored: Callable[[int], object] = lambda frames: None,
) -> list[Path]:
    """Restore all sequences of a source; memory does not grow with their length.

    Args:
        model: Runs where its parameters are.
        source: Footage.
        out: For one sequence what `open_writer` takes; for several a folder, which gets a folder of each.
        window: Frames restored at once; the model's own choice by default.
        tile: Longest side restored at once, pixels; None: whole frames.
        with_sheet: Also write a picture of frames before and after, `<out>-sheet.png`.
        restored: Called with the number of frames after each step.

    Returns:
        The files and folders written.
    """
    sequences = source.sequences()
    if len(sequences) > 1 and out.suffix:
        raise SourceError(f"{out}: there are {len(sequences)} films to restore; give a folder, not a file")
    written, rows = [], []
    for sequence in sequences:
        path = out if len(sequences) == 1 else out / sequence.id
        row = _restore(model, source, sequence, path, window, tile, restored)
        rows += [row[i : i + 4] for i in range(0, len(row), 4)]
        written.append(path)
    if with_sheet:
        written.append(out.with_name(f"{out.stem}-sheet.png"))
        save_picture(written[-1], sheet(rows))
    return written


def _restore(
    model: RestorationModel,
    source: Source,
    sequence: Sequence,
    path: Path,
    window: int | None,
    tile: int | None,
    restored: Callable[[int], object],
) -> list[tuple[str, Array]]:
    """Write one film; return pictures for the sheet, with their captions."""
    grey = is_grey(source, sequence)
    shown = spread(sequence.frames)
    row: list[tuple[str, Array]] = []
    with open_writer(path, fps=sequence.fps) as writer:
        for t, frame in enumerate(stream(model, _frames(source, sequence, grey), window, tile=tile)):
            picture = np.ascontiguousarray((frame[0] * 255).round().byte().permute(1, 2, 0).numpy())
            writer.write(picture)
            if t in shown:
                row.append((f"{sequence.id}, frame {t}", source.read(sequence, t, t + 1)[0]))
                row.append(("restored", picture))
            restored(1)
    return row


def _frames(source: Source, sequence: Sequence, grey: bool) -> Iterator[Tensor]:
    """Each frame as (1, C, H, W) in [0, 1]."""
    for start in range(0, sequence.frames, READ):
        for frame in source.read(sequence, start, min(start + READ, sequence.frames)):
            picture = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
            yield picture.mean(1, keepdim=True) if grey else picture


def is_grey(source: Source, sequence: Sequence) -> bool:
    """Whether a film is black and white, as some of its frames show; a codec may have tinted it by a step or two."""
    frames = np.concatenate([source.read(sequence, t, t + 1) for t in spread(sequence.frames)]).astype(int)
    return bool(np.ptp(frames, axis=-1).max() <= 4)


def spread(frames: int) -> list[int]:
    """Some frame numbers, evenly through the film."""
    return sorted({int((i + 0.5) * frames / SHOWN) for i in range(SHOWN)})
