"""Which models run on a task, and with which weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from degrade.benchmark.coloring import fitting
from degrade.benchmark.task import Task
from degrade.core.assignment import parse_assignment
from degrade.core.errors import SpecError
from degrade.dataset.records import file_hash
from degrade.leaderboard.schema import result_id
from degrade.models import ModelCard, build, bundled, cards, get, sources
from degrade.models._weights import read_about
from degrade.models.base import Model, restoring

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Entry:
    """A model and the weights it is run with."""

    model: str
    """A name of `benchmark ls`, or ``path/to/file.py:Name``."""
    weights: str = "none"
    """``none``, ``bundled``, ``scratch`` and ``fine-tuned`` (trained first), or the name of a weights file."""
    file: Path | None = None
    """Of weights that are there before the run; where they are fine-tuned, training starts from them."""
    true_masks: bool = False
    """Whether it is told where the damage is."""
    restorer: "Entry | None" = None
    """In colour tasks, what restores the film before it is coloured."""
    settings: tuple[tuple[str, bool | int | float | str], ...] = ()
    """Arguments of the model that were asked for by name."""

    @property
    def trained(self) -> bool:
        """Whether the run trains it."""
        return self.weights in ("scratch", "fine-tuned")

    @property
    def source(self) -> Path | None:
        """The file of a model that is not one of `benchmark ls`."""
        path = Path(self.model if self.model.endswith(".py") else self.model.rpartition(":")[0]).expanduser()
        return path if path.suffix == ".py" else None

    @property
    def name(self) -> str:
        """As in `benchmark ls`; of a model given by its file ``file.Name``, or ``file`` where it names no class. After
        a restorer, both: ``median+rtn_color``.
        """
        name = self.model
        if self.source is not None:
            attribute = self.model.rpartition(".py")[2].removeprefix(":")
            name = f"{self.source.stem}.{attribute}" if attribute else self.source.stem
        return f"{self.restorer.name}+{name}" if self.restorer else name

    @property
    def id(self) -> str:
        """Names its folders and its result."""
        return result_id(self.name, self.weights, self.true_masks, dict(self.settings))

    @property
    def alone(self) -> "Entry":
        """The same without a restorer and true masks: it shares the training."""
        return replace(self, true_masks=False, restorer=None)

    def source_hash(self) -> str:
        """Changes with the model's files and with the weights that it starts from, and with those of its restorer;
        empty if there are none.
        """
        files = [*sources(self.model), *([self.file] if self.file and self.trained else [])]
        if self.restorer:
            files += [*sources(self.restorer.model), *([self.restorer.file] if self.restorer.file else [])]
        return file_hash(*files)

    def licence(self, card: ModelCard) -> str:
        """Of weights that were there before the run; empty if nobody has said."""
        if self.file is None or self.trained:
            return ""
        if self.weights == "bundled":
            return card.code_licence
        return "" if read_about(self.file) else card.weights_licence


def entries(
    task: Task, models: Sequence[str], weights: str | None, init: str | None = None, true_masks: bool = False
) -> list[Entry]:
    """The models asked for and the task's baselines, each with its weights.

    Args:
        task: Says which weights are run where none are named.
        models: Names; one may come several times through several weights. ``nlmeans?strength=2&search=9`` sets
            arguments. In colour tasks ``median+rtn_color`` is a model after a restorer, which runs with its bundled
            weights.
        weights: ``scratch``, ``bundled``, ``none`` (they load their own) or a file, for all `models` that learn.
        init: ``bundled`` or a file, whose weights a training from scratch starts from, in their configuration.
        true_masks: Whether those of `models` that fill masks of the caller are run with the true ones, too.

    Raises:
        SpecError: No such model, no weights, nothing to train from `init`, or two models of one name.
        SourceError: Weights that are damaged or those of another model.
    """
    if weights and weights not in ("scratch", "bundled", "none") and not Path(weights).expanduser().is_file():
        raise SpecError(f"{weights}: no such weights file; or scratch, bundled, none", "--weights")
    if init and init != "bundled" and not Path(init).expanduser().is_file():
        raise SpecError(f"{init}: no such weights file; or bundled", "--init")
    if init and weights != "scratch":
        raise SpecError("is where a training starts; it goes with --weights scratch", "--init")
    found: list[Entry] = []
    for given in dict.fromkeys([*task.baselines, *models]):
        asked = given in models
        found += _entries_of(task, given, weights if asked else None, init if asked else None)
    if true_masks:
        found += _with_true_masks([entry for entry in found if entry.model in models])
    first: dict[str, Entry] = {}
    for entry in found:
        other = first.setdefault(entry.id, entry)
        if other is not entry:
            cure = "name their classes, or rename a file"
            raise SpecError(f"{other.model!r} and {entry.model!r} would both be {entry.id!r}; {cure}", "--model")
    return found


def _entries_of(task: Task, given: str, weights: str | None, init: str | None) -> list[Entry]:
    """A model through each of its weights; see `entries`."""
    name, restorer = given, None
    first, plus, rest = given.partition("+")
    if task.colorization and plus and first in cards():
        name, restorer = rest, _restorer(first)
    name, settings = _settings(name)
    model = fitting(task, build(name, **{**task.train.config.get(Entry(name).name, {}), **settings}))
    plain = Entry(name, restorer=restorer, settings=tuple(settings.items()))
    if not trainable(model):
        return [plain]
    if weights == "none":
        check_own_weights(name, model)
        return [plain]
    wanted = (weights,) if weights else task.weights
    ours = bundled(name, task.name)
    if wanted == ("bundled",) and ours is None:
        cure = "train it with --weights scratch, or say none if it loads its own"
        raise SpecError(f"model {name!r} has no bundled weights; {cure}", "--weights")
    found = []
    for kind in wanted:
        if kind == "scratch" and init:
            start = ours if init == "bundled" else Path(init).expanduser()
            if start is None:
                raise SpecError(f"model {name!r} has no bundled weights; name a file", "--init")
            build(name, start, **settings)
            found.append(replace(plain, weights="fine-tuned", file=start))
        elif kind == "scratch":
            found.append(replace(plain, weights=kind))
        elif kind != "bundled":
            build(name, kind, **settings)
            found.append(replace(plain, weights=Path(kind).name, file=Path(kind).expanduser()))
        elif ours:
            found.append(replace(plain, weights=kind, file=ours))
    return found


def _settings(given: str) -> tuple[str, dict[str, bool | int | float | str]]:
    """``nlmeans?strength=2&search=9``: the name, and what is set."""
    name, _, texts = given.partition("?")
    settings = dict(parse_assignment(text, "--model") for text in texts.split("&") if text)
    for key, value in settings.items():
        if not isinstance(value, bool | int | float | str):
            raise SpecError(f"{key} must be a number or a word, got {value!r}", "--model")
    return name, settings


def _restorer(name: str) -> Entry:
    """Through its bundled weights, if it learns."""
    if not trainable(restoring(build(name))):
        return Entry(name)
    if ours := bundled(name):
        return Entry(name, "bundled", ours)
    raise SpecError(f"model {name!r} has no bundled weights, and cannot restore film that is to be coloured", "--model")


def _with_true_masks(found: list[Entry]) -> list[Entry]:
    """Those whose models fill masks, once more.

    Raises:
        SpecError: There are none.
    """
    told = [replace(entry, true_masks=True) for entry in found if get(entry.model).card.fills]
    if not told:
        able = ", ".join(name for name, card in cards().items() if card and card.fills)
        raise SpecError(f"is for models that fill masks: {able}", "--true-masks")
    return told


def with_weights(required: Callable[[Model], M], name: str, weights: str | None, config: Mapping[str, Any]) -> M:
    """A model for a film.

    Args:
        required: Refuses a model that does something else: `restoring` or `coloring`.
        name: As for `build`.
        weights: A file, or ``none`` for a model that loads its own; bundled ones if not given.
        config: Arguments of the model.

    Raises:
        SpecError: It does something else; or it learns, and there are none.
        SourceError: Weights that are damaged or those of another model.
    """
    given = None if weights in (None, "none") else weights
    model = required(build(name, given, **config))
    if given is not None or not trainable(model):
        return model
    if weights == "none":
        check_own_weights(name, model)
        return model
    if ours := bundled(name):
        return required(build(name, ours, **config))
    raise SpecError(f"model {name!r} has no bundled weights; give a file, or none", "--weights")


def check_own_weights(name: str, model: Model) -> None:
    """Refuses a model that starts from random numbers, which are others every time it is built.

    Raises:
        SpecError: It does.
    """
    with torch.random.fork_rng(devices=()):
        torch.seed()
        again = build(name, **model.config)
    if not all(map(torch.equal, model.parameters(), again.parameters())):
        raise SpecError(f"none is for models that load their own; {name!r} starts from random numbers", "--weights")


def trainable(model: Model) -> int:
    """Numbers that training changes; 0: nothing to learn."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
