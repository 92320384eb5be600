"""A task: data, training budget and metrics, frozen under a versioned name."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from degrade.core.errors import SpecError
from degrade.core.fields import Probability, Settings
from degrade.core.registry import Documents
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.records import file_hash
from degrade.spec import Spec, canonical, mapping, parse, read_yaml, set_value

Count = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]


class Loss(Settings):
    """Weights of the terms that a model is trained with."""

    l1: Weight = 1.0
    """Mean absolute difference."""
    damage: Weight = 0.0
    """Mean absolute difference inside the damage, weighed by the mask and divided by its sum: defects are few, and
    count for little without it."""
    mask: Weight = 0.0
    """Distance of the masks of models that make them from the damage mask; see `RestorationModel.mask_loss`."""
    charbonnier: Weight = 0.0
    """Smooth L1."""
    perceptual: Weight = 0.0
    """VGG features; needs `perceptual_weights`."""
    adversarial: Weight = 0.0
    """Temporal-PatchGAN, hinge."""
    perceptual_network: Literal["vgg16", "vgg19"] = "vgg19"
    """Whose features."""
    perceptual_weights: str = ""
    """File with that network's convolutions, under torchvision's names; where it lies is not part of the task."""


class Colorization(Settings):
    """What models are told of the colours of a clip."""

    key_frames: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    """Frames of each clip that they are given in colour, from 0; these are left out of all means."""
    frames: Count | None = None
    """So many frames of a clip are coloured and scored, its first; all if not given. Key frames may lie after them."""


class TrainingBudget(Settings):
    """How models that learn are trained."""

    steps: Count
    """Updates."""
    batch: Count = 1
    """Samples of an update, on each device."""
    frames: Count = 7
    """Length of a sample."""
    crop: tuple[Count, Count] = (256, 256)
    """Height and width of a sample, pixels."""
    intervals: tuple[Count, ...] = (1,)
    """Steps between the frames of a sample, of which one is drawn."""
    cuts: Count = 1
    """Updates in a row whose samples are cut out of the same damaged stretches: rendering costs as much as learning."""
    on_damage: Probability = 0.0
    """Share of the samples that are cut around a defect; most of those cut anywhere show next to none."""
    lr: Rate = 2e-4
    """Adam's learning rate, beta 0.9 and 0.99."""
    lr_factor: dict[str, Rate] = {}
    """By which it is multiplied for some models, by name: one that begins well loses it by great steps."""
    schedule: Literal["cosine", "step"] = "cosine"
    """To 1/100 over the run along a cosine; or steady for the first half, then falling linearly to 0."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Updates over which the learning rate rises from 0."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Greatest norm of the gradient."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the averaged weights, which are the ones scored; 0 for none."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """Of the arithmetic, as Fabric names it; bf16 only where the device has it."""
    loss: Loss = Loss()
    """What is minimised."""
    validate_every: Count = 500
    """Updates between points of the validation curve."""
    checkpoint_every: Count = 500
    """Updates between checkpoints."""
    config: dict[str, dict[str, Any]] = {}
    """Arguments of models, by name."""

    def rate(self, model: str) -> float:
        """The learning rate of a model."""
        return self.lr * self.lr_factor.get(model, 1)


class Task(Settings):
    """What is compared, and how. A change of any of it is a new version, under a new name."""

    name: str
    """File stem, with its version: ``quick-v4``."""
    about: str
    """One line."""
    data: Spec
    """Footage, damage, target and splits."""
    split: str = "val"
    """The clips that are scored; training uses ``train``."""
    severities: tuple[Probability, ...] = ()
    """Each clip is scored at each of these severities of its damage, which keeps its place; as the pipeline stands if
    none are given. Training leaves the pipeline as it stands."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1)]
    """The first one ranks."""
    flow: Literal["exact", "dis"] = "dis"
    """For temporal metrics, always of the clean target: the source's own, or estimated."""
    baselines: tuple[str, ...]
    """Models that others are tested against."""
    weights: tuple[Literal["scratch", "bundled"], ...] = ("bundled",)
    """What models that learn are run with where nothing is said; bundled weights if there are any."""
    footage: str = ""
    """What the user must name with ``--data``; empty: the task brings its own."""
    colorization: Colorization | None = None
    """Of tasks whose film is made grey, to be coloured; without it, models restore."""
    train: TrainingBudget
    """The budget."""
    dataset: Path | None = None
    """A written dataset that takes the place of `data`: the user's own."""

    def digest(self) -> str:
        """SHA-256 of all that the task fixes; where footage and VGG's weights lie is not part of it."""
        content = self.model_dump(mode="json", exclude_none=True, exclude={"dataset"})
        if not self.severities:
            del content["severities"]  # a task without them is the one that it was before there were any
        if not self.train.lr_factor:
            del content["train"]["lr_factor"]  # likewise
        content["data"] = self.data.digest()
        content["train"]["loss"]["perceptual_weights"] = ""
        return hashlib.sha256(canonical(content)).hexdigest()

    def dataset_hash(self) -> str:
        """SHA-256 of the manifest of the dataset that takes the place of `data`; empty if there is none."""
        return file_hash(DatasetFolder(self.dataset).manifest_path) if self.dataset else ""

    @field_validator("severities")
    @classmethod
    def _differ(cls, severities: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(severities)) < len(severities):
            raise ValueError(f"must differ, got {severities}")
        return severities


tasks = Documents("task", "degrade.benchmark.tasks")
"""All tasks, those of other packages among them."""


def task_about(name: str) -> str:
    """What a task is, in one line; empty if it is not one of `tasks`."""
    return str(tasks.content(name)["about"]) if name in tasks else ""


def load_task(name: str | Path, changes: tuple[str, ...] = (), source: str | None = None) -> Task:
    """Reads a task.

    Args:
        name: One of `tasks`, or the path of a YAML file.
        changes: ``key=value`` for the training budget: ``train.steps=100``. The result is no result of the
            task any more, as its digest says.
        source: Where the footage lies, if not where the task says; or the folder of a dataset that ``degrade
            generate`` has written, which makes a task of its own, named after both.

    Raises:
        SpecError: No such task or file, a value that is not allowed, or a dataset without masks.
        DatasetError: The dataset is damaged.
    """
    path, name = Path(name), str(name)
    if path.suffix in (".yaml", ".yml"):
        raw, name = read_yaml(path), path.stem
    else:
        raw = mapping(tasks.content(name), f"task {name}")
    raw["name"] = name
    for change in changes:
        if not change.startswith("train."):
            raise SpecError(f"must be train.key=value, got {change!r}", "--set")
        set_value(raw, change)
    data = mapping(raw.pop("data", {}), "data")
    raw["train"] = mapping(raw.get("train", {}), "train")
    if "name" in data:
        raise SpecError("is the task's own, the name of its file", "data.name")
    if source and (written := DatasetFolder(Path(source))).record_path.is_file():
        if "mask" not in written.kinds:
            raise SpecError(f"{source} was written without masks, by which models are trained and scored", "--data")
        raw |= {"name": f"{name}-on-{written.spec.name}", "flow": "dis", "dataset": written.path, "severities": ()}
        return Task(**raw, data=written.spec)
    if source:
        data["source"] = source
    elif raw.get("footage"):
        raise SpecError(f"task {name} needs {raw['footage']}", "--data")
    try:
        spec = parse({**data, "name": name})
    except SpecError as error:
        raise error.within("data") from None
    return Task(**raw, data=spec)
