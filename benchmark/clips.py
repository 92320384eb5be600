"""The clips that a task scores: the task's own, written and checked, or those of a dataset given by the user."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from degrade.adapters.torch import PairedClips, Sample
from degrade.benchmark.flow import MotionSource, dis, exact
from degrade.benchmark.task import Task
from degrade.core.errors import DatasetError, SpecError
from degrade.core.types import Array
from degrade.dataset.generate import generate
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.pairs import cover
from degrade.dataset.plan import Clip, plan
from degrade.dataset.verify import verify
from degrade.spec import Spec

Progress = Callable[[str, int, int], object]
"""``progress(what, done, total)``: called as the work goes on."""


def prepare_clips(task: Task, out: Path, workers: int, progress: Progress) -> Path:
    """Writes the clips that the task scores, or finds them written, and checks them.

    Raises:
        DatasetError: `out` holds something else, or what an earlier run has written was changed.
    """
    if task.dataset:
        return task.dataset
    folders, done, total = _folders(task, out), itertools.count(1), 0

    def started(clips: list[Clip]) -> None:
        nonlocal total
        total = len(clips) * len(folders)

    def finished(clip: Clip) -> None:
        progress("clips", next(done), total)

    for severity, folder in folders:
        spec = scored_spec(task, severity)
        generate(spec, folder, workers=workers, resume=True, started=started, finished=finished)
        check_dataset(folder, "delete the folder, and go on with --resume")
    return out


class PreparedClip(NamedTuple):
    """One of the clips that a task scores."""

    name: str
    """Its id in the dataset, after its folder if the task has severities: ``severity-0.5/00_camera``."""
    severity: float | None
    """Of the damage; None if the task has no severities."""
    folder: DatasetFolder
    """The dataset that it is in."""
    sample: Sample


class PreparedClips:
    """The clips that `prepare_clips` has written, severity by severity.

    Args:
        task: What is scored.
        data: Where they are.
    """

    def __init__(self, task: Task, data: Path) -> None:
        self._parts = [
            (severity, DatasetFolder(folder), PairedClips(folder, task.split))
            for severity, folder in _folders(task, data)
        ]

    def __len__(self) -> int:
        return sum(len(clips) for _, _, clips in self._parts)

    def __iter__(self) -> Iterator[PreparedClip]:
        for severity, folder, clips in self._parts:
            for sample in (clips[i] for i in range(len(clips))):
                name = sample["clip"] if severity is None else f"{folder.path.name}/{sample['clip']}"
                yield PreparedClip(name, severity, folder, sample)


def _folders(task: Task, data: Path) -> list[tuple[float | None, Path]]:
    """The datasets of a task, one for each severity."""
    return [(severity, data / f"severity-{severity:g}") for severity in task.severities] or [(None, data)]


def check_dataset(dataset: Path, cure: str = "make it anew") -> None:
    """Refuses a dataset that is not as it was written."""
    problems = verify(dataset)
    if problems:
        raise DatasetError(f"{dataset}: {problems[0]}; {cure}")


def scored_spec(task: Task, severity: float | None = None) -> Spec:
    """The task's data, the split that is scored alone, with a mask for each op, at a severity if one is given."""
    source = task.data.footage()
    split_of = task.data.split_of(sequence.id for sequence in source.sequences())
    names = tuple(name for name, split in split_of.items() if split == task.split)
    if not names:
        raise SpecError(f"no sequence is in {task.split!r}", "data.splits")
    output = task.data.output.model_copy(update={"masks": "layers"})
    changes = {"splits": {task.split: names}, "output": output}
    return task.data.model_copy(update=changes if severity is None else {**changes, "severity": severity})


def lookalikes(task: Task) -> Callable[[str], dict[str, Array]]:
    """What of the content of each clip looks like damage, by the clip's name: opacity (T, H, W, 1) by kind; nothing of
    footage that does not say so."""
    source = None if task.dataset else task.data.footage()
    if source is None or not hasattr(source, "lookalike"):
        return lambda name: {}
    planned = {clip.id: clip for clip in plan(scored_spec(task), source)}

    def of_clip(name: str) -> dict[str, Array]:
        clip = planned[name]
        kind, opacity = source.lookalike(clip.sequence, clip.start, clip.start + clip.frames)
        resized = [cover(picture, clip.height, clip.width) for picture in opacity[..., 0]]
        return {f"look-alike: {kind}": np.stack(resized)[..., None].clip(0, 1)}

    return of_clip


def motion_sources(task: Task) -> Callable[[str], MotionSource]:
    """The motion of each clip, by its name."""
    if task.flow == "dis":
        return lambda name: dis
    source = task.data.footage()
    planned = {clip.id: clip for clip in plan(scored_spec(task), source)}
    return lambda name: exact(source, planned[name].sequence, planned[name].start)
