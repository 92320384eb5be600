"""A dataset on disk: where its files lie and what its keys are called. No other module composes these.

out/dataset.json                    name, resolved spec, spec hash, versions; written last
out/manifest.csv                    a row per clip: id, split, source, size, rate, what fired, hashes
out/train/{lq,gt,mask}/<clip>/      00000.png … (or .tif, .dpx), or <clip>.mkv
out/train/mask.<op>/<clip>/         the mask of one op, where asked for
out/train/shards/<clip>.tar         in place of these, for WebDataset
out/train/trace/<clip>.json         what was drawn, and the clip's row of the manifest

and for others, see `degrade.dataset.sharing`:

out/README.md, out/sheet.png        its card
out/meta_info_train.txt             a line per clip, for BasicSR and mmagic
out/train/metadata.csv              a row per frame or video, for Hugging Face
"""

import copy
import glob
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from degrade.core.errors import DatasetError, DegradeError, unknown
from degrade.core.types import Array, Damaged, Trace, as_8bit
from degrade.dataset.kinds import (
    DAMAGED,
    LAYER,
    MASK,
    SHARD,
    TARGET,
    TRACE,
    contaminants,
    frame_name,
    is_mask,
    is_member,
    layer,
)
from degrade.dataset.pairs import Pair, clean_frames, fit, render_pairs
from degrade.dataset.plan import Clip, plan
from degrade.dataset.records import ClipRecord, file_hash, parse_manifest, read_json
from degrade.dataset.stored import open_frames
from degrade.sources import Source
from degrade.sources.base import Depth, check_range
from degrade.sources.shards import member_names
from degrade.spec import Spec, parse
from degrade.storage import MANIFEST, RECORD, UNFINISHED, is_remote, locate, reaching
from degrade.writers.base import SUFFIXES, Pictures

BEGUN, LOCK = "spec.json", "lock"
"""In the folder of what is not finished."""
CARD, SHEET, LIST, TABLE = "README.md", "sheet.png", "meta_info_{}.txt", "metadata.csv"
"""What others read it by."""


class DatasetFolder:
    """A dataset that ``degrade generate`` has written, or is writing.

    Args:
        path: Its folder or URL.
        spec: What it is made from; read from its record if not given.
        source: Where the footage is now, if not where the spec says.

    Example:
        >>> dataset = DatasetFolder("out/reels")  # doctest: +SKIP
        >>> clip = next(iter(dataset.clips))  # doctest: +SKIP
        >>> dataset.read("lq", clip, 0, 8).shape  # doctest: +SKIP
        (8, 368, 640, 1)
    """

    def __init__(self, path: str | Path, spec: Spec | None = None, *, source: str | None = None) -> None:
        self.path = locate(path)
        self._source = source
        if spec:
            self.spec = spec

    def __repr__(self) -> str:
        return f"DatasetFolder({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """Its splits, and the frame in the middle of its first clip."""
        from degrade.core.display import html_picture, html_table, sheet  # for notebooks alone

        try:
            clips = list(self.clips.values())
            splits = {clip.split: [other for other in clips if other.split == clip.split] for clip in clips}
            rows = [(split, len(own), sum(clip.frames for clip in own)) for split, own in splits.items()]
            table = html_table([self.spec.name, "clips", "frames"], rows)
            if not clips:
                return table
            first, t = clips[0].id, clips[0].frames // 2
            row = [(f"{first}, frame {t}: {kind}", as_8bit(self.read(kind, first, t, t + 1)[0])) for kind in self.kinds]
            return table + html_picture(sheet([row]))
        except DegradeError as error:
            return html_table([], [(repr(self), error)])

    def __getstate__(self) -> dict[str, Any]:
        """Small: tables are read again where they are needed."""
        return {name: value for name, value in vars(self).items() if name not in ("clips", "planned")}

    # ---- what it holds ----

    def record(self) -> dict[str, Any]:
        """What it says of how it was made: name, spec, hashes, versions.

        Raises:
            DatasetError: There is no finished dataset, or its record is damaged.
        """
        with reaching(self.path):
            if not self.record_path.exists():
                state = "an unfinished dataset; go on with --resume" if self.unfinished.exists() else "no dataset"
                raise DatasetError(f"{self.path} holds {state}")
            content = read_json(self.record_path)
        if not isinstance(content, dict):
            raise DatasetError(f"{self.record_path}: damaged, not the record of a dataset")
        return content

    @cached_property
    def spec(self) -> Spec:
        """What it was made from.

        Raises:
            DatasetError: See `record`.
        """
        try:
            return parse(self.record()["spec"])
        except DatasetError:
            raise
        except (DegradeError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise DatasetError(f"{self.record_path}: damaged, not the record of a dataset") from error

    @cached_property
    def source(self) -> Source:
        """Its footage, where it is now."""
        return self.spec.footage(self._source)

    @cached_property
    def clips(self) -> dict[str, ClipRecord]:
        """Its clips by id, sorted by split.

        Raises:
            DatasetError: There is no finished dataset, or its manifest is damaged, or not the one that was written.
        """
        with reaching(self.path):
            if not self.manifest_path.is_file():
                raise DatasetError(f"{self.path} holds no finished dataset")
            table = self.manifest_path.read_bytes()
        if hashlib.sha256(table).hexdigest() != self.record().get("manifest_sha256"):
            raise DatasetError(f"{self.manifest_path}: changed (its SHA-256 is not that in {RECORD})")
        try:
            rows = parse_manifest(table)
        except ValueError as error:
            raise DatasetError(f"{self.manifest_path}: damaged, not a table of clips: {error}") from error
        for row in rows.values():
            if row.split not in self.spec.splits:
                which = unknown("split", row.split, self.spec.splits)
                raise DatasetError(f"{self.manifest_path}: clip {row.id!r}: {which}")
        return rows

    @cached_property
    def planned(self) -> dict[str, Clip]:
        """The clips that the source gives for the spec, by id."""
        return {clip.id: clip for clip in plan(self.spec, self.source)}

    @property
    def kinds(self) -> list[str]:
        """What each clip has beside the masks of single ops: ``lq``, ``gt`` and, if masks are written, ``mask``."""
        return [DAMAGED, TARGET] if self.spec.output.masks == "none" else [DAMAGED, TARGET, MASK]

    def trace(self, clip: str) -> Trace:
        """What was drawn for a clip.

        Raises:
            DatasetError: There is no such clip, or its trace is missing, damaged, or not the one that was written.
        """
        about = self._find(clip)
        path = self.trace_path(about)
        with reaching(self.path):
            content = read_json(path)
            digest = file_hash(path)
        try:
            trace = Trace.from_json(content["trace"])
        except (DegradeError, KeyError, TypeError, RecursionError) as error:
            raise DatasetError(f"{path}: holds no trace of a clip") from error
        if digest != about.trace_sha256 or trace.info != about.info():
            raise DatasetError(f"{path}: changed (it is not the trace of the manifest's clip {clip!r})")
        return trace

    def read(self, kind: str, clip: str, start: int = 0, stop: int | None = None) -> Array:
        """Frames of a clip as they were written.

        Args:
            kind: ``lq``, ``gt``, ``mask``, or ``mask.<op>``.
            clip: Its id.
            start: First frame.
            stop: The one after the last; to the end if not given.

        Returns:
            (N, H, W, C) uint8, or uint16 of a dataset of 16 bits; masks are uint8 and C is 1.

        Raises:
            DatasetError: There is no such clip, or what is there is not what the manifest says.
            SourceError: There are no such frames, or they are damaged.
        """
        return self.reader(kind, clip)(start, self._find(clip).frames if stop is None else stop)

    def layers(self, clip: str | ClipRecord) -> dict[str, str]:
        """The masks of single ops that a clip has, as kinds to `read`, by the labels of the contaminants that fired."""
        fired = (self._find(clip) if isinstance(clip, str) else clip).fired.split()
        own = set(contaminants(self.spec.damage())) if self.spec.output.masks == "layers" else set()
        return {label: layer(label) for label in fired if label in own}

    def reader(self, kind: str, clip: str) -> Callable[[int, int], Array]:
        """`read` for one kind of a clip, opened once for many windows."""
        return self.open(kind, self._find(clip))

    def open(self, kind: str, about: ClipRecord) -> Callable[[int, int], Array]:
        """`reader` for a clip by its row of the manifest, of a dataset that is not finished yet."""
        channels = 1 if is_mask(kind) else about.channels
        depth: Depth = 8 if is_mask(kind) else self.spec.output.depth
        path = self.shard_path(about) if self.in_shards else self.frames_path(kind, about)
        with reaching(self.path):
            mine = [name for name in member_names(path) if is_member(name, about.id, kind)] if self.in_shards else None
            frames = open_frames(path, about, mine, depth)

        def read(start: int, stop: int) -> Array:
            with reaching(self.path):
                return frames(start, stop)[..., :channels]

        return read

    # ---- what it can be made of again ----

    def replay(self, clip: str, frames: Array | None = None) -> Damaged:
        """Damages a clip again as its trace says; nothing is drawn.

        Args:
            clip: Its id.
            frames: Other footage of as many frames, (T, H, W, 3) uint8 or uint16, which is cut and resized as the
                clip was; or the clip's `read` of ``gt``. The clip's own source if not given.

        Raises:
            DatasetError: There is no such clip, or the source no longer gives it.
            SourceError: The footage is missing or damaged.
            SpecError: Another number of frames.
        """
        trace = self.trace(clip)
        if frames is None:
            planned = self._planned(clip)
            frames = clean_frames(planned, self.source, 0, planned.frames, self.spec.output.depth)
        size = trace.info.height, trace.info.width, trace.info.channels
        if frames.shape[1:] != size:
            frames = np.stack([fit(frame, *size) for frame in frames])
        return trace.replay(frames)

    def rerender(self, clip: str, start: int = 0, stop: int | None = None) -> Iterator[Pair]:
        """Frames of a clip from its source and its trace, chunk by chunk, so of any length; errors as of `replay`."""
        params, planned = self.spec.damage().load_params({"steps": self.trace(clip).steps}), self._planned(clip)
        check_range(clip, planned.frames, start, planned.frames if stop is None else stop)
        return render_pairs(planned, self.spec, self.source, params, start, stop, self.spec.output.masks)

    def _find(self, clip: str) -> ClipRecord:
        if clip not in self.clips:
            raise DatasetError(f"{self.path}: {unknown('clip', clip, self.clips)}")
        return self.clips[clip]

    def _planned(self, clip: str) -> Clip:
        if clip not in self.planned:
            raise DatasetError(f"{clip}: the source no longer gives this clip")
        return self.planned[clip]

    # ---- where it lies ----

    @property
    def record_path(self) -> Path:
        """Written last: its presence says that the dataset is finished."""
        return self.path / RECORD

    @property
    def manifest_path(self) -> Path:
        """The table of the clips."""
        return self.path / MANIFEST

    @property
    def unfinished(self) -> Path:
        """The folder of what is not finished; gone when the dataset is complete."""
        return self.path / UNFINISHED

    @property
    def begun_path(self) -> Path:
        """The record of a dataset that is being written."""
        return self.unfinished / BEGUN

    @property
    def lock_path(self) -> Path:
        """Locked by the run that is at work."""
        return self.unfinished / LOCK

    @property
    def card_path(self) -> Path:
        """What it is, for people and for the Hub."""
        return self.path / CARD

    @property
    def sheet_path(self) -> Path:
        """Some frames of a clip, for the card."""
        return self.path / SHEET

    def list_path(self, split: str) -> Path:
        """The clips of a split as BasicSR and mmagic list them."""
        return self.path / LIST.format(split)

    def table_path(self, split: str) -> Path:
        """The files of a split as Hugging Face's folders list them, beside what it names."""
        return self.split_path(split) / TABLE

    @property
    def in_pictures(self) -> bool:
        """Whether the frames of a clip are files in folders."""
        return self.spec.output.frames in SUFFIXES

    def frame_name(self, t: int) -> str:
        """The file of frame t in such a folder, or in a shard."""
        return frame_name(t, SUFFIXES[self.pictures])

    @property
    def pictures(self) -> Pictures:
        """The format of these files."""
        frames = self.spec.output.frames
        return "png" if frames == "ffv1" or frames == "webdataset" else frames

    @property
    def in_shards(self) -> bool:
        """Whether the frames of a clip are in one tar file."""
        return self.spec.output.frames == "webdataset"

    def split_path(self, split: str) -> Path:
        """The folder of a split."""
        return self.path / split

    def trace_path(self, clip: Clip | ClipRecord) -> Path:
        """The clip's trace; written last, its presence says that the clip is finished."""
        return self._path(TRACE, clip)

    def shard_path(self, clip: Clip | ClipRecord) -> Path:
        """The clip's frames of all kinds, where they are in shards."""
        return self._path(SHARD, clip)

    def frames_path(self, kind: str, clip: Clip | ClipRecord) -> Path:
        """The clip's frames of one kind: a folder, or a video."""
        return self._path(kind, clip)

    def mask_paths(self, clip: ClipRecord) -> list[Path]:
        """Where a clip's masks must be, and where other layers are, of ops that leave some though no `Contaminant`."""
        masks = {self.frames_path(kind, clip) for kind in self.kinds if is_mask(kind)}
        if self.spec.output.masks == "layers":
            masks |= {self.frames_path(kind, clip) for kind in self.layers(clip).values()}
            masks |= set(self.split_path(clip.split).glob(f"{LAYER}*/{glob.escape(self.file_name(MASK, clip.id))}"))
        return sorted(masks, key=lambda path: path.parent.name)

    def relative(self, path: Path) -> str:
        """A path inside the folder, for people."""
        return path.relative_to(self.path).as_posix()

    def placed(self, kinds: Iterable[str], clip: Clip, piece: Path) -> list[tuple[Path, Path]]:
        """Where the files of a clip lie in the folder `piece`, and where they belong; the trace comes last."""
        frames = [SHARD] if self.in_shards else list(kinds)
        return [(self.file_in(piece, kind), self._path(kind, clip)) for kind in (*frames, TRACE)]

    def file_in(self, piece: Path, kind: str) -> Path:
        """Where the frames of a kind lie in a folder that holds a part of a clip."""
        return piece / self.file_name(kind, kind)

    def shard_in(self, piece: Path) -> Path:
        """Where the shard of a clip lies in such a folder."""
        return self.file_in(piece, SHARD)

    def file_name(self, kind: str, name: str) -> str:
        """A file's or folder's name with the suffix that its kind has."""
        return name + {TRACE: ".json", SHARD: ".tar"}.get(kind, ".mkv" if self.spec.output.frames == "ffv1" else "")

    def _path(self, kind: str, clip: Clip | ClipRecord) -> Path:
        return self.path / clip.split / kind / self.file_name(kind, clip.id)

    def absolute(self) -> Self:
        """The same from wherever it is asked for."""
        other = copy.copy(self)
        other.path = self.path if is_remote(self.path) else self.path.absolute()
        return other
