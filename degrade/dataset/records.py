"""What a dataset says of itself: a row for each clip, hashes, versions, and how they are written."""

import csv
import hashlib
import importlib.metadata
import io
import json
import os
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

import av
import cv2
import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field

from degrade.core.errors import DatasetError, SpecError
from degrade.core.fields import Strict
from degrade.core.types import ClipInfo, Params
from degrade.spec import Slug, Spec, canonical

LONGEST_NAME = 255
"""Bytes of a file's name, on most disks."""

BLOCK = 1024
"""Entries of a list that are put into words at once."""


def _folder_name(name: str) -> str:
    if name in ("", ".", "..") or PurePath(name).name != name or "\0" in name or len(os.fsencode(name)) > LONGEST_NAME:
        raise ValueError(f"must name one folder, got {name!r:.80}")
    return name


def _channels(count: Any) -> Any:
    return int(count) if isinstance(count, str) and count.isdecimal() else count


Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ClipRecord(Strict):
    """A clip's row of the manifest; the fields are its columns, in their order.

    Its numbers may be given as text. That there are so many frames of that size is for whoever reads them to check.

    Raises:
        SpecError: A column is missing, unknown, or holds what cannot be; a name would lead out of the dataset's folder.
    """

    clip: Annotated[str, AfterValidator(_folder_name)]
    """Its id."""
    split: Slug
    sequence: str
    """Of the source."""
    start: Annotated[int, Field(ge=0, le=2**31 - 1)]
    """First frame in the sequence."""
    frames: Count
    height: Count
    width: Count
    channels: Annotated[Literal[1, 3], BeforeValidator(_channels)]
    fps: Annotated[float, Field(gt=0, le=1000)]
    """Frames per second of the footage, of a variable rate the mean; 24 where it does not say."""
    damaged: Annotated[str, Field(pattern=r"^(\d+( \d+)*)?$")]
    """Numbers of the footage's frames that were damaged there, and repeated or skipped, separated by spaces."""
    fired: str
    """Labels of the ops that fired, separated by spaces."""
    source_sha256: Digest
    """Of the footage; the others are of what was written."""
    lq_sha256: Digest
    gt_sha256: Digest
    mask_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    """Empty without masks."""
    trace_sha256: Digest

    @property
    def id(self) -> str:
        """The clip's."""
        return self.clip

    def info(self) -> ClipInfo:
        """What damage was drawn for."""
        return ClipInfo(frames=self.frames, height=self.height, width=self.width, channels=self.channels, id=self.id)

    def sha256(self, kind: str) -> str:
        """That of a kind: ``lq``, ``gt``, ``mask`` (of all masks), ``trace``."""
        digest: str = getattr(self, f"{kind}_sha256")
        return digest


def manifest(clips: Iterable[ClipRecord]) -> bytes:
    """The manifest as CSV, sorted by split and clip."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ClipRecord.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(vars(clip) for clip in sorted(clips, key=lambda clip: (clip.split, clip.clip)))
    return text.getvalue().encode()


def parse_manifest(table: bytes) -> dict[str, ClipRecord]:
    """The inverse of `manifest`: the clips by id.

    Raises:
        ValueError: It is not as `manifest` writes it: damaged, or with values that cannot be.
    """
    rows: dict[str, ClipRecord] = {}
    try:
        reader = csv.DictReader(io.StringIO(table.decode(), newline=""))
        if list(reader.fieldnames or ()) != list(ClipRecord.model_fields):
            raise ValueError("other columns")
        for row in reader:
            if None in row:
                raise ValueError(f"clip {len(rows) + 1}: a value too many")
            record = ClipRecord(**row)
            rows[record.id] = record
    except (csv.Error, SpecError) as error:
        raise ValueError(f"clip {len(rows) + 1}: {error}") from error
    if not rows or manifest(rows.values()) != table:
        raise ValueError("no rows, or not in the form in which they are written")
    return rows


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
    own, deflate = map(importlib.metadata.version, ("film-degrade", "deflate"))
    libraries = {"numpy": np.__version__, "opencv": cv2.__version__, "av": av.__version__, "deflate": deflate}
    return {"film-degrade": own} | libraries


def record_hash(record: dict[str, Any]) -> str:
    """SHA-256 of all that the dataset's record says but this hash."""
    content = {key: value for key, value in record.items() if key != "record_sha256"}
    return hashlib.sha256(canonical(content)).hexdigest()


def file_hashes(path: Path) -> dict[str, bytes]:
    """SHA-256 of a file, or of all files in a folder, by their relative names in order."""
    hashes = {}
    for file in sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]:
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
        text = path.read_bytes().decode()
        content = json.loads(text)
        if "\\u" in text:  # half a pair stands for no character, and could not be written
            canonical(content)
        return content
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: damaged, not JSON") from error
