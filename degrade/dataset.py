"""What a dataset on disk is: its clips, files, records and hashes.

out/dataset.json                    name, resolved spec, spec hash, versions; written last
out/manifest.csv                    a row per clip: id, split, source, size, what fired, hashes
out/train/{lq,gt,mask}/<clip>/      00000.png …, or <clip>.mkv
out/train/shards/<clip>.tar         in place of these, for WebDataset
out/train/trace/<clip>.json         what was drawn, and the clip's row of the manifest
"""

import csv
import hashlib
import io
import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from degrade.core.errors import DatasetError, SourceError, SpecError
from degrade.core.fields import Strict
from degrade.core.types import Array, ClipInfo, Layer, Params, as_clip, union
from degrade.ops.pipeline import Pipeline
from degrade.sources import Source
from degrade.spec import Spec
from degrade.target import sharpen

COLUMNS = [
    "clip", "split", "sequence", "start", "frames", "height", "width", "channels", "fired",
    "source_sha256", "lq_sha256", "gt_sha256", "mask_sha256", "trace_sha256",
]  # fmt: skip
CHUNK_VALUES = 1_000_000
"""Pixel values rendered at once, or more where ops make greater groups of frames together; what bounds the memory,
whatever the clip's length."""
BLOCK = 1024
"""Entries of a list that are put into words at once."""


class Clip(Strict):
    """A clip of the dataset: a stretch of a sequence, resized."""

    id: str
    """Names its files and keys its random streams."""
    split: str
    sequence: str
    start: int
    """First frame in the sequence."""
    frames: int
    height: int
    width: int
    channels: int
    fps: float

    def info(self) -> ClipInfo:
        """What damage is drawn for."""
        return ClipInfo(frames=self.frames, height=self.height, width=self.width, channels=self.channels, id=self.id)


def plan(spec: Spec, source: Source) -> list[Clip]:
    """All clips of the dataset, in order.

    Raises:
        SpecError: A sequence is shorter than `clips.length`, or a split cannot be made.
        SourceError: Two sequences would give clips of the same name.
    """
    sequences = source.sequences()
    split_of = spec.split_of(sequence.id for sequence in sequences)
    clips: dict[str, Clip] = {}
    for sequence in sequences:
        if sequence.id not in split_of:
            continue
        length = spec.clips.length or sequence.frames
        if sequence.frames < length:
            raise SpecError(f"asks for {length} frames, sequence {sequence.id!r} has {sequence.frames}", "clips.length")
        height, width = spec.clips.size or (sequence.height, sequence.width)
        for start in range(0, sequence.frames - length + 1, spec.clips.stride or length):
            name = sequence.id.replace("/", "_") + (f"_{start:05d}" if spec.clips.length else "")
            if name in clips:
                raise SourceError(f"sequences {clips[name].sequence!r} and {sequence.id!r} both give clip {name!r}")
            clips[name] = Clip(
                id=name,
                split=split_of[sequence.id],
                sequence=sequence.id,
                start=start,
                frames=length,
                height=height,
                width=width,
                channels=1 if spec.color == "grey" else 3,
                fps=sequence.fps,
            )
    return spread(list(clips.values()), spec.clips.limit)


def spread(clips: list[Clip], limit: int | None) -> list[Clip]:
    """At most `limit` of the clips, at even distances."""
    if limit is None or limit >= len(clips):
        return clips
    return [clips[i * len(clips) // limit] for i in range(limit)]


def clean_frames(clip: Clip, source: Source, start: int, stop: int) -> Array:
    """Frames of the clip as the spec asks for them, resized and grey or not, (N, H, W, C) uint8."""
    frames = source.read(clip.sequence, clip.start + start, clip.start + stop)
    return np.stack([fit(frame, clip.height, clip.width, clip.channels) for frame in frames])


def fit(frame: Array, height: int, width: int, channels: int) -> Array:
    """A frame (H, W, 3) uint8, resized to cover the size and cut at its centre; Rec. 601 luma for one channel."""
    scale = max(height / frame.shape[0], width / frame.shape[1])
    if scale != 1:
        size = max(width, round(frame.shape[1] * scale)), max(height, round(frame.shape[0] * scale))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    frame = frame[top : top + height, left : left + width]
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None] if channels == 1 else frame


def pairs(
    clip: Clip, spec: Spec, source: Source, params: Any, start: int = 0, stop: int | None = None
) -> Iterator[tuple[Layer, Array, Array]]:
    """Renders frames `start` to `stop` of the clip, the whole clip if not given, chunk by chunk.

    Yields:
        The damaged layer, the ground truth (N, H, W, C), and the union mask (N, H, W, 1).
    """
    damage = spec.damage()
    group = damage.block_size(params)
    step = group * max(1, CHUNK_VALUES // (clip.height * clip.width * clip.channels * group))
    end = clip.frames if stop is None else stop
    for first in range(start, end, step):
        yield _chunk(clip, spec, source, damage, params, first, min(first + step, end))


def _chunk(
    clip: Clip, spec: Spec, source: Source, damage: Pipeline, params: Any, first: int, last: int
) -> tuple[Layer, Array, Array]:
    """What `pairs` yields; by itself, so that nothing of it is held while the next is made."""
    needed = damage.frames_needed(params, first, last)
    clean = as_clip(clean_frames(clip, source, *needed))
    layer = damage.render(clean, params, first, last)
    if spec.alignment == "original" and needed != (first, last):
        clean = as_clip(clean_frames(clip, source, first, last))
    target = sharpen(clean) if spec.target == "sharpened" else clean
    if spec.alignment == "aligned":
        target = damage.target(target, params, first, last)
    return layer, target, union(layer.masks, (last - first, clip.height, clip.width, 1))


def mask_to_uint8(mask: Array) -> Array:
    """Alpha as 8 bit, rounded up: a 0 on disk says that no contaminant touched the pixel."""
    return np.ceil(mask * np.float32(255)).astype(np.uint8)


def suffix(spec: Spec) -> str:
    """What a clip's pictures end on: nothing for a folder, or ``.mkv``."""
    return ".mkv" if spec.output.frames == "ffv1" else ""


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


def manifest(rows: list[dict[str, Any]]) -> bytes:
    """The manifest as CSV, sorted by split and clip."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: (row["split"], row["clip"])))
    return text.getvalue().encode()


def manifest_rows(table: bytes) -> list[dict[str, str]]:
    """The inverse of `manifest`; all values are text."""
    return list(csv.DictReader(io.StringIO(table.decode())))


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
