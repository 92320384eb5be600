"""Makes clips of a dataset: what a worker does.

A clip is made beside the dataset, in one part or in several that different workers may make, and then moved
in. Since a frame depends on nothing but its number, the bytes are the same however it was divided.
"""

import functools
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degrade.core.threads import one_thread
from degrade.core.types import fired
from degrade.dataset.kinds import DAMAGED, TARGET, encode, is_mask, member
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.pairs import CHUNK_VALUES, render_pairs
from degrade.dataset.plan import Clip
from degrade.dataset.records import ClipRecord, file_hashes, joint_hash
from degrade.dataset.traces import write_trace
from degrade.sources import Source
from degrade.storage import is_remote, move, reaching, remove
from degrade.writers import Writer, join, open_writer, shard

PART_VALUES = 4 * CHUNK_VALUES
"""Pixel values of a part: a fraction of a second, so that workers end together."""


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
class Worker:
    """Makes the parts and clips of one dataset."""

    folder: DatasetFolder
    _drawn: tuple[Clip, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Worker, (self.folder,)

    def __call__(self, job: Job) -> Made | ClipRecord:
        """Makes a part, or a whole clip, of which it returns the row of the manifest."""
        with one_thread(), reaching(self.folder.path):
            if isinstance(job, Part):
                return self.part(job)
            try:
                return self.whole(job)
            finally:
                remove(self._home(job.clip))

    def part(self, part: Part) -> Made:
        """Writes a part's frames beside the dataset."""
        piece = self._piece(part)
        remove(piece)
        with ExitStack() as stack:
            writers: dict[str, Writer] = {}
            params = self._params(part.clip)
            spec, output = self.folder.spec, self.folder.spec.output
            pairs = render_pairs(part.clip, spec, self.folder.source, params, part.start, part.stop, output.masks)
            for pair in pairs:
                for kind, frames in encode(pair, output.masks, output.depth):
                    if kind not in writers:
                        path, about = self.folder.file_in(piece, kind), part.clip.stream()
                        writer = open_writer(path, first=part.start, stream=about, pictures=self.folder.pictures)
                        writers[kind] = stack.enter_context(writer)
                    for frame in frames:
                        writers[kind].write(frame)
                del pair, frames  # before the next are made
        return Made(part, {kind: file_hashes(writer.path) for kind, writer in writers.items()})

    def whole(self, job: Whole) -> ClipRecord:
        """Moves a clip into the dataset; its trace, moved last, marks it complete."""
        clip = job.clip
        made = sorted(job.made or [self.part(Part(clip, 0, clip.frames))], key=lambda one: one.part.start)
        piece, kinds = self._piece(made[0].part), sorted(made[0].hashes)
        hashes = {kind: self._join(kind, made) if len(made) > 1 else made[0].hashes[kind] for kind in kinds}
        params = self._params(clip)
        row = {
            **clip.model_dump(exclude={"id", "aspect"}),
            "clip": clip.id,
            "fired": " ".join(fired(params.steps)),
            "source_sha256": fingerprint(self.folder.source, clip.sequence),
            "lq_sha256": joint_hash(hashes[DAMAGED]),
            "gt_sha256": joint_hash(hashes[TARGET]),
            "mask_sha256": joint_hash(*(hashes[kind] for kind in kinds if is_mask(kind))),
        }
        record = write_trace(self.folder, piece, clip, row, params)
        if self.folder.in_shards:
            with self.folder.shard_in(piece).open("wb") as file:
                shard.write(self._members(clip, piece, kinds), file)
        for here, there in self.folder.placed(kinds, clip, piece):
            move(here, there)
        return record

    def _members(self, clip: Clip, piece: Path, kinds: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Names and contents of all frames of a clip in its shard, frame after frame."""
        for t in range(clip.frames):
            for kind in kinds:
                yield (
                    member(clip.id, t, kind),
                    (self.folder.file_in(piece, kind) / self.folder.frame_name(t)).read_bytes(),
                )

    def _join(self, kind: str, made: list[Made]) -> dict[str, bytes]:
        """One piece of all, where the first was; its files' hashes."""
        pieces = [self.folder.file_in(self._piece(one.part), kind) for one in made]
        joined = pieces[0].with_name(f"joined-{pieces[0].name}")
        join(pieces, joined, made[0].part.clip.stream())
        joined.replace(pieces[0])
        if joined.suffix:
            return file_hashes(pieces[0])
        return {file: content for one in made for file, content in one.hashes[kind].items()}

    def _home(self, clip: Clip) -> Path:
        """For what of a clip is not finished: inside the output, or on this machine if that is at a URL."""
        if is_remote(self.folder.path):
            return Path(tempfile.gettempdir(), f"degrade-{os.getpid()}-{clip.id}")
        return self.folder.unfinished / clip.id

    def _piece(self, part: Part) -> Path:
        return self._home(part.clip) / f"{part.start:05d}"

    def _params(self, clip: Clip) -> Any:
        """What is drawn for the clip; kept for its next part."""
        drawn = self._drawn  # which other threads of this process may change
        if drawn is None or drawn[0] != clip:
            drawn = self._drawn = clip, self.folder.spec.damage().draw(clip.info(), self.folder.spec.seed)
        return drawn[1]


@functools.lru_cache(maxsize=64)
def fingerprint(source: Source, sequence: str) -> str:
    """SHA-256 of a sequence, hashed once for all clips that are cut from it."""
    return source.fingerprint(sequence)
