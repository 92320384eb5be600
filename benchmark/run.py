"""Runs a task: prepares its clips, trains what learns, restores, scores, reports."""

import hashlib
import itertools
import json
import math
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from degrade.adapters.torch import PairedClips, Sample
from degrade.benchmark.flow import Mover, dis, exact
from degrade.benchmark.metrics import make
from degrade.benchmark.report import build_report
from degrade.benchmark.score import ClipScore, score_clip
from degrade.benchmark.strips import save_strips
from degrade.benchmark.task import Task
from degrade.benchmark.train import Trained, rank, train
from degrade.benchmark.train import check as check_training
from degrade.core.errors import DatasetError, SpecError
from degrade.core.types import Array, as_clip, to_uint8
from degrade.dataset.generate import generate
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.plan import Clip, plan
from degrade.dataset.records import ClipRecord, file_hash, pretty, read_json, versions
from degrade.dataset.verify import verify
from degrade.leaderboard.schema import ClipScores, CurvePoint, Model, Result, Run, Training, result_id
from degrade.models import ModelCard, build, bundled
from degrade.models._stream import restore as restore_clip
from degrade.models._weights import read_about
from degrade.models.base import RestorationModel
from degrade.sources import open_source
from degrade.spec import Spec
from degrade.writers import open_writer

SHOWN = 5
"""Frames of a clip on its film strip."""

Step = Callable[[str, int, int], object]
"""``step(what, done, total)``: called as the work goes on."""


@dataclass(frozen=True)
class Entry:
    """A model and the weights it is run with."""

    model: str
    """A name of `benchmark ls`, or ``path/to/file.py:Name``."""
    weights: str = "none"
    """``none``, ``bundled``, ``scratch`` and ``fine-tuned`` (trained first), or the name of a weights file."""
    file: Path | None = None
    """Of weights that are there before the run; where they are fine-tuned, training starts from them."""

    @property
    def trained(self) -> bool:
        """Whether the run trains it."""
        return self.weights in ("scratch", "fine-tuned")

    @property
    def source(self) -> Path | None:
        """The file of a model that is not one of `benchmark ls`."""
        path = Path(self.model if self.model.endswith(".py") else self.model.rpartition(":")[0])
        return path if path.suffix == ".py" else None

    @property
    def name(self) -> str:
        """As in `benchmark ls`; of a model given by its file ``file.Name``, or ``file`` where it names no class."""
        if self.source is None:
            return self.model
        attribute = self.model.rpartition(".py")[2].removeprefix(":")
        return f"{self.source.stem}.{attribute}" if attribute else self.source.stem

    @property
    def id(self) -> str:
        """Names its folders and its result."""
        return result_id(self.name, self.weights)

    def source_hash(self) -> str:
        """Changes with the model's file and with the weights that it starts from; empty if there is neither."""
        return file_hash(*filter(None, [self.source, self.file if self.trained else None]))

    def licence(self, card: ModelCard) -> str:
        """Of weights that were there before the run; empty if nobody has said."""
        if self.file is None or self.trained:
            return ""
        if self.weights == "bundled":
            return card.code_licence
        return "" if read_about(self.file) else card.weights_licence


class Restored(NamedTuple):
    """What a model has made, and at what cost."""

    entry: Entry
    model: Model
    run: Run
    training: Training | None


def entries(task: Task, models: Sequence[str], weights: str | None, init: str | None = None) -> list[Entry]:
    """The models asked for and the task's baselines, each with its weights.

    Args:
        task: Says which weights are run where none are named.
        models: Names; one may come several times through several weights.
        weights: ``scratch``, ``bundled`` or a file, for all `models` that learn.
        init: ``bundled`` or a file, whose weights a training from scratch starts from, in their configuration.

    Raises:
        SpecError: No such model, no bundled weights, nothing to train from `init`, or two models of one name.
        SourceError: Weights that are damaged or those of another model.
    """
    if weights and weights not in ("scratch", "bundled") and not Path(weights).is_file():
        raise SpecError(f"must be scratch, bundled or a weights file, got {weights!r}", "--weights")
    if init and init != "bundled" and not Path(init).is_file():
        raise SpecError(f"must be bundled or a weights file, got {init!r}", "--init")
    if init and weights != "scratch":
        raise SpecError("is where a training starts; it goes with --weights scratch", "--init")
    found: list[Entry] = []
    for name in dict.fromkeys([*task.baselines, *models]):
        if not trainable(build(name, **task.train.config.get(Entry(name).name, {}))):
            found.append(Entry(name))
            continue
        wanted = (weights,) if weights and name in models else task.weights
        ours = bundled(name, task.name)
        if wanted == ("bundled",) and ours is None:
            raise SpecError(f"model {name!r} has no bundled weights; train it with --weights scratch", "--weights")
        for kind in wanted:
            if kind == "scratch" and init and name in models:
                start = ours if init == "bundled" else Path(init)
                if start is None:
                    raise SpecError(f"model {name!r} has no bundled weights; name a file", "--init")
                build(name, start)
                found.append(Entry(name, "fine-tuned", start))
            elif kind == "scratch":
                found.append(Entry(name, kind))
            elif kind != "bundled":
                build(name, kind)
                found.append(Entry(name, Path(kind).name, Path(kind)))
            elif ours:
                found.append(Entry(name, kind, ours))
    first: dict[str, Entry] = {}
    for entry in found:
        other = first.setdefault(entry.id, entry)
        if other is not entry:
            cure = "name their classes, or rename a file"
            raise SpecError(f"{other.model!r} and {entry.model!r} would both be {entry.id!r}; {cure}", "--model")
    return found


def trainable(model: RestorationModel) -> int:
    """Numbers that training changes; 0: nothing to learn."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def run(
    task: Task,
    chosen: Sequence[Entry],
    out: Path,
    *,
    device: str = "cpu",
    workers: int = 0,
    resume: bool = False,
    step: Step = lambda what, done, total: None,
) -> tuple[list[Path], str]:
    """Runs a task.

    Args:
        task: What to run.
        chosen: Models with their weights, from `entries`.
        out: Folder for clips, trainings, restored frames, results and report; new or empty unless `resume`.
        device: ``cpu`` or ``cuda``.
        workers: Processes that prepare clips and samples.
        resume: Keep what an interrupted run of the same task has finished.
        step: Called as the work goes on.

    Under ``torchrun`` all processes train together, and the first does the rest; `out` is a folder that all see.

    Returns:
        The result files, and the table as Markdown; nothing in processes that only help to train.

    Raises:
        DatasetError: `out` holds something else, or the dataset was changed.
        SpecError, SourceError: The task cannot be run; all that can be known before the work is refused before it.
    """
    if not rank():
        _check(task, chosen)
        _claim(out, task, resume)
    kept = {entry: _kept(task, entry, out) for entry in chosen if resume}
    trained = {
        entry: _train(task, entry, out, device, workers, resume, step)
        for entry in chosen
        if entry.trained and not kept.get(entry)
    }
    if rank():
        return [], ""
    data = prepare(task, out / "data", max(workers, 1), step)
    restored = [
        kept.get(entry) or _restore(task, entry, trained.get(entry), data, out, device, step) for entry in chosen
    ]
    results = list(_score(task, restored, data, out, device, step))
    paths = []
    for result in results:
        paths.append(out / "results" / f"{result.id}.json")
        result.save(paths[-1])
    return paths, build_report(results, out / "strips", out / "report.html", about=task.about)


def prepare(task: Task, out: Path, workers: int, step: Step) -> Path:
    """Writes the clips that the task scores, or finds them written, and checks them.

    Raises:
        DatasetError: `out` holds something else.
    """
    if task.dataset:
        return task.dataset
    spec = scored(task)
    total = 0

    def started(clips: list[Clip]) -> None:
        nonlocal total
        total = len(clips)

    done = itertools.count(1)
    generate(
        spec, out, workers=workers, resume=True, started=started,
        finished=lambda clip: step("clips", next(done), total),
    )  # fmt: skip
    _verify(out)
    return out


def _check(task: Task, chosen: Sequence[Entry]) -> None:
    """Refuses what could not be run, before anything is made."""
    for name in task.metrics:
        try:
            make(name)
        except SpecError as error:
            raise error.within("metrics") from None
    if task.dataset:
        _verify(task.dataset)
    else:
        plan(scored(task), open_source(task.data.source))
    if any(entry.trained for entry in chosen):
        check_training(task)


def _claim(out: Path, task: Task, resume: bool) -> None:
    """Makes sure that `out` is free, or holds a run of the same task begun earlier."""
    mark = out / "task.json"
    if not mark.exists():
        if out.is_dir() and any(out.iterdir()):
            raise DatasetError(f"{out} holds something else ({next(out.iterdir()).name}); name a new or empty folder")
        out.mkdir(parents=True, exist_ok=True)
        mark.write_bytes(pretty({"task": task.name, "task_sha256": task.digest()}))
    elif not resume:
        raise DatasetError(f"{out} holds a run; go on with --resume, or name another folder")
    elif read_json(mark) != {"task": task.name, "task_sha256": task.digest()}:
        raise DatasetError(f"{out} holds a run of another task or budget; name another folder")


def _verify(dataset: Path) -> None:
    problems = verify(dataset)
    if problems:
        raise DatasetError(f"{dataset}: {problems[0]}; make it anew")


def scored(task: Task) -> Spec:
    """The task's data, the split that is scored alone."""
    source = open_source(task.data.source)
    split_of = task.data.split_of(sequence.id for sequence in source.sequences())
    names = tuple(name for name, split in split_of.items() if split == task.split)
    if not names:
        raise SpecError(f"no sequence is in {task.split!r}", "data.splits")
    return task.data.model_copy(update={"splits": {task.split: names}})


def _train(task: Task, entry: Entry, out: Path, device: str, workers: int, resume: bool, step: Step) -> Trained:
    torch.manual_seed(task.data.seed)
    model = build(entry.model, entry.file, **({} if entry.file else task.train.config.get(entry.name, {})))
    return train(
        model, task, out / "train" / entry.id, source=entry.source_hash(), device=device, workers=workers,
        resume=resume, stepped=lambda n, loss: step(f"train {entry.name}", n, task.train.steps),
    )  # fmt: skip


def _restore(
    task: Task, entry: Entry, trained: Trained | None, data: Path, out: Path, device: str, step: Step
) -> Restored:
    """Writes what the model makes of every clip."""
    folder = out / "restored" / entry.id
    training, weights = None, None
    if trained:
        recipe = task.train.model_dump(mode="json", exclude={"config"}) | {"device": device_name(device)}
        if entry.file:
            recipe |= {"init": entry.file.name, "init_sha256": file_hash(entry.file)}
        curve = tuple(CurvePoint(**point) for point in trained.curve)
        training = Training(steps=trained.steps, seconds=trained.seconds, recipe=recipe, curve=curve)
        weights = trained.weights
    else:
        weights = entry.file
    model = build(entry.model, weights).eval().to(device)
    _reset_peak(device)
    clips = PairedClips(data, task.split)
    begun, busy, frames = time.monotonic(), 0.0, 0
    for i, sample in enumerate(clips[i] for i in range(len(clips))):
        start = time.monotonic()
        made, masks = apply(model, sample, device)
        busy, frames = busy + time.monotonic() - start, frames + len(made)
        for kind, pictures in (("frames", made), ("masks", masks)):
            if pictures is not None:
                with open_writer(folder / kind / f"{sample['clip']}.mkv") as writer:
                    for picture in to_uint8(pictures):
                        writer.write(picture)
        step(f"restore {entry.id}", i + 1, len(clips))
    card = model.card
    about = Model(
        name=entry.name,
        summary=card.summary,
        paper=card.source,
        licence=card.code_licence,
        baseline=entry.model in task.baselines,
        parameters=trainable(model),
        weights=entry.weights,
        weights_sha256=file_hash(weights) if weights else None,
        weights_licence=entry.licence(card),
        config=model.config,
    )
    cost = Run(
        device=device_name(device),
        seconds=time.monotonic() - begun,
        seconds_per_frame=busy / frames,
        peak_memory_mib=_peak(device),
        versions={**versions(), "torch": torch.__version__},
    )
    saved = Restored(entry, about, cost, training)
    content = {key: part and part.model_dump(mode="json") for key, part in saved._asdict().items() if key != "entry"}
    (folder / "record.json").write_text(json.dumps({"task": task.digest() + entry.source_hash(), **content}))
    return saved


def _kept(task: Task, entry: Entry, out: Path) -> Restored | None:
    """What an earlier run of the task has restored, if it came to the end and the model is still the same."""
    record = out / "restored" / entry.id / "record.json"
    kept = read_json(record) if record.exists() else None
    if not kept or kept["task"] != task.digest() + entry.source_hash():
        return None
    if entry.file and not entry.trained and kept["model"]["weights_sha256"] != file_hash(entry.file):
        return None
    training = kept["training"]
    if training:
        points = tuple(CurvePoint(**point) for point in training.pop("curve"))
        training = Training(**training, curve=points)
    return Restored(entry, Model(**kept["model"]), Run(**kept["run"]), training)


@torch.no_grad()
def apply(model: RestorationModel, sample: Sample, device: str) -> tuple[Array, Array | None]:
    """A clip restored, (T, H, W, C), and where the model sees damage, (T, H, W, 1), if it says so."""
    clip = sample["lq"][None].to(device)
    if model.card.masks and clip.shape[1] <= model.card.window:
        restored = model(clip, return_masks=True)
        return _frames(restored.frames), _frames(restored.masks)
    return _frames(restore_clip(model, clip)), None


def _frames(clip: torch.Tensor) -> Array:
    return clip[0].float().cpu().permute(0, 2, 3, 1).numpy()


def _score(
    task: Task, restored: Sequence[Restored], data: Path, out: Path, device: str, step: Step
) -> Iterator[Result]:
    """Scores all models on one clip after the other."""
    rows = DatasetFolder(data).clips
    clips = PairedClips(data, task.split)
    movers = _movers(task)
    pixels = hashlib.sha256()
    scores: dict[str, list[ClipScores]] = {r.entry.id: [] for r in restored}
    for i, sample in enumerate(clips[i] for i in range(len(clips))):
        name = sample["clip"]
        lq, gt, mask = (sample[kind].permute(0, 2, 3, 1).numpy() for kind in ("lq", "gt", "mask"))
        for part in (lq, gt, mask):
            pixels.update(to_uint8(part).tobytes())
        found = {r.entry.id: _written(out, r.entry, "frames", name, gt.shape[-1]) for r in restored}
        seen = {r.entry.id: _written(out, r.entry, "masks", name, 1) for r in restored}
        present = {key: frames for key, frames in found.items() if frames is not None}
        scored_models = score_clip(
            present, gt, task.metrics, input=lq, mask=mask,
            predicted_masks={key: frames for key, frames in seen.items() if frames is not None},
            mover=movers(name), device=device,
        )  # fmt: skip
        shown = np.linspace(0, len(gt) - 1, min(SHOWN, len(gt))).round().astype(int)
        for key, score in scored_models.items():
            scores[key].append(_clip_scores(rows[name], score))
            save_strips(out / "strips" / name, key, lq[shown], present[key][shown], gt[shown], mask[shown])
        step("score", i + 1, len(clips))
    for r in restored:
        yield Result(
            task=task.name,
            task_sha256=task.digest(),
            data_sha256=pixels.hexdigest(),
            model=r.model,
            clips=tuple(scores[r.entry.id]),
            run=r.run,
            training=r.training,
        )


def _movers(task: Task) -> Callable[[str], Mover]:
    """The motion of each clip, by its name."""
    if task.flow == "dis":
        return lambda name: dis
    source = open_source(task.data.source)
    planned = {clip.id: clip for clip in plan(scored(task), source)}
    return lambda name: exact(source, planned[name].sequence, planned[name].start)


def _written(out: Path, entry: Entry, kind: str, clip: str, channels: int) -> Array | None:
    path = out / "restored" / entry.id / kind / f"{clip}.mkv"
    if not path.exists():
        return None
    source = open_source(path)
    (sequence,) = source.sequences()
    return as_clip(source.read(sequence, 0, sequence.frames)[..., :channels])


def _clip_scores(row: ClipRecord, score: ClipScore) -> ClipScores:
    values = {key: None if math.isnan(value) else value for key, value in score.values.items()}
    references: dict[str, dict[str, float | None]] = {}
    for key in [key for key in values if "." in key]:
        metric, _, what = key.partition(".")
        references.setdefault(what, {})[metric] = values.pop(key)
    return ClipScores(
        clip=row.id,
        sequence=row.sequence,
        damage=tuple(row.fired.split()),
        metrics=values,
        psnr_over_time=tuple(score.series.get("psnr", ())),
        references=references,
    )


def device_name(device: str) -> str:
    """The processor, for people."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    names = [line.partition(":")[2].strip() for line in _proc("cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else 'CPU'}, {torch.get_num_threads()} threads"


def _reset_peak(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # Linux forgets the process's highest memory so far


def _peak(device: str) -> float:
    """MiB: of the device, or of the process."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    high = [line.split()[1] for line in _proc("self/status") if line.startswith("VmHWM")]
    return int(high[0]) / 1024 if high else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _proc(name: str) -> list[str]:
    path = Path("/proc") / name
    return path.read_text().splitlines() if path.exists() else []
