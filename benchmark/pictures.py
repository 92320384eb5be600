"""Film strips and samples, as the pages embed them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from os.path import isdir, isfile
from pathlib import Path

from PIL import Image

from degrade.benchmark.table import Table
from degrade.core.errors import SourceError


@dataclass(frozen=True)
class Picture:
    """A strip of one clip."""

    label: str
    model: str
    """`Result.id`; empty: of no model."""
    part: str
    """``picture`` or ``error``, of which one is seen at a time; empty: always seen."""
    data: str
    """WebP in base64."""
    width: int
    height: int


Strips = Sequence[tuple[str, Sequence[Picture]]]
"""Clips, each with its strips."""


def strips(table: Table, folder: Path | None) -> Strips:
    """For each clip that has strips: input, models, clean and mask.

    Args:
        table: Of the task.
        folder: Laid out as `degrade.benchmark.strips` says; None: there are none.

    Raises:
        SourceError: A damaged picture.
    """
    found = []
    for clip in table.clips if folder else []:
        files = [("input", "", "", "input")]
        for row in table.rows:
            key = row.result.id
            # The input has a row already.
            files += [] if row.result.model.name == "input" else [(row.label, key, "picture", key)]
            files += [(row.label, key, "error", f"{key}.error")]
        files += [("clean", "", "", "clean"), ("mask", "", "", "mask")]
        assert folder is not None
        named = [(*file[:3], folder / clip / f"{file[3]}.png") for file in files]
        pictures = [_picture(*file) for file in named if isfile(file[-1])]  # a name may be too long for any
        if pictures:
            found.append((clip, pictures))
    return found


CLIPS = 4
"""Whose samples a page embeds."""


@dataclass(frozen=True)
class Sample:
    """Frames of one clip, one above the other."""

    clip: str
    source: str
    """`Result.id`; ``=input`` and ``=clean`` of what is no model's."""
    frames: int
    data: str
    """WebP in base64."""
    width: int
    height: int
    """Of one frame."""


def samples(table: Table, folder: Path | None) -> list[Sample]:
    """Of a few clips, one of a sequence first, those that are there.

    Args:
        table: Of the task.
        folder: As in `strips`.

    Raises:
        SourceError: A damaged picture.
    """
    if folder is None:
        return []
    found, sources = [], {row.result.id: row.result.id for row in table.rows}
    for name in ("input", "clean"):
        if name not in sources:
            sources[name] = f"={name}"
    first: dict[str, str] = {}
    for row in table.rows[0].result.clips:
        first.setdefault(row.sequence, row.clip)
    there = (name for name in dict.fromkeys([*first.values(), *table.clips]) if isdir(folder / name))
    places = ((name, sorted((folder / name).glob("frames-*"))) for name in there)
    for clip, (place, *_) in islice((at for at in places if at[1]), CLIPS):
        for name, source in sources.items():
            if isfile(path := place / f"{name}.webp"):
                found.append(_sample(clip, source, path))
    return found


def _sample(clip: str, source: str, path: Path) -> Sample:
    try:
        content, frames = path.read_bytes(), int(path.parent.name.partition("-")[2])
        with Image.open(BytesIO(content), formats=["WEBP"]) as image:
            image.load()
            width, height = image.size
        if frames < 1 or height % frames:
            raise ValueError
    except (OSError, SyntaxError, ValueError):
        raise SourceError(f"{path}: damaged, no WebP picture of {path.parent.name}") from None
    return Sample(clip, source, frames, base64.b64encode(content).decode(), width, height // frames)


def of_model(strips: Strips, model: str) -> Strips:
    """Those of one model, and what belongs to none; clips that do not show it are left out."""
    found = [(clip, [one for one in pictures if one.model in ("", model)]) for clip, pictures in strips]
    return [(clip, pictures) for clip, pictures in found if any(one.model for one in pictures)]


def _picture(label: str, model: str, part: str, path: Path) -> Picture:
    packed = BytesIO()
    try:
        with Image.open(path, formats=["PNG"]) as image:
            width, height = image.size
            # A fifth of the PNG's size; a strip is there to be looked at.
            image.convert("RGB").save(packed, "webp", quality=85)
    except (OSError, SyntaxError):
        raise SourceError(f"{path}: damaged, not a PNG picture") from None
    return Picture(label, model, part, base64.b64encode(packed.getvalue()).decode(), width, height)
