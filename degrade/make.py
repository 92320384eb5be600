"""Makes clips of a dataset: what a worker does.

A clip is made beside the dataset, in one part or in several that different workers may make, and then moved
in. Since a frame depends on nothing but its number, the bytes are the same however it was divided.
"""

import functools
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from degrade.core.types import Array, fired, to_uint8
from degrade.dataset import (
    CHUNK_VALUES,
    Clip,
    file_hash,
    file_hashes,
    joint_hash,
    mask_to_uint8,
    pairs,
    stream_json,
    suffix,
)  # fmt: skip
from degrade.sources import Source
from degrade.spec import Spec
from degrade.storage import is_remote, move, reaching, remove
from degrade.writers import join, open_writer
from degrade.writers.shard import pack

WORK = ".generating"
"""Folder inside the output that holds what is not finished; gone when the dataset is complete."""

PART_VALUES = 4 * CHUNK_VALUES
"""Pixel values of a part: a fraction of a second, so that workers end together."""

Row = dict[str, Any]
"""A clip's row of the manifest."""


@dataclass(frozen=True)
class Part:
    """Frames `start` to `stop` of a clip."""

    clip: Clip
    start: int
    stop: int


@dataclass(frozen=True)
class Made:
    """A part that is on disk; `hashes` of its files by kind (``lq``, ``mask.dust``) and name."""

    part: Part
    hashes: dict[str, dict[str, bytes]]


@dataclass(frozen=True)
class Whole:
    """A clip of which all parts are made, or none."""

    clip: Clip
    made: tuple[Made, ...] = ()


Job = Part | Whole


def split(clip: Clip) -> list[Part]:
    """The clip in parts of about `PART_VALUES`, of nearly the same length."""
    values = clip.frames * clip.height * clip.width * clip.channels
    count = min(clip.frames, -(-values // PART_VALUES))
    bounds = [clip.frames * i // count for i in range(count + 1)]
    return [Part(clip, start, stop) for start, stop in itertools.pairwise(bounds)]


@dataclass
class Maker:
    """Makes the parts and clips of one dataset."""

    spec: Spec
    source: Source
    out: Path
    _drawn: tuple[Clip, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Maker, (self.spec, self.source, self.out)

    def __call__(self, job: Job) -> Made | Row:
        """Makes a part, or a whole clip, of which it returns the row of the manifest."""
        with _one_thread(), reaching(self.out):
            if isinstance(job, Part):
                return self.part(job)
            try:
                return self.whole(job)
            finally:
                remove(self._home(job.clip))

    def part(self, part: Part) -> Made:
        """Writes a part's frames beside the dataset."""
        folder = self._folder(part)
        remove(folder)
        with ExitStack() as stack:
            writers: dict[str, Any] = {}

            def write(kind: str, frames: Array) -> None:
                if kind not in writers:
                    path = folder / f"{kind}{suffix(self.spec)}"
                    writers[kind] = stack.enter_context(open_writer(path, part.clip.fps, part.start))
                for frame in frames:
                    writers[kind].write(frame)

            params = self._params(part.clip)
            for layer, target, mask in pairs(part.clip, self.spec, self.source, params, part.start, part.stop):
                write("lq", to_uint8(layer.frames))
                write("gt", to_uint8(target))
                if self.spec.output.masks != "none":
                    write("mask", mask_to_uint8(mask))
                if self.spec.output.masks == "layers":
                    for label, alpha in layer.masks.items():
                        write(f"mask.{label.replace('/', '.')}", mask_to_uint8(alpha))
                del layer, target, mask  # before the next are made
        return Made(part, {kind: file_hashes(writer.path) for kind, writer in writers.items()})

    def whole(self, job: Whole) -> Row:
        """Moves a clip into the dataset; its trace, moved last, marks it complete."""
        clip = job.clip
        made = sorted(job.made or [self.part(Part(clip, 0, clip.frames))], key=lambda one: one.part.start)
        home, kinds = self._folder(made[0].part), sorted(made[0].hashes)
        hashes = {kind: self._join(kind, made) if len(made) > 1 else made[0].hashes[kind] for kind in kinds}
        row = {
            **clip.model_dump(exclude={"id", "fps"}),
            "clip": clip.id,
            "fired": " ".join(fired(self._params(clip).steps)),
            "source_sha256": _fingerprint(self.source, clip.sequence),
            "lq_sha256": joint_hash(hashes["lq"]),
            "gt_sha256": joint_hash(hashes["gt"]),
            "mask_sha256": joint_hash(*(hashes[kind] for kind in kinds if kind.startswith("mask"))),
        }
        pipeline = [op.to_spec() for op in self.spec.damage().ops]
        trace = {"clip": clip.info().model_dump(), "pipeline": pipeline, "steps": self._params(clip).steps}
        with (home / "trace.json").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(stream_json({"row": row, "trace": trace}))
            file.write("\n")
        row["trace_sha256"] = file_hash(home / "trace.json")
        files = [(kind, suffix(self.spec)) for kind in kinds]
        if self.spec.output.frames == "webdataset":
            with (home / "shards.tar").open("wb") as shard:
                pack({kind: home / kind for kind in kinds}, clip.id, shard)
            files = [("shards", ".tar")]
        for kind, end in [*files, ("trace", ".json")]:
            move(home / f"{kind}{end}", self.out / clip.split / kind / f"{clip.id}{end}")
        return row

    def _join(self, kind: str, made: list[Made]) -> dict[str, bytes]:
        """One piece of all, where the first was; its files' hashes."""
        name = f"{kind}{suffix(self.spec)}"
        pieces = [self._folder(one.part) / name for one in made]
        joined = pieces[0].with_name(f"joined-{name}")
        join(pieces, joined, made[0].part.clip.fps)
        joined.replace(pieces[0])
        if joined.suffix:
            return file_hashes(pieces[0])
        return {file: content for one in made for file, content in one.hashes[kind].items()}

    def _home(self, clip: Clip) -> Path:
        """For what of a clip is not finished: inside the output, or on this machine if that is at a URL."""
        if is_remote(self.out):
            return Path(tempfile.gettempdir(), f"degrade-{os.getpid()}-{clip.id}")
        return self.out / WORK / clip.id

    def _folder(self, part: Part) -> Path:
        return self._home(part.clip) / f"{part.start:05d}"

    def _params(self, clip: Clip) -> Any:
        """What is drawn for the clip; kept for its next part."""
        if self._drawn is None or self._drawn[0] != clip:
            self._drawn = clip, self.spec.damage().draw(clip.info(), self.spec.seed)
        return self._drawn[1]


@functools.lru_cache(maxsize=64)
def _fingerprint(source: Source, sequence: str) -> str:
    """Hashed once for all clips that are cut from the sequence."""
    return source.fingerprint(sequence)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
