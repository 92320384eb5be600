"""Scores all models of a run, clip by clip; what depends on the target alone is computed once."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from degrade.benchmark.clips import PreparedClips, Progress, lookalikes, motion_sources
from degrade.benchmark.coloring import grey, key_distances
from degrade.benchmark.restoration import Restoration, read_restored
from degrade.benchmark.score import ClipScore, score_clip
from degrade.benchmark.strips import save_samples, save_strips
from degrade.benchmark.task import Task
from degrade.core.types import Array, as_clip, to_uint8
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.records import ClipRecord
from degrade.leaderboard.schema import ClipScores, Result

SHOWN = 5
"""Frames of a clip on its film strip."""


class TaskClip(NamedTuple):
    """A clip, as models are scored on it."""

    name: str
    """Among the clips of the task."""
    severity: float | None
    """Of the damage, in tasks that have severities."""
    record: ClipRecord
    folder: DatasetFolder
    """The dataset that it is in."""
    input: Array
    """(T, H, W, C) float32 in [0, 1], of `target` too."""
    target: Array
    mask: Array
    """(T, H, W, 1), the alpha of the damage."""
    distances: tuple[int, ...]
    """In colour tasks, of each frame to the nearest key frame."""


class TaskClips:
    """The clips that a task scores, one after the other.

    Args:
        task: What is scored.
        data: Folder of the clips, from `prepare_clips`.
    """

    def __init__(self, task: Task, data: Path) -> None:
        self.task, self._clips = task, PreparedClips(task, data)
        self._motion_of, self._lookalikes = motion_sources(task), lookalikes(task)
        self._pixels = hashlib.sha256()

    def __len__(self) -> int:
        return len(self._clips)

    def __iter__(self) -> Iterator[TaskClip]:
        for name, severity, folder, sample in self._clips:
            lq, gt, mask = (sample[kind].permute(0, 2, 3, 1).numpy() for kind in ("lq", "gt", "mask"))
            for part in (lq, gt, mask):
                self._pixels.update(to_uint8(part).tobytes())
            distances: tuple[int, ...] = ()
            if asked := self.task.colorization:
                distances = key_distances(asked, len(gt))
                lq, gt, mask = grey(lq[: len(distances)]), gt[: len(distances)], mask[: len(distances)]
            yield TaskClip(name, severity, folder.clips[sample["clip"]], folder, lq, gt, mask, distances)

    @property
    def sha256(self) -> str:
        """Of the pixels of all clips that were given out."""
        return self._pixels.hexdigest()

    def score(
        self, clip: TaskClip, frames: Mapping[str, Array], masks: Mapping[str, Array], device: str
    ) -> dict[str, ClipScores]:
        """Scores what models made of a clip, (T, H, W, C), and their masks, (T, H, W, 1), by model."""
        id, asked = clip.record.id, self.task.colorization
        sound = clip.mask == 0
        kinds = masks_by_kind(clip.folder, id) if not asked else {}
        kinds |= {kind: opacity * sound for kind, opacity in self._lookalikes(id).items()}
        scores = score_clip(
            frames, clip.target, self.task.metrics, input=clip.input, mask=clip.mask,
            kinds=kinds, predicted_masks=masks,
            key_frames=asked.key_frames if asked else (), motion_of=self._motion_of(id), device=device,
        )  # fmt: skip
        main = self.task.metrics[0]
        return {key: _clip_scores(clip, score, main) for key, score in scores.items()}


def score_models(
    task: Task, restored: Sequence[Restoration], data: Path, out: Path, device: str, progress: Progress
) -> Iterator[Result]:
    """Scores all models on one clip after the other; of severities the strips show the first sequence at each."""
    clips = TaskClips(task, data)
    scores: dict[str, list[ClipScores]] = {r.entry.id: [] for r in restored}
    first = ""
    for i, clip in enumerate(clips):
        name, lq, gt, mask = clip.name, clip.input, clip.target, clip.mask
        found = {r.entry.id: read_restored(out, r.entry.id, "frames", name, gt.shape[-1]) for r in restored}
        seen = {r.entry.id: read_restored(out, r.entry.id, "masks", name, 1) for r in restored}
        present = {key: frames for key, frames in found.items() if frames is not None}
        masks = {key: frames for key, frames in seen.items() if frames is not None}
        shown = np.linspace(0, len(gt) - 1, min(SHOWN, len(gt))).round().astype(int)
        for key, score in clips.score(clip, present, masks, device).items():
            scores[key].append(score)
        first = first or clip.record.sequence
        if clip.severity is None or clip.record.sequence == first:
            for key, frames in present.items():
                save_strips(out / "strips" / name, key, lq[shown], frames[shown], gt[shown], mask[shown])
            save_samples(out / "strips" / name, {"input": lq, "clean": gt, **present})
        progress("score", i + 1, len(clips))
    for r in restored:
        yield Result(
            task=task.name,
            task_sha256=task.digest(),
            data_sha256=clips.sha256,
            model=r.model,
            clips=tuple(scores[r.entry.id]),
            run=r.run,
            training=r.training,
        )


def masks_by_kind(folder: DatasetFolder, clip: str) -> dict[str, Array]:
    """The alpha (T, H, W, 1) of each kind of damage in a clip, by the id or name of its op; none without layers."""
    kinds: dict[str, Array] = {}
    for label, layer in folder.layers(clip).items():
        alpha, kind = as_clip(folder.read(layer, clip)), label.rpartition("/")[2].partition("#")[0]
        kinds[kind] = np.maximum(kinds[kind], alpha) if kind in kinds else alpha
    return kinds


def _clip_scores(clip: TaskClip, score: ClipScore, main: str) -> ClipScores:
    values = {key: None if math.isnan(value) else value for key, value in score.values.items()}
    references: dict[str, dict[str, float | None]] = {}
    for key in [key for key in values if "." in key]:
        metric, _, what = key.partition(".")
        references.setdefault(what, {})[metric] = values.pop(key)
    return ClipScores(
        clip=clip.name,
        sequence=clip.record.sequence,
        severity=clip.severity,
        damage=tuple(clip.record.fired.split()),
        metrics=values,
        psnr_over_time=tuple(score.series.get("psnr", ())),
        key_distances=clip.distances,
        main_over_time=tuple(score.series.get(main, ())) if clip.distances else (),
        references=references,
        kinds={
            kind: {name: None if math.isnan(value) else value for name, value in values.items()}
            for kind, values in score.kinds.items()
        },
    )
