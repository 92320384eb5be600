"""Datasets for other tools: lists for BasicSR and mmagic, tables for Hugging Face's folders, and a card.

They are made of the finished clips alone, so their bytes do not depend on who made these, or when.
"""

import csv
import hashlib
import io
import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from degrade.core.types import Array, as_8bit
from degrade.dataset.kinds import DAMAGED, MASK, TARGET
from degrade.dataset.layout import MANIFEST, DatasetFolder
from degrade.dataset.records import ClipRecord
from degrade.writers.base import SUFFIXES

SHOWN, HEIGHT = 4, 200
"""Frames on the sheet, and the height of each, in pixels, at most."""
SIZES = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "n>100M"]
"""How the Hub tells numbers of examples, by powers of ten from a thousand."""


def shared_files(folder: DatasetFolder, about: dict[str, Any], clips: Iterable[ClipRecord]) -> dict[Path, bytes]:
    """The files that other tools read a dataset by, and what is in them.

    Args:
        folder: All of its clips are finished.
        about: What its record says of how it was made.
        clips: Their rows.
    """
    rows = sorted(clips, key=lambda row: (row.split, row.id))
    splits = {split: list(group) for split, group in itertools.groupby(rows, key=lambda row: row.split)}
    files = {folder.card_path: _card(folder, about, splits), folder.sheet_path: _sheet(folder, rows[0])}
    for split, group in splits.items():
        if not folder.in_shards:
            files[folder.table_path(split)] = _table(folder, split, group)
        if folder.in_pictures and not any(re.search(r"\s", row.id) for row in group):  # which separates the columns
            files[folder.list_path(split)] = _list(group)
    return files


def hashes(folder: DatasetFolder, files: dict[Path, bytes]) -> dict[str, str]:
    """SHA-256 of files by their paths in the dataset."""
    return {folder.relative(path): hashlib.sha256(data).hexdigest() for path, data in files.items()}


def _list(rows: list[ClipRecord]) -> bytes:
    """BasicSR's meta info of video: folder, number of frames and shape. mmagic takes the first column."""
    lines = [f"{row.id} {row.frames} ({row.height},{row.width},{row.channels})\n" for row in rows]
    return "".join(lines).encode()


def _table(folder: DatasetFolder, split: str, rows: list[ClipRecord]) -> bytes:
    """A column ``<kind>_file_name`` for each kind, relative to the table; a row for each frame, or each video."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    home = folder.relative(folder.table_path(split).parent)
    writer.writerow([*(f"{kind}_file_name" for kind in folder.kinds), "frame" if folder.in_pictures else "frames"])
    for row in rows:
        places = [posixpath.relpath(folder.relative(folder.frames_path(kind, row)), home) for kind in folder.kinds]
        if folder.in_pictures:
            writer.writerows([*(f"{place}/{folder.frame_name(t)}" for place in places), t] for t in range(row.frames))
        else:
            writer.writerow([*places, row.frames])
    return text.getvalue().encode()


def _sheet(folder: DatasetFolder, row: ClipRecord) -> bytes:
    """Frames of a clip, left to right: clean above damaged above the mask, as PNG."""
    times = np.linspace(0, row.frames - 1, min(SHOWN, row.frames)).round().astype(int).tolist()
    strips = []
    for kind in (TARGET, DAMAGED, MASK):
        if kind in folder.kinds:
            read = folder.open(kind, row)
            strips.append(np.concatenate([_thumbnail(as_8bit(read(t, t + 1)[0])) for t in times], axis=1))
    return bytes(cv2.imencode(".png", np.concatenate(strips)[..., ::-1])[1])


def _thumbnail(frame: Array) -> Array:
    height, width = frame.shape[:2]
    if height > HEIGHT:
        size = max(1, round(width * HEIGHT / height)), HEIGHT
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).reshape(HEIGHT, size[0], -1)
    return np.broadcast_to(frame, (*frame.shape[:2], 3))


def _card(folder: DatasetFolder, about: dict[str, Any], splits: dict[str, list[ClipRecord]]) -> bytes:
    """A README as the Hub reads it: what tools need in the header, what people need below."""
    spec = folder.spec
    frames = sum(row.frames for rows in splits.values() for row in rows)
    header = {
        "pretty_name": spec.name,
        **_license(spec.license),
        "task_categories": ["image-to-image"],
        "tags": ["film", "video", "restoration", "synthetic"],
        "size_categories": [SIZES[min(max(len(str(frames)) - 3, 0), len(SIZES) - 1)]],
        "configs": [{"config_name": "default", "data_files": list(_data_files(folder, splits))}],
    }
    shown = "Top to bottom: clean, damaged" + (", mask of the damage." if MASK in folder.kinds else ".")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(about["versions"].items()))
    counts = "\n".join(
        f"| {split} | {len({row.sequence for row in rows})} | {len(rows)} | {sum(row.frames for row in rows)} |"
        for split, rows in splits.items()
    )
    body = f"""# {spec.name}

Film, clean and with synthetic damage, in pairs. {shown}

![Frames of a clip of this dataset]({folder.relative(folder.sheet_path)})

| split | sequences | clips | frames |
|---|--:|--:|--:|
{counts}

All clips of a sequence are in one split. `{MANIFEST}` has a row for each clip: where in the footage it lies, its
size, what fired, and hashes.

Licence of the footage: {spec.license or "not stated"}.

Made by {versions}. The spec, from which the same footage gives the same bytes:

```yaml
{_yaml(spec.resolved())}```
"""
    return f"---\n{_yaml(header)}---\n\n{body}".encode()


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=True, allow_unicode=True, default_flow_style=None, width=110)


def _license(text: str | None) -> dict[str, str]:
    """The Hub's keys: one of its identifiers, or a name of one's own."""
    if text is None:
        return {}
    identifier = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")
    return {"license": text} if identifier == text else {"license": "other", "license_name": identifier}


def _data_files(folder: DatasetFolder, splits: dict[str, list[ClipRecord]]) -> Iterator[dict[str, Any]]:
    """Which files are whose, as patterns; the splits are named as the Hub allows it."""
    for split, rows in splits.items():
        every = rows[0].model_copy(update={"clip": "*"})
        if folder.in_shards:
            places = [folder.shard_path(every)]
        else:
            frames = [folder.frames_path(kind, every) for kind in folder.kinds]
            places = [
                folder.table_path(split),
                *(path / f"*{SUFFIXES[folder.pictures]}" if folder.in_pictures else path for path in frames),
            ]
        yield {"split": re.sub(r"\W", "_", split), "path": [folder.relative(place) for place in places]}
