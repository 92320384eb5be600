"""The spec: one YAML file that says all there is to a dataset.

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

import contextlib
import hashlib
import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, field_validator, model_validator

from degrade import presets
from degrade.core.assignment import parse_assignment
from degrade.core.composition import Composition, Ops, labels, parse_op
from degrade.core.errors import SpecError, unknown
from degrade.core.fields import Probability, Strict
from degrade.core.op import Op
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops import registry
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
    """A dataset, wholly: footage, damage, target, splits, output."""

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
        """SHA-256 of all that pixels depend on: the resolved spec without name and location of the source."""
        content = {k: v for k, v in self.resolved().items() if k not in ("name", "source")}
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


def load_spec(
    path: Path | None = None,
    *,
    preset: str | None = None,
    changes: Iterable[str] = (),
    **fields: Any,
) -> Spec:
    """Reads a spec and applies what a command line says.

    Args:
        path: YAML file; without one the defaults, which need a `preset`.
        preset: Replaces the file's pipeline.
        changes: ``key=value`` with dots into the spec: ``clips.length=8``, ``pipeline.dust.per_frame=[1,4]``
            (an op by its label); the value is YAML.
        **fields: Whole fields that are not None: ``seed=3``.

    Raises:
        SpecError: The file is missing or no mapping, or a value is not allowed.
    """
    raw = read_yaml(path) if path else {}
    if path and "name" not in raw:
        raw["name"] = path.stem
    if preset:
        raw = {k: v for k, v in raw.items() if k not in ("pipeline", "preset", "override")} | {"preset": preset}
    raw |= {key: value for key, value in fields.items() if value is not None}
    _expand_preset(raw)
    for change in changes:
        set_value(raw, change)
    return parse(raw)


def parse(raw: dict[str, Any]) -> Spec:
    """A spec from plain data, with the place of the first error in it."""
    raw = dict(raw)
    _expand_preset(raw)
    try:  # first, so that its errors name `pipeline[2]`
        raw["pipeline"] = Pipeline(ops=raw["pipeline"]).ops
    except SpecError as error:
        raise SpecError(error.message, error.where.replace("pipeline.ops", "pipeline", 1)) from None
    return Spec(**raw)


def set_value(raw: dict[str, Any], change: str) -> None:
    """Sets what ``key=value`` says, see `load_spec`.

    Raises:
        SpecError: Not of that form, the value is not YAML, or the key leads through something that is no mapping.
    """
    key, value = parse_assignment(change)
    _set(raw, key.split("."), value)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        SpecError: The file is missing, not YAML, or holds something else.
    """
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"cannot be read: {getattr(error, 'strerror', None) or 'not a text file'}", str(path)
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise SpecError(f"is not YAML: {getattr(error, 'problem', error)}", place) from error
    return mapping(raw, str(path))


def mapping(raw: Any, where: str) -> dict[str, Any]:
    """`raw` itself, if it is a mapping whose keys are words; SpecError if not."""
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise SpecError(f"must be a mapping of keys to values, got {type(raw).__name__}", where)
    return raw


def _expand_preset(raw: dict[str, Any]) -> None:
    preset, override = raw.pop("preset", None), raw.pop("override", None) or {}
    if preset is None:
        if "pipeline" not in raw:
            raise SpecError(f"give a pipeline or a preset ({', '.join(presets.names())})", "pipeline")
    elif "pipeline" in raw:
        raise SpecError("give either a preset or a pipeline", "preset")
    else:
        raw["pipeline"] = presets.read(preset)
    if not isinstance(override, dict):
        raise SpecError(f"must map ops to parameters, got {override!r:.80}", "override")
    for label, parameters in override.items():
        if not isinstance(parameters, dict):
            raise SpecError(f"must map parameters to values, got {parameters!r:.80}", f"override.{label}")
        for key, value in parameters.items():
            _set(raw, ["pipeline", str(label), key], value)


def _set(raw: Any, keys: list[str], value: Any) -> None:
    """Sets a nested value; a list of ops is entered by label (``contaminant/texture`` for inner ops)."""
    node = raw
    for depth, key in enumerate(keys[:-1]):
        where = ".".join(keys[: depth + 1])
        node = _op_parameters(node, key, where) if isinstance(node, list) else node.setdefault(key, {})
        if not isinstance(node, dict | list):
            raise SpecError(f"holds a value, not keys: {node!r:.80}", where)
    if isinstance(node, list):
        raise SpecError("name a parameter of the op as well", ".".join(keys))
    node[keys[-1]] = value


def _op_parameters(ops: list[Any], label: str, where: str) -> dict[str, Any]:
    """The parameters, to be changed in place, of the op in `ops` with that label."""
    outer, _, inner = label.partition("/")
    named = labels([parse_op(op) for op in ops])
    if outer not in named:
        raise SpecError(unknown("op", outer, named), where)
    index = named.index(outer)
    if isinstance(ops[index], str):
        ops[index] = {ops[index]: {}}
    name = next(iter(ops[index]))
    parameters = ops[index][name] = dict(ops[index][name] or {})
    if not inner:
        return parameters
    parameters["ops"] = list(parameters.get("ops", []))
    return _op_parameters(parameters["ops"], inner, where)


def _loadable() -> dict[str, type[Op]]:
    """Every op by name, but for another package's that is broken: the others have their schema without it."""
    ops = {}
    for name in registry.names():
        with contextlib.suppress(SpecError):
            ops[name] = registry.get(name)
    return ops


def schema() -> dict[str, Any]:
    """The JSON schema of a spec file, every op included, for editors to complete and check."""
    definitions: dict[str, Any] = {}

    def of(model: type[Strict]) -> dict[str, Any]:
        one = model.model_json_schema()
        definitions.update(one.pop("$defs", {}))
        return one

    ops = _loadable()
    choices: list[dict[str, Any]] = [{"enum": list(ops)}]
    for name, op in ops.items():
        one = of(op)
        if "ops" in one["properties"]:
            one["properties"]["ops"]["items"] = {"$ref": "#/$defs/op"}
        definitions[f"op-{name}"] = {"anyOf": [one, {"type": "null"}]}
        choices.append(
            {
                "type": "object",
                "description": one.get("description", ""),
                "properties": {name: {"$ref": f"#/$defs/op-{name}"}},
                "required": [name],
                "additionalProperties": False,
            }
        )
    definitions["op"] = {"anyOf": choices}
    top = of(Spec)
    top["properties"]["pipeline"]["items"] = {"$ref": "#/$defs/op"}
    top["properties"] |= {
        "preset": {"enum": presets.names(), "description": "A ready pipeline, in place of `pipeline`."},
        "override": {"type": "object", "description": "Parameters of the preset's ops, by label."},
    }
    top.pop("required", None)
    top["oneOf"] = [{"required": ["pipeline"]}, {"required": ["preset"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}
