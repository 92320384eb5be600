"""Checks entries to the leaderboard against their task: what they say, and what their frames score."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from degrade.benchmark.clips import prepare_clips
from degrade.benchmark.metrics import registry
from degrade.benchmark.results import TaskClip, TaskClips
from degrade.benchmark.statistics import difference
from degrade.benchmark.submission import check_form, pixels_hash, restored, task_of_entries
from degrade.benchmark.task import Task
from degrade.core.errors import DegradeError
from degrade.core.types import as_clip, to_uint8
from degrade.leaderboard.schema import ClipScores, Result, ResultError, check_same_task, load
from degrade.sources import Source, open_source

ROUNDING_DB = 10 * math.log10(12 * 255**2)
"""PSNR of a picture that differs from another by rounding to 8 bits alone, 58.9 dB: nobody comes nearer to what damage
hides."""
RELATIVE = 1e-3
"""Scores made again may differ by so much, or by one of the last digits shown: devices and versions do."""


def check_entry(
    path: Path,
    *,
    task: str | None = None,
    data: str | None = None,
    peers: Sequence[Path] = (),
    device: str = "cpu",
    told: Callable[[str], object] = lambda line: None,
) -> Iterator[str]:
    """Checks a result with its provenance, and the frames that lie beside.

    Args:
        path: The result's file.
        task: File of a task that is not one of `benchmark ls`.
        data: The footage, for tasks that bring none.
        peers: Results of the same task that it is to share a table with.
        device: Where the metrics' networks run.
        told: Called with a line on what could not be checked.

    Yields:
        A line for all that is wrong, which names the file and the field.
    """
    try:
        result = load(path)
        known, at_hand = task_of_entries(task or result.task, data)
    except ResultError as error:
        yield str(error)
        return
    except DegradeError as error:
        yield f"{path}: task: {error}"
        return
    wrong = [*_said(path, result, known), *_beside(path, result, peers)]
    if not wrong and at_hand:
        with TemporaryDirectory() as scratch:
            clips = TaskClips(known, prepare_clips(known, Path(scratch) / "data", 1, lambda *_: None))
            wrong = list(_measured(path, result, clips, device, told))
    elif not wrong:
        told(f"{path}: its clips were not made, and its frames not scored; name the footage by --data")
    yield from (f"{path}: {line}" for line in wrong)


def _said(path: Path, result: Result, task: Task) -> Iterator[str]:
    """What is wrong by itself."""
    if result.provenance is None:
        yield "provenance: is required; pack it with benchmark submit"
        return
    if path.stem != result.id:
        yield f"model.name: {result.id!r} is to be in {result.id}.json"
    if result.task != task.name:
        yield f"task: is {result.task!r}, not {task.name!r}"
    if result.task_sha256 != (digest := task.digest()):
        yield f"task_sha256: is {result.task_sha256}, but {digest} is that of {task.name}"
    if result.model.baseline and result.model.name not in task.baselines:
        yield f"model.baseline: {result.model.name!r} is none of {task.name}; it has {', '.join(task.baselines)}"
    for i, row in enumerate(result.clips):
        yield from (f"clips[{i}].{line}" for line in _out_of_range(row, task))
        if row.clip not in result.provenance.frames_sha256:
            yield f"provenance.frames_sha256: has none of clip {row.clip!r}"


def _out_of_range(row: ClipScores, task: Task) -> Iterator[str]:
    for name in task.metrics:
        if name not in row.metrics and "predicted_mask" not in registry.get(name).needs:
            yield f"metrics.{name}: is required by {task.name}"
    for where, name, value in _scores(row):
        if name not in task.metrics and not where.startswith("psnr_over_time"):
            yield f"{where}: {task.name} has no such metric"
        elif value is not None:
            low, high = registry.get(name).bounds
            if not low <= value <= high:
                yield f"{where}: {value:g} lies outside the range of {name}, {low:g} to {high:g}"
    inside = row.metrics.get("psnr_inside")
    if inside is not None and inside > ROUNDING_DB:
        yield f"metrics.psnr_inside: {inside:.2f} dB; nobody can know so exactly what damage hides ({ROUNDING_DB:.1f})"
    mean = _mean(row.psnr_over_time)
    psnr = row.metrics.get("psnr")
    if not task.colorization and mean is not None and psnr is not None and not _near("psnr", psnr, mean):
        yield f"metrics.psnr: {psnr:.2f} dB, but the mean of psnr_over_time is {mean:.2f}"


def _scores(row: ClipScores) -> Iterator[tuple[str, str, float | None]]:
    """Every score: where it stands, by which metric, and its value."""
    yield from ((f"metrics.{name}", name, value) for name, value in row.metrics.items())
    yield from ((f"psnr_over_time[{t}]", "psnr", value) for t, value in enumerate(row.psnr_over_time))
    for kind, values in row.kinds.items():
        yield from ((f"kinds.{kind}.{name}", name, value) for name, value in values.items())


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _near(metric: str, value: float | None, other: float | None) -> bool:
    if value is None or other is None:
        return value is other
    return abs(value - other) <= max(10.0 ** -registry.get(metric).digits, RELATIVE * abs(other))


def _beside(path: Path, result: Result, peers: Sequence[Path]) -> Iterator[str]:
    """What is wrong beside the others of its table."""
    others = [(str(peer), load(peer)) for peer in peers if peer.resolve() != path.resolve()]
    for name, other in others:
        try:
            check_same_task([(name, other), ("it", result)])
        except ResultError as error:
            yield str(error).removeprefix("it: ")
            return
    if result.model.true_masks or not result.ranked:
        return
    for name, other in others:
        if other.model.true_masks and (gain := _gain(result, other)) > 0:
            yield (
                f"metrics.psnr_inside: beats {other.label}, which is told where the damage is ({name}), by at least "
                f"{gain:.2f} dB; if it is told, too, model.true_masks is to say so"
            )


def _gain(result: Result, oracle: Result) -> float:
    """By how much it is better inside the damage at least, dB, by the paired test; NaN if that cannot be said."""
    known = {row.clip: row.metrics.get("psnr_inside") for row in oracle.clips}
    sequences = [row.sequence for row in result.clips]
    mine = pd.Series([row.metrics.get("psnr_inside") for row in result.clips], sequences, float)
    theirs = pd.Series([known[row.clip] for row in result.clips], sequences, float)
    return difference(mine, theirs).low


def _measured(
    path: Path, result: Result, clips: TaskClips, device: str, told: Callable[[str], object]
) -> Iterator[str]:
    """What is wrong by the task's clips, and by the frames if they are there."""
    folder = path.parent / "restored" / result.id
    try:
        sources = {kind: open_source(at) for kind in ("frames", "masks") if (at := folder / kind).is_dir()}
    except DegradeError as error:
        yield f"restored: {error}"
        return
    if not sources:
        told(f"{path}: no frames in {folder}, so nothing was scored again")
    rows, known = {row.clip: (i, row) for i, row in enumerate(result.clips)}, set()
    for clip in clips:
        known.add(clip.name)
        if clip.name not in rows:
            yield f"clips: {clip.name!r} is missing"
            continue
        i, row = rows[clip.name]
        yield from (f"clips[{i}].{line}" for line in _of_clip(row, clip))
        try:
            yield from _of_frames(result, i, row, clip, clips, sources, device)
        except DegradeError as error:
            yield f"restored: {error}"
    yield from (
        f"clips[{i}].clip: {name!r} is none of {result.task}" for name, (i, _) in rows.items() if name not in known
    )
    if result.data_sha256 != clips.sha256:
        yield f"data_sha256: is {result.data_sha256}, but {clips.sha256} is that of the clips of {result.task}"


def _of_clip(row: ClipScores, clip: TaskClip) -> Iterator[str]:
    if row.sequence != clip.record.sequence:
        yield f"sequence: is {row.sequence!r}, not {clip.record.sequence!r}"
    if row.severity != clip.severity:
        yield f"severity: is {row.severity}, not {clip.severity}"
    if row.psnr_over_time and len(row.psnr_over_time) != len(clip.target):
        yield f"psnr_over_time: has {len(row.psnr_over_time)} frames, the clip {len(clip.target)}"
    for t, value in enumerate(row.psnr_over_time[: len(clip.target)]):
        if value is not None and value >= registry.get("psnr").bounds[1] and _is_made(clip, t):
            yield f"psnr_over_time[{t}]: {value:g} dB: the frame equals its target"
            return


def _is_made(clip: TaskClip, t: int) -> bool:
    """Whether frame t is the model's to make: it differs from its target, and its colours are not given."""
    key = clip.distances and clip.distances[t] == 0
    return not key and bool((to_uint8(clip.input[t]) != to_uint8(clip.target[t])).any())


def _of_frames(
    result: Result,
    i: int,
    row: ClipScores,
    clip: TaskClip,
    clips: TaskClips,
    sources: Mapping[str, Source],
    device: str,
) -> Iterator[str]:
    if "frames" not in sources:
        return
    assert result.provenance is not None
    found = restored(sources["frames"], row.clip, clips.task)
    check_form(row.clip, found, clip.target)
    if pixels_hash(found) != result.provenance.frames_sha256[row.clip]:
        yield f"provenance.frames_sha256.{row.clip}: is not that of the frames in restored/{result.id}"
        return
    clean = to_uint8(clip.target)
    same = [t for t in range(len(clean)) if (found[t] == clean[t]).all() and _is_made(clip, t)]
    if same:
        yield f"restored: clip {row.clip!r}: frame {same[0]} equals its target"
        return
    masks = {}
    if "masks" in sources:
        masks["it"] = as_clip(restored(sources["masks"], row.clip, clips.task, masks=True))
    again = {
        where: value for where, _, value in _scores(clips.score(clip, {"it": as_clip(found)}, masks, device)["it"])
    }
    for where, metric, value in _scores(row):
        if where in again and not _near(metric, value, again[where]):
            yield f"clips[{i}].{where}: is {value}, but its frames score {again[where]}"
            return
