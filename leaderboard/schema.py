"""The schema of a result file: one model's scores on one task, and their provenance.

A result is JSON, schema version 2. A score that is not defined (PSNR inside the damage of a clip without
damage) is ``null``. Scores are finite: the PSNR of identical frames is 100 dB, as the metric says.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from degrade.core import atomic
from degrade.core.errors import DegradeError
from degrade.core.fields import Strict
from degrade.spec.model import Slug

VERSION: Literal[2] = 2


class ResultError(DegradeError):
    """A result file that is missing, damaged, of another schema, or does not belong in the table with the others."""


def _undefined(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _inside(name: str) -> str:
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name):
        raise ValueError(f"{name!r:.80} leads out of the folder of strips")
    return name


def _depth(content: Any) -> int:
    """Of lists and mappings in each other, counted to one more than `DEEPEST`."""
    depth, level = 0, [content]
    while depth <= DEEPEST and (level := [one for one in level if isinstance(one, dict | list)]):
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


DEEPEST = 100
MOST = 1e12
"""No score or amount is greater; means and differences of what is allowed stay finite."""
LONGEST = 100
"""Bytes of `Result.id`; file systems allow 255 to a name."""
Score = Annotated[Annotated[float, Field(strict=True, ge=-MOST, le=MOST)] | None, BeforeValidator(_undefined)]
"""NaN, which metrics return where they are not defined, becomes None."""
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=MOST)]
Amount = Annotated[float, Field(ge=0, le=MOST)]


class Model(Strict):
    """Who was scored."""

    name: str = Field(min_length=1)
    """Name in the registry of models; of one given by its file, ``<file>.<class>``."""
    title: str = ""
    """Name for people; empty: `name`."""
    summary: str = ""
    """What it does, in one line."""
    paper: str = ""
    """The paper or method that it follows."""
    licence: str = ""
    """Of the code."""
    baseline: bool = False
    """Whether the task counts it among the baselines, which the others are tested against."""
    parameters: Count = 0
    """Trainable numbers; 0: nothing to learn."""
    weights: str = Field("none", min_length=1)
    """``none``, ``bundled``, ``scratch`` or ``fine-tuned`` (trained in this run), or the name of a weights file."""
    weights_sha256: Hash | None = None
    weights_licence: str = ""
    """Of weights that were not trained in this run."""
    config: dict[str, JsonValue] = {}
    """The arguments that it was built with."""
    settings: dict[str, JsonValue] = {}
    """Those of them that were asked for by name, ``{"strength": 2}``: they tell it from the same model without."""
    true_masks: bool = False
    """Whether it was told where the damage is: an upper bound, which has no rank."""
    restorer: "Model | None" = None
    """In colour tasks, what restored the film before; `name` names both."""

    @property
    def about(self) -> str:
        """The summary, after that of the restorer."""
        return "; then ".join(part.summary for part in (self.restorer, self) if part and part.summary)

    @property
    def id(self) -> str:
        """Name for files: ``rtn-bundled``."""
        return result_id(self.name, self.weights, self.true_masks, self.settings)


class ClipScores(Strict):
    """The scores of one clip."""

    clip: Annotated[str, Field(min_length=1), AfterValidator(_inside)]
    sequence: str = Field(min_length=1)
    """What it was cut from; the clips of one sequence are no independent measurements."""
    severity: Annotated[float, Field(ge=0, le=1)] | None = None
    """Of the damage, in tasks that score each clip at several; the clips of one sequence then share its damage."""
    damage: tuple[str, ...] = ()
    """Labels of the ops that fired."""
    metrics: dict[str, Score]
    """By the metric's name; the task's main metric first."""
    psnr_over_time: tuple[Score, ...] = ()
    """PSNR of each frame, dB."""
    key_distances: tuple[Count, ...] = ()
    """In colour tasks, of each frame to the nearest key frame, in frames; 0 is a key frame."""
    main_over_time: tuple[Score, ...] = ()
    """In colour tasks, the main metric of each frame."""
    references: dict[str, dict[str, Score]] = {}
    """Scores that are not the model's, to read its own beside: ``{"input": {"e_warp": …}, "target": …}``."""
    kinds: dict[str, dict[str, Score]] = {}
    """Scores on one kind of damage alone: ``{"dust": {"psnr_inside": …}}``."""


class Run(Strict):
    """How the scores were made."""

    device: str
    seconds: Amount | None = None
    """Of restoring all clips, reading and writing included; None of frames that were made elsewhere."""
    seconds_per_frame: Amount | None = None
    """Of the model alone."""
    peak_memory_mib: Amount | None = None
    """Of the device's memory; on a CPU of the whole process, libraries included."""
    versions: dict[str, str] = {}
    """Of the packages that matter."""


class CurvePoint(Strict):
    """Where a training stood."""

    step: Count
    loss: float | None = None
    psnr: float | None = None
    """On the validation clips, dB."""


class Training(Strict):
    """How the weights were made."""

    steps: Count
    seconds: Amount
    recipe: dict[str, JsonValue] = {}
    curve: tuple[CurvePoint, ...] = ()


class Provenance(Strict):
    """What the authors of an entry say of it."""

    commit: str = Field(pattern=r"^[0-9a-f]{7,64}$")
    """Of the model's code; or the SHA-256 of its file."""
    hardware: str = Field(min_length=1)
    """That the frames were restored on."""
    training_data: str = Field(min_length=1)
    """``none`` of a model that learns nothing."""
    scored_clips_seen: bool
    """Whether clips that the task scores, or others of their footage, were seen in training; it has no rank then."""
    frames_sha256: dict[str, Hash] = Field(min_length=1)
    """By clip, of the restored frames: 8 bit, (T, H, W, C)."""


class Result(Strict):
    """One model's scores on one task."""

    schema_version: Literal[2] = VERSION
    task: Slug
    """Name with version: ``quick-v4``. Names the folder of its results and its page."""
    task_sha256: Hash
    """Of all that the task fixes (`Task.digest`), however its file is written and wherever the footage lies."""
    data_sha256: Hash
    """Of the pixels of the clips that were scored: damaged, clean and mask."""
    model: Model
    clips: tuple[ClipScores, ...] = Field(min_length=1)
    run: Run
    training: Training | None = None
    provenance: Provenance | None = None
    """Of entries; see `degrade.benchmark.submission`."""

    @model_validator(mode="after")
    def _clips_differ(self) -> "Result":
        names = [row.clip for row in self.clips]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"clip {min(twice)!r} is scored twice")
        return self

    @property
    def label(self) -> str:
        """Name for people: ``RTN (bundled)``."""
        title, weights = self.model.title or self.model.name, self.model.weights
        notes = [*([] if weights == "none" else [weights]), *(["true masks"] if self.model.true_masks else [])]
        notes += [f"{key} {value}" for key, value in self.model.settings.items()]
        return f"{title} ({', '.join(notes)})" if notes else title

    @property
    def id(self) -> str:
        """Name for files: ``rtn-bundled``."""
        return self.model.id

    @property
    def ranked(self) -> bool:
        """Whether it was told neither where the damage is nor what it is scored on."""
        return not (self.model.true_masks or (self.provenance and self.provenance.scored_clips_seen))

    @property
    def metrics(self) -> list[str]:
        """Names of all metrics, in the task's order."""
        return list(dict.fromkeys(name for row in self.clips for name in row.metrics))

    def save(self, path: str | Path) -> None:
        """Writes the file, its folder if needed; what was there stays whole until the new one is."""
        text = json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
        # Lists of numbers and names go on one line. Raw line breaks are never part of a JSON string.
        flat = re.sub(r"\[\n([^\[\]{}]*)\n *\]", lambda m: "[" + re.sub("\n *", " ", m[1]).strip() + "]", text)
        atomic.write(Path(path).expanduser(), flat + "\n")


def result_id(model: str, weights: str, true_masks: bool, settings: Mapping[str, Any]) -> str:
    """Names the files and folders of a model with its weights: ``rtn-bundled``. What is too long ends in a hash."""
    parts = [model, *([] if weights == "none" else [weights]), *(["true-masks"] if true_masks else [])]
    parts += [f"{key}-{value}" for key, value in settings.items()]
    name = re.sub(r"[^\w.-]+", "_", "-".join(parts)).lstrip(".") or "_"
    coded = name.encode()
    if len(coded) <= LONGEST:
        return name
    return f"{coded[: LONGEST - 20].decode(errors='ignore')}-{hashlib.sha256(coded).hexdigest()[:16]}"


def load(path: str | Path) -> Result:
    """Reads a result.

    Raises:
        ResultError: The file is missing, damaged, of another schema, or has a wrong, missing or unknown key.
    """
    try:
        content = json.loads(Path(path).expanduser().read_bytes(), parse_constant=_no_constant)
        json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        if _depth(content) > DEEPEST:
            raise RecursionError
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise ResultError(f"{path}: damaged, not JSON") from None
    except RecursionError:
        raise ResultError(f"{path}: damaged, nested too deeply") from None
    if not isinstance(content, dict):
        raise ResultError(f"{path}: damaged, not a result")
    version = content.get("schema_version")
    if isinstance(version, int) and version != VERSION:
        which, cure = ("newer", "update film-degrade") if version > VERSION else ("older", "run the task again")
        raise ResultError(f"{path}: schema version {version} is {which} than {VERSION}, the one known here; {cure}")
    if version is None:
        raise ResultError(f"{path}: damaged, has no schema_version")
    try:
        return Result(**content)
    except DegradeError as error:
        raise ResultError(f"{path}: {error}") from None


def load_table(paths: Iterable[str | Path]) -> list[Result]:
    """Reads results that share a table.

    Raises:
        ResultError: A file cannot be read, or is of another task or other data than the first.
    """
    results = [(str(path), load(path)) for path in paths]
    check_same_task(results)
    return [result for _, result in results]


def check_same_task(results: Iterable[tuple[str, Result]]) -> None:
    """Refuses to compare what cannot be compared.

    Args:
        results: Each with the name of its file.

    Raises:
        ResultError: Two differ in task, task hash, data hash, or in the clips that were scored; or are of one model
            with weights of one name, or of two whose files would have one name.
    """
    named = list(results)
    for name, result in named[1:]:
        first_name, first = named[0]
        for key in ("task", "task_sha256", "data_sha256"):
            here, there = getattr(result, key), getattr(first, key)
            if here != there:
                raise ResultError(f"{name}: {key} is {here}, but {there} in {first_name}; they cannot share a table")
        odd = {(row.clip, row.sequence) for row in result.clips} ^ {(row.clip, row.sequence) for row in first.clips}
        if odd:
            clip, sequence = min(odd)
            raise ResultError(f"{name}: clip {clip!r} of {sequence!r} is scored in only one of it and {first_name}")
    seen: dict[str, str] = {}
    for name, result in named:
        if result.label in seen:
            raise ResultError(f"{name}: holds {result.label!r}, as does {seen[result.label]}; keep one")
        seen[result.label] = name
    files: dict[str, str] = {}
    for name, result in named:
        if result.id in files:
            raise ResultError(
                f"{name}: its files would be named {result.id!r}, as those of {files[result.id]} are; keep one"
            )
        files[result.id] = name
