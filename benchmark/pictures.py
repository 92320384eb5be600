"""Film strips, as the pages embed them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from os.path import isfile
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
