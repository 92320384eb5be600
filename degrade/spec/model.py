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

import hashlib
import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from degrade.core.composition import Composition, Ops
from degrade.core.errors import SpecError
from degrade.core.fields import Probability, Strict
from degrade.core.op import Op
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops.pipeline import Pipeline

Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
"""A name that is safe as a folder: letters, digits, ``_``, ``-`` and ``.``, not first."""

Positive = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=1, le=16384)]
Share = Annotated[float, Field(gt=0, le=1)]


class Clips(Strict):
    """How sequences are cut into clips."""

    length: Positive | None = None
    """Frames of a clip; the whole sequence if not given. What is left over at the end is not used."""
    stride: Positive | None = None
    """Frames from the start of one clip to the start of the next; `length` if not given."""
    size: tuple[Side, Side] | None = None
    """Height and width in pixels: frames are resized to cover it, then cut at the centre; else kept."""
    limit: Positive | None = None
    """At most so many clips, spread evenly over all."""


class Output(Strict):
    """What is written."""

    frames: Literal["png", "ffv1", "webdataset"] = "png"
    """A folder of PNG files for each clip, one lossless FFV1 video, or one tar shard with the PNG files of
    all kinds as WebDataset reads them."""
    masks: Literal["union", "layers", "none"] = "union"
    """One mask of all contaminants, also one for each op, or none."""


class Spec(Strict):
    """The complete definition of a dataset: footage, damage, target, splits, output."""

    name: Slug = "dataset"
    """Names the dataset, and its folder ``out/<name>`` if no other is given."""
    seed: Annotated[int, Field(ge=0)] = 0
    """The one integer that all randomness starts from."""
    source: str = "builtin:stills"
    """A folder of frames or videos, a video file, a picture, or ``builtin:stills``."""
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
    splits: dict[Slug, Share | tuple[str, ...]] = {"train": 1.0}
    """Each split's share of the sequences, or the sequences themselves by name or pattern (``val/*``).
    Patterns choose first; what they leave is shared out, or left out if no split has a share."""
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

    @model_validator(mode="after")
    def _stride_needs_length(self) -> "Spec":
        if self.clips.stride and not self.clips.length:
            raise SpecError("needs clips.length", "clips.stride")
        return self

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

    def resolved(self) -> dict[str, Any]:
        """Every value, defaults included, JSON-ready; `Spec(**resolved)` is the same spec."""
        return self.model_dump(mode="json", exclude_none=True)

    def digest(self) -> str:
        """SHA-256 of all that pixels depend on: the resolved spec without name, license and location of the source."""
        content = {k: v for k, v in self.resolved().items() if k not in ("name", "source", "license")}
        return hashlib.sha256(canonical(content)).hexdigest()

    def split_of(self, sequences: Iterable[str]) -> dict[str, str]:
        """The split of each sequence that has one; all clips of a sequence are in one split, so none leaks.

        Raises:
            SpecError: A pattern matches no sequence.
        """
        rest, split_of = sorted(sequences), {}
        for split, patterns in self.splits.items():
            if isinstance(patterns, float):
                continue
            for pattern in patterns:
                matched = [name for name in rest if fnmatchcase(name, pattern)]
                if not matched:
                    raise SpecError(f"{pattern!r} matches no sequence of the source", f"splits.{split}")
                split_of.update(dict.fromkeys(matched, split))
                rest = [name for name in rest if name not in split_of]
        shares = [(split, share) for split, share in self.splits.items() if isinstance(share, float)]
        rest.sort(key=lambda name: hashlib.sha256(f"{self.seed}:{name}".encode()).digest())
        start = 0.0
        for split, share in shares:
            end = start + share
            split_of.update(dict.fromkeys(rest[round(start * len(rest)) : round(end * len(rest))], split))
            start = end
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


def canonical(content: Any) -> bytes:
    """JSON bytes that are the same for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
