"""Restores real film of any length and frame size, and goes on where it was interrupted."""

import hashlib
import itertools
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from degrade.benchmark.films import (
    depth_of,
    keeps_length,
    pace,
    picture_format,
    refuse_inside,
    refuse_taken,
    spread,
    taken,
)
from degrade.benchmark.memory import Tile, explained, fitting_tile
from degrade.core import atomic
from degrade.core.display import sheet
from degrade.core.errors import DatasetError, SourceError
from degrade.core.lock import hold
from degrade.core.types import Array
from degrade.models._stream import restart, stream
from degrade.models.base import RestorationModel
from degrade.preview import save_picture
from degrade.sources import FrameSequence, Source, open_source
from degrade.sources.folders import NUMBERED
from degrade.sources.pictures import read_picture
from degrade.sources.stream import StreamInfo
from degrade.writers import VIDEOS, Pictures, check_name, names_media, open_writer
from degrade.writers.base import SUFFIXES
from degrade.writers.frames import encode
from degrade.writers.tracks import tell


def restore_source(
    model: RestorationModel,
    source: Source,
    out: str | Path,
    *,
    window: int | None = None,
    tile: Tile = None,
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
    about = _describe(model, sequences, source, window=window, tile=tile, fps=fps, pictures=pictures)
    with _begun(out, written, about, resume) as mark, explained(model, sequences, window, tile):
        for sequence, path in zip(sequences, films, strict=True):
            if line := _about_tracks(source, sequence, path, fps, format):
                told(f"{path.name}: {line}")
        side = _side(mark, model, sequences, window) if tile == "auto" else tile
        for sequence, path in zip(sequences, films, strict=True):
            if taken(path):  # finished before
                shutil.rmtree(_part(path), ignore_errors=True)
                restored(sequence.frames)
            else:
                lost = _restore(model, source, sequence, path, window, side, fps, format, restored)
                if lost:
                    told(f"{path.name}: left out, as damaged: {lost} packets of sound and the like")
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


def _side(mark: Path, model: RestorationModel, sequences: list[FrameSequence], window: int | None) -> int | None:
    """The side of the tiles that fit, the same after an interruption."""
    found = mark / "tile.json"
    if not found.exists():
        largest = max(sequences, key=lambda sequence: sequence.height * sequence.width)
        atomic.write(found, json.dumps(fitting_tile(model, largest.height, largest.width, window)))
    side: int | None = json.loads(found.read_text("utf-8"))
    return side


def _describe(model: RestorationModel, sequences: list[FrameSequence], source: Source, **asked: object) -> str:
    """What an interrupted call must have been to be gone on with; of the footage, its form and its first frames."""
    weights = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        weights.update(
            name.encode() + value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    firsts = [hashlib.sha256(source.read(sequence, 0, 1).tobytes()).hexdigest() for sequence in sequences]
    names = [source.names(sequence)[0] for sequence in sequences]
    footage = [[vars(sequence), *about] for sequence, *about in zip(sequences, names, firsts, strict=True)]
    content = {
        "model": type(model).__name__,
        "config": model.config,
        "color": model.color,
        "weights": weights.hexdigest(),
        **asked,
    }
    return json.dumps({**content, "footage": footage}, indent=1, sort_keys=True, default=str)


@contextmanager
def _begun(out: Path, written: list[Path], about: str, resume: bool) -> Iterator[Path]:
    """Marks `out` as begun until all is written, and keeps other calls out of it; if it ends before the first frame,
    nothing is left. Yields the folder that is the mark."""
    mark, empty = out.with_name(f".{out.name}.restoring"), not out.exists()
    call = mark / "call.json"
    with hold(mark / "lock", out):
        try:
            if not call.exists():
                for path in written:
                    if not resume:
                        refuse_taken(path)
                atomic.write(call, about)
            elif call.read_text("utf-8") != about:
                cure = f"name another place, or delete it and {mark}"
                raise DatasetError(f"{out}: was begun with another model, setting or footage; {cure}")
            yield mark
            call.unlink()
        finally:
            parts = list(map(_part, written))
            for part in parts:
                if part.is_dir() and not any(part.iterdir()):
                    part.rmdir()
            nothing = not any(map(taken, written)) and not any(part.exists() for part in parts)
            if nothing and empty and out.is_dir():
                shutil.rmtree(out)
            if nothing or not call.exists():
                shutil.rmtree(mark)


def _part(path: Path) -> Path:
    """The folder of the frames of a film that is not whole."""
    return path.with_name(f".{path.name}.frames")


def _restore(
    model: RestorationModel,
    source: Source,
    sequence: FrameSequence,
    path: Path,
    window: int | None,
    tile: int | None,
    fps: float | None,
    format: Pictures,
    restored: Callable[[int], object],
) -> int:
    """Write one film; the number of packets of sound and the like that could not be copied."""
    part = _part(path)
    part.mkdir(parents=True, exist_ok=True)
    depth, (about, _) = depth_of(sequence, path), pace(sequence, fps)
    if not keeps_length(sequence, fps):
        about = replace(about, timecode="")
    pictures = [part / f"{name}{SUFFIXES[format]}" for name in source.names(sequence)]
    done = next((t for t, picture in enumerate(pictures) if not picture.exists()), len(pictures))
    start, numbers = restart(model, done, window), _numbers(source.names(sequence))
    grey = all(map(is_grey, source.each(sequence, depth=depth)))
    greys: deque[bool] = deque()  # whether the frames that the model holds are

    def frames() -> Iterator[Tensor]:
        for frame in source.each(sequence, start, depth=depth):
            greys.append(grey or is_grey(frame))
            picture = torch.from_numpy(frame.astype(np.float32)).permute(2, 0, 1)[None] / np.iinfo(frame.dtype).max
            yield _without_colour(picture, 1 if grey else 3) if greys[-1] else picture

    restored(done)
    for t, frame in enumerate(stream(model, frames(), window, tile=tile), start):
        one = _without_colour(frame, frame.shape[1]) if greys.popleft() else frame
        if t >= done:
            levels = (one[0] * (2**depth - 1)).round().permute(1, 2, 0).numpy()
            _keep(pictures[t], levels.astype(f"uint{depth}"), format, about, numbers[t])
            restored(1)
    return _finish(pictures, path, source, sequence, fps, 1 if grey else 3)


def _numbers(names: list[str]) -> list[int]:
    """How far each frame is from the first, by the numbers in their names, of which some may be missing."""
    found = [NUMBERED.fullmatch(name) for name in names]
    numbers = [int(one[2]) for one in found if one]
    rising = len(numbers) == len(names) and all(a < b for a, b in itertools.pairwise(numbers))
    return [number - numbers[0] for number in numbers] if rising else list(range(len(names)))


def _keep(path: Path, frame: Array, pictures: Pictures, about: StreamInfo, number: int) -> None:
    try:
        atomic.write(path, encode(frame, pictures, about, number))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written: {error.strerror or error}") from error


def _about_tracks(source: Source, sequence: FrameSequence, path: Path, fps: float | None, pictures: Pictures) -> str:
    suffix = path.suffix.lower() if names_media(path) else ""
    return tell(source.tracks(sequence), sequence.stream, suffix, paced=keeps_length(sequence, fps), pictures=pictures)


def _finish(
    pictures: list[Path], path: Path, source: Source, sequence: FrameSequence, fps: float | None, channels: int
) -> int:
    """Makes the film of its frames; see `_restore`."""
    part = pictures[0].parent
    if path.suffix.lower() in VIDEOS:
        about, order = pace(sequence, fps)
        tracks = source.tracks(sequence) if keeps_length(sequence, fps) else None
        depth = depth_of(sequence, path)
        with open_writer(path, stream=about, tracks=tracks) as writer:
            for t in order:
                writer.write(read_picture(pictures[t], depth)[..., :channels])
        shutil.rmtree(part)
        return writer.lost
    if path.is_dir():  # which is empty
        path.rmdir()
    part.replace(path)
    return 0


def _row(
    source: Source, sequence: FrameSequence, path: Path, fps: float | None, pictures: Pictures
) -> list[tuple[str, Array]]:
    """Pictures for the sheet, with their captions."""
    names, row = source.names(sequence), []
    order = pace(sequence, fps if path.suffix.lower() in VIDEOS else None)[1]
    film = None if path.is_dir() else open_source(path)
    for i in spread(len(order)):
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
