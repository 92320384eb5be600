"""What a dataset says of itself: a row for each clip, hashes, versions, and how they are written."""

import csv
import hashlib
import importlib.metadata
import io
import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import av
import cv2
import numpy as np

from degrade.core.errors import DatasetError
from degrade.core.types import Params
from degrade.spec import Spec, canonical

BLOCK = 1024
"""Entries of a list that are put into words at once."""


@dataclass(frozen=True)
class ClipRecord:
    """A clip's row of the manifest; the fields are its columns, in their order."""

    clip: str
    """Its id."""
    split: str
    sequence: str
    """Of the source."""
    start: int
    """First frame in the sequence."""
    frames: int
    height: int
    width: int
    channels: int
    fired: str
    """Labels of the ops that fired, separated by spaces."""
    source_sha256: str
    """Of the footage; the others are of what was written."""
    lq_sha256: str
    gt_sha256: str
    mask_sha256: str
    """Empty without masks."""
    trace_sha256: str

    @property
    def id(self) -> str:
        """The clip's."""
        return self.clip

    def sha256(self, kind: str) -> str:
        """That of a kind: ``lq``, ``gt``, ``mask`` (of all masks), ``trace``."""
        digest: str = getattr(self, f"{kind}_sha256")
        return digest

    @classmethod
    def parse(cls, row: dict[str, Any]) -> Self:
        """A row whose numbers may be text.

        Raises:
            ValueError: A column is missing, or no number where there must be one.
        """
        if any(row.get(key) is None for key in COLUMNS):
            raise ValueError("a column is missing")
        return cls(**{key: kind(row[key]) for key, kind in COLUMNS.items()})


COLUMNS: dict[str, Any] = {field.name: field.type for field in fields(ClipRecord)}


def manifest(clips: Iterable[ClipRecord]) -> bytes:
    """The manifest as CSV, sorted by split and clip."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(vars(clip) for clip in sorted(clips, key=lambda clip: (clip.split, clip.clip)))
    return text.getvalue().encode()


def parse_manifest(table: bytes) -> list[ClipRecord]:
    """The inverse of `manifest`.

    Raises:
        ValueError: It is damaged.
    """
    return [ClipRecord.parse(row) for row in csv.DictReader(io.StringIO(table.decode()))]


def describe(spec: Spec) -> dict[str, Any]:
    """What the dataset's record says of how it was made."""
    return {
        "name": spec.name,
        "seed": spec.seed,
        "spec": spec.resolved(),
        "spec_sha256": spec.digest(),
        "files_sha256": spec.damage().files(),
        "versions": versions() | spec.versions(),
    }


def versions() -> dict[str, str]:
    """Of the packages that pixels and files come from."""
    own = importlib.metadata.version("film-degrade")
    return {"film-degrade": own, "numpy": np.__version__, "opencv": cv2.__version__, "av": av.__version__}


def record_hash(record: dict[str, Any]) -> str:
    """SHA-256 of all that the dataset's record says but this hash."""
    content = {key: value for key, value in record.items() if key != "record_sha256"}
    return hashlib.sha256(canonical(content)).hexdigest()


def file_hashes(path: Path) -> dict[str, bytes]:
    """SHA-256 of a file, or of all files in a folder, by their relative names in order."""
    hashes = {}
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            hashes[file.relative_to(path).as_posix()] = hashlib.file_digest(stream, "sha256").digest()
    return hashes


def joint_hash(*hashes: dict[str, bytes]) -> str:
    """SHA-256 of names and contents; empty for none."""
    digest = hashlib.sha256()
    for one in hashes:
        for name, content in one.items():
            digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest() if hashes else ""


def file_hash(*paths: Path) -> str:
    """SHA-256 of files, and of the names and contents in folders; empty for none."""
    return joint_hash(*map(file_hashes, paths))


def stream_json(content: Any) -> Iterator[str]:
    """`canonical` JSON piece by piece, also of params: neither text nor numbers of a long clip are held at once."""
    if isinstance(content, Params):
        content = dict(content)
    if isinstance(content, dict):
        for i, key in enumerate(sorted(content)):
            yield f"{',' if i else '{'}{_encode(key)}:"
            yield from stream_json(content[key])
        yield "}" if content else "{}"
    elif isinstance(content, list | tuple) and content and isinstance(content[0], dict | Params):
        for i, item in enumerate(content):
            yield "," if i else "["
            yield from stream_json(item)
        yield "]"
    elif isinstance(content, list | tuple | array):
        for start in range(0, len(content), BLOCK):
            yield ("," if start else "[") + _encode(content[start : start + BLOCK])[1:-1]
        yield "]" if content else "[]"
    else:
        yield _encode(content)


def _plain(content: Any) -> Any:
    return content.tolist() if isinstance(content, array) else dict(content)


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain).encode


def pretty(content: Any) -> bytes:
    """JSON for people: sorted and indented."""
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_json(path: Path) -> Any:
    """Parses a file of the dataset.

    Raises:
        DatasetError: It is missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DatasetError(f"{path}: damaged, not JSON") from error
