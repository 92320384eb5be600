"""A spec: one YAML file that defines a dataset completely.

name: demo
seed: 7
source: builtin:stills
clips: {length: 24, size: [256, 384]}
color: grey
preset: film-medium
override:
  dust: {per_frame: [1, 4]}
splits: {train: 0.8, val: 0.2}
"""

import bisect
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from degrade.core.composition import Composition, Ops, all_labels, flat, labels
from degrade.core.errors import SpecError, shown
from degrade.core.fields import Probability, Settings
from degrade.core.op import Op
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo, Masks
from degrade.ops import registry
from degrade.ops.at_scale import AtScale
from degrade.ops.pipeline import Pipeline

if TYPE_CHECKING:
    from degrade.sources import Source

Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
"""A name that is safe as a folder: letters, digits, ``_``, ``-`` and ``.``, not first."""

Positive = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=1, le=16384)]
Share = Annotated[float, Field(gt=0, le=1)]
LONGEST_LABEL = 200
"""Characters of an op's label, which names the folders and files of its masks."""
LARGEST_SCALE = 4
"""Of ops within each other that work at another size."""
FILES = (".json", ".csv", ".jsonl", ".md", ".txt", ".yaml", ".lock", ".part")
"""Suffixes of files that lie, or may come to lie, beside the folders of the splits."""


def _share_or_names(value: Any) -> Any:
    share = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
    if share or (isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)):
        return value
    raise ValueError(
        f"must be a share of the sequences, above 0 and up to 1, or a list of their names, got {shown(value)}"
    )


def _is_text(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("a spec holds UTF-8, which this name is not; go into the folder, and name it '.'")
    return value


Part = Annotated[Share | tuple[str, ...], BeforeValidator(_share_or_names)]


class Clips(Settings):
    """How sequences are cut into clips."""

    length: Positive | None = None
    """Frames of a clip; the whole sequence if not given. What is left over at the end is not used."""
    stride: Positive | None = None
    """Frames from the start of one clip to the start of the next; `length` if not given."""
    size: tuple[Side, Side] | None = None
    """Height and width in pixels: frames are resized to cover it, then cut at the centre; else kept."""
    limit: Positive | None = None
    """At most so many clips, spread evenly over all."""


class Output(Settings):
    """What is written."""

    frames: Literal["png", "tiff", "dpx", "ffv1", "webdataset"] = "png"
    """A folder of PNG, TIFF or DPX files for each clip, one lossless FFV1 video, or one tar shard with the PNG files
    of all kinds as WebDataset reads them."""
    masks: Masks = "union"
    """One mask of all contaminants, also one for each op, or none."""
    depth: Literal[8, 16] = 8
    """Bits of a value of ``lq`` and ``gt``. With 16, footage is read in its full depth. Masks have 8."""

    @model_serializer(mode="wrap")
    def _without_8(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is as it was before there were 16 bits has the digest that it had."""
        content: dict[str, Any] = write(self)
        if content.get("depth") == 8:
            del content["depth"]
        return content


class Spec(Settings):
    """The complete definition of a dataset: footage, damage, target, splits, output."""

    name: Slug = "dataset"
    """Names the dataset, and its folder ``out/<name>`` if no other is given."""
    seed: Annotated[int, Field(ge=0)] = 0
    """The one integer that all randomness starts from."""
    source: Annotated[Annotated[str, Field(max_length=4096)], BeforeValidator(_is_text)] = "builtin:stills"
    """A folder of frames or videos, a video file, a picture, ``builtin:stills`` or ``builtin:lookalikes``."""
    on_damaged: Literal["error", "repeat", "skip"] | None = None
    """What is done where frames of the footage are damaged: stop (if not given), repeat the frame before, or skip them.
    The manifest says which frames these were."""
    curve: Literal["cineon"] | None = None
    """By which the footage's densities, as film scanners store them, become display values; taken as stored if not
    given."""
    deinterlace: Literal["none", "bwdif", "telecine"] | None = None
    """What is done with the fields of videos: nothing (if not given), ``bwdif`` makes a frame of each two, ``telecine``
    finds the film again that runs at 24 frames in 30."""
    lookalikes: bool | None = None
    """Whether each sequence comes once with each kind of content in front that looks like damage and is none: snow,
    wires, subtitles; ``dog`` becomes ``dog_snow`` and so on. ``builtin:lookalikes`` has them by itself."""
    clips: Clips = Clips()
    """How sequences are cut into clips."""
    color: Literal["grey", "rgb"] = "rgb"
    """Grey is Rec. 601 luma."""
    target: Literal["clean", "sharpened"] = "clean"
    """Ground truth: the clean frames, or these sharpened as RTN's authors do."""
    alignment: Literal["aligned", "original"] = "aligned"
    """Whether the ground truth moves with ops that move the picture (weave) and shows the frames that they show
    (pulldown), or stays where and when it was."""
    pipeline: Ops
    """The ops, in order."""
    severity: Probability | None = None
    """From 0, clean, to 1, the pipeline as it stands: defects keep their places and fade, blur, noise and the like
    shrink in proportion. As 1 if not given."""
    splits: dict[Slug, Part] = {"train": 1.0}
    """Each split's share of the sequences, or the sequences themselves by name or pattern (``val/*``).
    Patterns choose first; of what they leave each sequence draws its split by the shares, or is left out if there are
    none. Name and seed alone say what it draws: neither the order here nor sequences that are added move it."""
    output: Output = Output()
    """What is written."""
    license: Annotated[str, Field(pattern=r"^\S[^\r\n]*$", max_length=200)] | None = None
    """The footage's, for the dataset's card: an identifier of Hugging Face's Hub (``cc-by-4.0``), or any one line."""

    @field_validator("splits")
    @classmethod
    def _adds_up(cls, splits: dict[str, Any]) -> dict[str, Any]:
        shares = [share for share in splits.values() if isinstance(share, float)]
        if not splits or (shares and abs(sum(shares) - 1) > 1e-6):
            raise ValueError(f"shares must add up to 1, got {splits}")
        return splits

    @field_validator("splits")
    @classmethod
    def _are_folders(cls, splits: dict[str, Any]) -> dict[str, Any]:
        folders: dict[str, str] = {}
        for split in splits:
            if split.lower().endswith(FILES):
                raise ValueError(f"{split!r} is the name of a file; a split is a folder")
            if other := folders.get(split.lower()):
                raise ValueError(f"{other!r} and {split!r} are one folder where disks take a for A")
            folders[split.lower()] = split
        return splits

    @model_validator(mode="after")
    def _labels_are_folders(self) -> "Spec":
        folders: dict[str, str] = {}
        for label in all_labels(self.pipeline):
            folder = flat(label).lower()
            if other := folders.get(folder):
                raise SpecError(f"the masks of {other!r} and {label!r} would be one folder; change an id", "pipeline")
            if len(folder) > LONGEST_LABEL:
                raise SpecError(f"the label {shown(label)} is longer than {LONGEST_LABEL} characters", "pipeline")
            folders[folder] = label
        return self

    @model_validator(mode="after")
    def _enlarges_within_bounds(self) -> "Spec":
        _check_enlargement(self.pipeline, 1)
        return self

    @model_validator(mode="after")
    def _stride_needs_length(self) -> "Spec":
        if self.clips.stride and not self.clips.length:
            raise SpecError("needs clips.length", "clips.stride")
        return self

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What is not at its default; of the ops their labels."""
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name == "pipeline":
                yield name, labels(value)
            elif value != field.get_default(call_default_factory=True):
                yield name, value

    def _repr_html_(self) -> str:
        from degrade.core.display import html_table  # for notebooks alone

        rows = [(name, value) for name, value in self.resolved().items() if name != "pipeline"]
        return html_table([], rows) + Pipeline(self.pipeline)._repr_html_()

    def damage(self) -> Pipeline:
        """The pipeline, at the severity."""
        whole = Pipeline(self.pipeline)
        return whole if self.severity is None else whole.at_severity(self.severity)

    def dry_run(self, info: ClipInfo) -> None:
        """Draws every op for a frame of a clip, also those that would not fire, and throws it away.

        Raises:
            SpecError, SourceError: What only a draw finds: a pack that is missing, a group that it does not have.
        """
        damage = self.damage()
        damage.files()
        _dry_run(damage.ops, info.model_copy(update={"frames": 1}), "pipeline")

    def versions(self) -> dict[str, str]:
        """Of the packages, other than this project, that the ops come from."""
        return _versions(self.pipeline)

    def resolved(self) -> dict[str, Any]:
        """Every value, defaults included, JSON-ready; `Spec(**resolved)` is the same spec."""
        return self.model_dump(mode="json", exclude_none=True)

    def footage(self, source: str | Path | None = None) -> "Source":
        """Opens the footage.

        Args:
            source: Where it lies now, if not where the spec says.

        Raises:
            SourceError: See `open_source`.
        """
        from degrade.sources import open_source  # and with it what reads videos

        opened = open_source(source or self.source, self.on_damaged, self.curve, self.deinterlace)
        if not self.lookalikes:
            return opened
        from degrade.sources.lookalikes import Lookalikes

        return Lookalikes(opened)

    def digest(self) -> str:
        """SHA-256 of all that pixels depend on: the resolved spec without name, license and location of the source."""
        content = {k: v for k, v in self.resolved().items() if k not in ("name", "source", "license")}
        return hashlib.sha256(canonical(content)).hexdigest()

    def split_of(self, sequences: Iterable[str]) -> dict[str, str]:
        """The split of each sequence that has one; all clips of a sequence are in one split, so none leaks.

        Raises:
            SpecError: A pattern matches no sequence, or two splits ask for the same one.
        """
        names, split_of = sorted(sequences), dict[str, str]()
        for split, patterns in self.splits.items():
            for pattern in () if isinstance(patterns, float) else patterns:
                matched = [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
                if not matched:
                    raise SpecError(f"{pattern!r} matches no sequence of the source", f"splits.{split}")
                for name in matched:
                    if (other := split_of.setdefault(name, split)) != split:
                        rest = f"a share, {other}: 1.0, takes what patterns leave"
                        raise SpecError(f"{pattern!r} matches {name!r}, which {other!r} has; {rest}", f"splits.{split}")
        shares = sorted((split, share) for split, share in self.splits.items() if isinstance(share, float))
        bounds = list(itertools.accumulate(share for _, share in shares))
        for name in names if shares else ():
            digest = hashlib.sha256(f"{self.seed}:{name}".encode()).digest()
            drawn = bisect.bisect(bounds[:-1], int.from_bytes(digest[:8]) / 2**64)
            split_of.setdefault(name, shares[drawn][0])
        return split_of


def _dry_run(ops: Iterable[Op], info: ClipInfo, where: str) -> None:
    for i, op in enumerate(ops):
        place = f"{where}[{i}].{op.name()}"
        if isinstance(op, Composition):
            _dry_run(op.ops, info, f"{place}.ops")
        try:
            op.sample(info, Stream(0, info.id))
        except SpecError as error:
            raise error.within(place) from None


def _versions(ops: Iterable[Op]) -> dict[str, str]:
    found: dict[str, str] = {}
    for op in ops:
        found |= registry.version_of(type(op))
        if isinstance(op, Composition):
            found |= _versions(op.ops)
    return found


def _check_enlargement(ops: Iterable[Op], scale: float) -> None:
    """Refuses ops that enlarge within others beyond what one may: each multiplies the pixels."""
    for op in ops:
        inner = scale
        if isinstance(op, AtScale):
            inner *= max(1, *(high for _, high in op.scales))
        if inner > LARGEST_SCALE:
            raise SpecError(f"at_scale within at_scale enlarges {inner:g} times; at most {LARGEST_SCALE}", "pipeline")
        if isinstance(op, Composition):
            _check_enlargement(op.ops, inner)
        if op.wraps_remaining:
            scale = inner


def canonical(content: Any) -> bytes:
    """JSON bytes that are the same for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
