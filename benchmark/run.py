"""Runs a task: prepares its clips, trains what learns, restores, scores, reports."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from degrade.benchmark.clips import Progress, check_dataset, prepare_clips, scored_spec
from degrade.benchmark.coloring import fitting
from degrade.benchmark.entries import Entry
from degrade.benchmark.films import refuse_inside
from degrade.benchmark.metrics import make
from degrade.benchmark.report import build_report
from degrade.benchmark.restoration import kept_restoration, restore_clips
from degrade.benchmark.results import score_models
from degrade.benchmark.task import Task
from degrade.benchmark.train import Trained, rank, train
from degrade.benchmark.train import check as check_training
from degrade.core import atomic
from degrade.core.errors import DatasetError, SpecError
from degrade.core.lock import hold
from degrade.dataset.plan import plan
from degrade.dataset.records import pretty, read_json
from degrade.models import build
from degrade.sources import Source

MARK, RUNNING = "task.json", ".running"
"""Says what a folder is the run of; is there while a process is at work."""
MADE = {MARK, "data", "train", "restored", "results", "strips", "report.html"}
BEGUN = {RUNNING, f".{MARK}.part", ".report.html.part"}
"""What a run that was killed may leave beside."""


def run(
    task: Task,
    chosen: Sequence[Entry],
    out: str | Path,
    *,
    device: str = "cpu",
    workers: int = 0,
    resume: bool = False,
    opened: Callable[[Source], object] = lambda source: None,
    progress: Progress = lambda what, done, total: None,
    damaged: Callable[[str], object] = lambda line: None,
) -> tuple[list[Path], str]:
    """Runs a task.

    Args:
        task: What to run.
        chosen: Models with their weights, from `entries`.
        out: Folder for clips, trainings, restored frames, results and report; new or empty unless `resume`.
        device: ``cpu`` or ``cuda``.
        workers: Processes that prepare clips and samples.
        resume: Keep what an interrupted run of the same task has finished.
        opened: Called with the footage.
        progress: Called as the work goes on.
        damaged: Called with a line for each damaged piece of an earlier run that is made again.

    Under ``torchrun`` all processes train together, and the first does the rest; `out` is a folder that all see.

    Returns:
        The result files, and the table as Markdown; nothing in processes that only help to train.

    Raises:
        DatasetError: `out` holds something else, another run is at work there, or the dataset was changed.
        TrainingStopped: See `train`.
        SpecError, SourceError: The task cannot be run; all that can be known before the work is refused before it.
    """
    out = Path(out).expanduser()
    if not rank():
        _check(task, chosen, out, opened)
    with nullcontext() if rank() else _claimed(out, task, resume, damaged):
        return _run(task, chosen, out, device, workers, resume, progress, damaged)


def _run(
    task: Task,
    chosen: Sequence[Entry],
    out: Path,
    device: str,
    workers: int,
    resume: bool,
    progress: Progress,
    damaged: Callable[[str], object],
) -> tuple[list[Path], str]:
    kept = {entry: kept_restoration(task, entry, out, damaged) for entry in chosen if resume}
    missing = dict.fromkeys(entry.alone for entry in chosen if entry.trained and not kept.get(entry))
    trained = {entry: _train(task, entry, out, device, workers, resume, progress) for entry in missing}
    if rank():
        return [], ""
    data = prepare_clips(task, out / "data", max(workers, 1), progress)
    restored = [
        kept.get(entry) or restore_clips(task, entry, trained.get(entry.alone), data, out, device, progress)
        for entry in chosen
    ]
    results = list(score_models(task, restored, data, out, device, progress))
    paths = []
    for result in results:
        paths.append(out / "results" / f"{result.id}.json")
        result.save(paths[-1])
    return paths, build_report(results, out / "strips", out / "report.html", about=task.about)


def _check(task: Task, chosen: Sequence[Entry], out: Path, opened: Callable[[Source], object]) -> None:
    """Refuses what could not be run, before anything is made."""
    for name in task.metrics:
        try:
            make(name)
        except SpecError as error:
            raise error.within("metrics") from None
    if task.dataset:
        check_dataset(task.dataset)
    else:
        source = task.data.footage()
        opened(source)
        refuse_inside(source, out)
        clips = plan(scored_spec(task), source)
        shortest = min(clips, key=lambda clip: clip.frames)
        keys = task.colorization.key_frames if task.colorization else ()
        if keys and max(keys) >= shortest.frames:
            what = f"there is no frame {max(keys)} in clip {shortest.id!r} of {shortest.frames} frames"
            raise SpecError(what, "colorization.key_frames")
    if any(entry.trained for entry in chosen):
        check_training(task)


@contextmanager
def _claimed(out: Path, task: Task, resume: bool, damaged: Callable[[str], object]) -> Iterator[None]:
    """Makes sure that `out` is free, or holds a run of the same task begun earlier, and keeps others out."""
    _refuse_strangers(out)
    with hold(out / RUNNING / "lock", out):
        try:
            _claim(out, task, resume, damaged)
            yield
        finally:
            shutil.rmtree(out / RUNNING)


def _refuse_strangers(out: Path) -> None:
    """Nothing is made in a folder that holds something else."""
    found = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if MARK not in found and (others := found - BEGUN):
        raise DatasetError(f"{out} holds something else ({min(others)}); name a new or empty folder")


def _claim(out: Path, task: Task, resume: bool, damaged: Callable[[str], object]) -> None:
    mark, content = out / MARK, {"task": task.name, "task_sha256": task.digest()}
    if mark.exists():
        if not resume:
            raise DatasetError(f"{out} holds a run; go on with --resume, or name another folder")
        try:
            begun = read_json(mark)
        except DatasetError as error:
            if others := {path.name for path in out.iterdir()} - MADE - BEGUN:
                raise DatasetError(f"{error}, beside {min(others)}; name another folder") from None
            damaged(f"{error}; made again")  # whatever else is there says itself what it is of
        else:
            if begun != content:
                raise DatasetError(f"{out} holds a run of another task or budget; name another folder")
            return
    atomic.write(mark, pretty(content))


def _train(task: Task, entry: Entry, out: Path, device: str, workers: int, resume: bool, progress: Progress) -> Trained:
    torch.manual_seed(task.data.seed)
    config = {} if entry.file else task.train.config.get(entry.name, {})
    model = fitting(task, build(entry.model, entry.file, **{**config, **dict(entry.settings)}))
    return train(
        model, task, out / "train" / entry.id, name=entry.name, source=entry.source_hash(), device=device,
        workers=workers, resume=resume, stepped=lambda n, loss: progress(f"train {entry.name}", n, task.train.steps),
    )  # fmt: skip
