"""Scores all models of a run, clip by clip; what depends on the target alone is computed once."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from degrade.adapters.torch import PairedClips
from degrade.benchmark.clips import Progress, motion_sources
from degrade.benchmark.coloring import grey, key_distances
from degrade.benchmark.restoration import Restoration, read_restored
from degrade.benchmark.score import ClipScore, score_clip
from degrade.benchmark.strips import save_strips
from degrade.benchmark.task import Task
from degrade.core.types import Array, as_clip, to_uint8
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.records import ClipRecord
from degrade.leaderboard.schema import ClipScores, Result

SHOWN = 5
"""Frames of a clip on its film strip."""


def score_models(
    task: Task, restored: Sequence[Restoration], data: Path, out: Path, device: str, progress: Progress
) -> Iterator[Result]:
    """Scores all models on one clip after the other."""
    folder = DatasetFolder(data)
    clips = PairedClips(data, task.split)
    motion_of = motion_sources(task)
    pixels = hashlib.sha256()
    scores: dict[str, list[ClipScores]] = {r.entry.id: [] for r in restored}
    for i, sample in enumerate(clips[i] for i in range(len(clips))):
        name = sample["clip"]
        lq, gt, mask = (sample[kind].permute(0, 2, 3, 1).numpy() for kind in ("lq", "gt", "mask"))
        for part in (lq, gt, mask):
            pixels.update(to_uint8(part).tobytes())
        distances: tuple[int, ...] = ()
        if asked := task.colorization:
            distances = key_distances(asked, len(gt))
            lq, gt, mask = grey(lq[: len(distances)]), gt[: len(distances)], mask[: len(distances)]
        found = {r.entry.id: read_restored(out, r.entry, "frames", name, gt.shape[-1]) for r in restored}
        seen = {r.entry.id: read_restored(out, r.entry, "masks", name, 1) for r in restored}
        present = {key: frames for key, frames in found.items() if frames is not None}
        scored_models = score_clip(
            present, gt, task.metrics, input=lq, mask=mask, kinds={} if asked else masks_by_kind(folder, name),
            predicted_masks={key: frames for key, frames in seen.items() if frames is not None},
            key_frames=asked.key_frames if asked else (), motion_of=motion_of(name), device=device,
        )  # fmt: skip
        shown = np.linspace(0, len(gt) - 1, min(SHOWN, len(gt))).round().astype(int)
        for key, score in scored_models.items():
            scores[key].append(_clip_scores(folder.clips[name], score, task.metrics[0], distances))
            save_strips(out / "strips" / name, key, lq[shown], present[key][shown], gt[shown], mask[shown])
        progress("score", i + 1, len(clips))
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


def masks_by_kind(folder: DatasetFolder, clip: str) -> dict[str, Array]:
    """The alpha (T, H, W, 1) of each kind of damage in a clip, by the id or name of its op; none without layers."""
    kinds: dict[str, Array] = {}
    for label, layer in folder.layers(clip).items():
        alpha, kind = as_clip(folder.read(layer, clip)), label.rpartition("/")[2].partition("#")[0]
        kinds[kind] = np.maximum(kinds[kind], alpha) if kind in kinds else alpha
    return kinds


def _clip_scores(record: ClipRecord, score: ClipScore, main: str, distances: tuple[int, ...]) -> ClipScores:
    values = {key: None if math.isnan(value) else value for key, value in score.values.items()}
    references: dict[str, dict[str, float | None]] = {}
    for key in [key for key in values if "." in key]:
        metric, _, what = key.partition(".")
        references.setdefault(what, {})[metric] = values.pop(key)
    return ClipScores(
        clip=record.id,
        sequence=record.sequence,
        damage=tuple(record.fired.split()),
        metrics=values,
        psnr_over_time=tuple(score.series.get("psnr", ())),
        key_distances=distances,
        main_over_time=tuple(score.series.get(main, ())) if distances else (),
        references=references,
        kinds={
            kind: {name: None if math.isnan(value) else value for name, value in values.items()}
            for kind, values in score.kinds.items()
        },
    )
