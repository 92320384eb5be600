"""Restores real film of any length and frame size, and goes on where it was interrupted."""

import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from degrade.benchmark.films import (
    SHOWN,
    pace,
    paired,
    picture_format,
    refuse_inside,
)
from degrade.benchmark.making import Making, begun, describe, frames_of
from degrade.benchmark.memory import Tile, explained, fitting_tile
from degrade.core import atomic
from degrade.core.atomic import taken
from degrade.core.display import sheet, spread
from degrade.core.errors import SourceError, SpecError
from degrade.core.types import Array
from degrade.models._stream import restart, stream
from degrade.models.base import RestorationModel
from degrade.preview import save_picture
from degrade.sources import FrameSequence, Source, open_source
from degrade.sources.pictures import read_picture
from degrade.writers import VIDEOS, Pictures, check_name, names_media
from degrade.writers.base import SUFFIXES


def restore_source(
    model: RestorationModel,
    source: Source,
    out: str | Path,
    *,
    window: int | None = None,
    tile: Tile = None,
    masks: Source | None = None,
    fps: float | None = None,
    pictures: str = "png",
    with_sheet: bool = False,
    resume: bool = False,
    restored: Callable[[int], object] = lambda frames: None,
    told: Callable[[str], object] = lambda line: None,
) -> list[Path]:
    """Restore all sequences of a source; memory does not grow with their length.

    A frame without colour stays so; a film is written in grey if all its frames are without. Footage of more than 8
    bits is restored in 16, which MP4 alone does not keep. Frames are kept beside `out` until their film is whole: the
    same call goes on after an interruption, with the same result. Pictures are named as those that they are made of.

    Args:
        model: Runs where its parameters are.
        source: Footage.
        out: For one sequence what `open_writer` takes; for several a folder, which gets a folder of each.
        window: Frames restored at once; the model's own choice by default.
        tile: Longest side restored at once, pixels; None: whole frames; ``auto``: as much as fits into memory.
        masks: What is to be filled, white, in sequences of the same names, lengths and sizes. For models whose card
            says `fills`; they look for no damage of their own.
        fps: Frames per second of what is written. If not given, frames are shown when the footage's are, and pictures
            24 a second. Footage of a variable rate is converted to it and stays as long; other footage runs at it.
        pictures: Their format, where `out` is a folder: ``png``, ``tiff`` or ``dpx``.
        with_sheet: Also write a picture of frames before and after, `<out>-sheet.png`.
        resume: Films and sheets that are there already are kept, whichever call made them; otherwise only those of the
            interrupted call.
        restored: Called with the number of frames after each step.
        told: Called before, with a line for each film that holds sound or the like: what is copied, and what is not.

    Returns:
        The files and folders written; ``<out>-damaged.json`` among them if frames of the footage were repeated or
        skipped, with the numbers of these by sequence.

    Raises:
        DatasetError: Something of a name that would be written is there already, was begun by another call, or would
            lie in the footage.
        SpecError: There is no such format of pictures, or none is written.
        SourceError: Several films are to go into one file, the file is of a kind that is not written, or memory does
            not suffice.
    """
    out, sequences = Path(out).expanduser(), source.sequences()
    _check_name(out, len(sequences))
    format = picture_format(pictures, out)
    refuse_inside(source, out)
    films = [out] if len(sequences) == 1 else [out / sequence.id for sequence in sequences]
    damaged = {sequence.id: source.damaged(sequence, 0, sequence.frames) for sequence in sequences}
    beside = [out.with_name(f"{out.stem}-sheet.png")] if with_sheet else []
    beside += [out.with_name(f"{out.stem}-damaged.json")] if any(damaged.values()) else []
    written = [*films, *beside]
    covers = [None] * len(sequences) if masks is None else _covers(masks, source, model)
    about = describe(model, source, masks, window=window, tile=tile, fps=fps, pictures=pictures)
    makings = [Making(source, sequence, path, fps, format) for sequence, path in zip(sequences, films, strict=True)]
    with begun(out, written, about, resume) as mark, explained(model, sequences, window, tile):
        for making in makings:
            if line := making.about_tracks():
                told(f"{making.path.name}: {line}")
        side = _side(mark, model, sequences, window) if tile == "auto" else tile
        for making, cover in zip(makings, covers, strict=True):
            if taken(making.path):  # finished before
                shutil.rmtree(frames_of(making.path), ignore_errors=True)
                restored(making.sequence.frames)
            else:
                _restore(model, making, masks, cover, window, side, restored, told)
        if with_sheet and not taken(beside[0]):
            rows = [_row(source, sequence, path, fps, format) for sequence, path in zip(sequences, films, strict=True)]
            save_picture(beside[0], sheet([row[i : i + 4] for row in rows for i in range(0, len(row), 4)]))
        if any(damaged.values()):
            atomic.write(beside[-1], json.dumps(damaged))
    return written


def _check_name(out: Path, films: int) -> None:
    if films > 1 and names_media(out):
        raise SourceError(f"{out}: there are {films} films to restore; give a folder, not a file")
    check_name(out)


def _covers(masks: Source, source: Source, model: RestorationModel) -> list[FrameSequence]:
    """The masks of each sequence."""
    if not model.card.fills:
        raise SpecError(f"{type(model).__name__} fills no masks that others made", "--masks")
    return paired(source, masks, "--masks")


def _side(mark: Path, model: RestorationModel, sequences: list[FrameSequence], window: int | None) -> int | None:
    """The side of the tiles that fit, the same after an interruption."""
    found = mark / "tile.json"
    if not found.exists():
        largest = max(sequences, key=lambda sequence: sequence.height * sequence.width)
        atomic.write(found, json.dumps(fitting_tile(model, largest.height, largest.width, window)))
    side: int | None = json.loads(found.read_text("utf-8"))
    return side


def _restore(
    model: RestorationModel,
    making: Making,
    masks: Source | None,
    cover: FrameSequence | None,
    window: int | None,
    tile: int | None,
    restored: Callable[[int], object],
    told: Callable[[str], object],
) -> None:
    """Write one film."""
    depth, done = making.depth, making.done
    start = restart(model, done, window)
    grey = all(map(is_grey, making.source.each(making.sequence, depth=depth)))
    greys: deque[bool] = deque()  # whether the frames that the model holds are

    def frames() -> Iterator[Tensor]:
        for frame in making.source.each(making.sequence, start, depth=depth):
            greys.append(grey or is_grey(frame))
            picture = torch.from_numpy(frame.astype(np.float32)).permute(2, 0, 1)[None] / np.iinfo(frame.dtype).max
            yield _without_colour(picture, 1 if grey else 3) if greys[-1] else picture

    def holes() -> Iterator[Tensor]:
        assert masks is not None
        assert cover is not None
        for mask in masks.each(cover, start):
            yield torch.from_numpy(mask.astype(np.float32)).amax(-1)[None, None] / 255

    restored(done)
    given = holes() if masks else None
    for t, frame in enumerate(stream(model, frames(), window, tile=tile, masks=given), start):
        one = _without_colour(frame, frame.shape[1]) if greys.popleft() else frame
        if t >= done:
            levels = (one[0] * (2**depth - 1)).round().permute(1, 2, 0).numpy()
            making.keep(t, levels.astype(f"uint{depth}"))
            restored(1)
    making.finish(1 if grey else 3, told)


def _row(
    source: Source, sequence: FrameSequence, path: Path, fps: float | None, pictures: Pictures
) -> list[tuple[str, Array]]:
    """Pictures for the sheet, with their captions."""
    names, row = source.names(sequence), []
    order = pace(sequence, fps if path.suffix.lower() in VIDEOS else None)[1]
    film = None if path.is_dir() else open_source(path)
    for i in spread(len(order), SHOWN):
        t = order[i]
        made = (
            film.read(film.sequences()[0], i, i + 1)[0]
            if film
            else read_picture(path / f"{names[t]}{SUFFIXES[pictures]}")
        )
        row += [(f"{sequence.id}, {names[t]}", source.read(sequence, t, t + 1)[0]), ("restored", made)]
    return row


def _without_colour(picture: Tensor, channels: int) -> Tensor:
    """(1, C, H, W), each of so many channels the mean of those given."""
    return picture.mean(1, keepdim=True).expand(-1, channels, -1, -1)


def is_grey(frame: Array) -> bool:
    """Whether a frame (H, W, 3) is black and white; a codec may have tinted it by a step or two of 255."""
    limit = 4 * np.iinfo(frame.dtype).max // 255
    red, green, blue = cv2.split(frame)
    return all(cv2.norm(one, other, cv2.NORM_INF) <= limit for one, other in ((red, green), (green, blue), (blue, red)))
