"""Entries to the leaderboard: a result, what its authors say of it, and the restored frames, in one folder.

FOLDER/<id>.json                            the result, with its provenance
FOLDER/restored/<id>/frames/<clip>.mkv      lossless; masks/ beside, of models that make some
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from degrade.benchmark.clips import Progress, prepare_clips
from degrade.benchmark.flow import luma
from degrade.benchmark.results import TaskClips
from degrade.benchmark.run import MARK
from degrade.benchmark.task import Task, load_task, tasks
from degrade.core.errors import DatasetError, SpecError
from degrade.core.fields import Strict
from degrade.core.types import Array, as_clip, to_uint8
from degrade.dataset.records import file_hash, read_json
from degrade.leaderboard.schema import Model, Provenance, Result, Run, load
from degrade.sources import Source, open_source
from degrade.spec import mapping
from degrade.writers import open_writer

ELSEWHERE = "builtin:stills"
"""Stands in for footage that is not at hand, where the clips are not made."""


class Answers(Strict):
    """What only its authors know of an entry."""

    commit: str | None = None
    """See `Provenance`; or the path of the model's file, whose SHA-256 is taken."""
    hardware: str | None = None
    """Of a result of `benchmark run` what it says itself."""
    training_data: str | None = None
    scored_clips_seen: bool | None = None
    model: Model | None = None
    """Of frames that were made elsewhere."""
    seconds_per_frame: float | None = None
    """Of frames that were made elsewhere."""

    def provenance(self, device: str, frames_sha256: Mapping[str, str]) -> Provenance:
        """Raises SpecError, naming the answer, for one that is missing or not allowed."""
        given = self.model_dump(include=set(Provenance.model_fields), exclude_none=True)
        given.setdefault("hardware", device)
        source = Path(given.get("commit", "")).expanduser()
        if source.is_file():
            given["commit"] = file_hash(source)
        return Provenance(**given, frames_sha256=dict(frames_sha256))


def task_of_entries(name: str, data: str | None = None) -> tuple[Task, bool]:
    """A task, and whether its clips can be made: without `data` they cannot where the user must name the footage."""
    absent = data is None and name in tasks and bool(mapping(tasks.content(name), f"task {name}").get("footage"))
    return load_task(name, source=ELSEWHERE if absent else data), not absent


def submit(
    made: Path,
    out: Path,
    answers: Answers,
    *,
    frames: str | None = None,
    task: str | None = None,
    data: str | None = None,
    device: str = "cpu",
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Packs an entry.

    Args:
        made: A result, or the folder of a run that holds one beside those of the baselines. If `answers` name a model,
            the folder of a run whose clips were restored elsewhere: they are scored here.
        out: Folder of the entry, new or empty.
        answers: Of its authors.
        frames: Restored clips, videos or folders of frames under the names of the clips; those of the run if not given.
        task: File of a task that is not one of `benchmark ls`.
        data: The footage, for tasks that bring none.
        device: Where the metrics' networks run.
        progress: Called as the work goes on.

    Returns:
        The result's file.

    Raises:
        SpecError: An answer is missing, or there is more than one result.
        DatasetError, SourceError: Frames that are missing, or are not those of the task's clips.
    """
    if out.exists() and any(out.iterdir()):
        raise DatasetError(f"{out} is not empty; name a new folder")
    elsewhere = answers.model
    if elsewhere and not frames:
        raise SpecError("is required: the clips that were restored elsewhere", "--frames")
    path = None if elsewhere else _result_file(made)
    result = load(path) if path else None
    name = task or (result.task if result else _task_of_run(made))
    known, _ = task_of_entries(name, data)
    run = made if path is None or made.is_dir() else path.parent.parent
    whose = result.model if result else answers.model
    assert whose is not None
    kept = run / "restored" / whose.id
    if not frames and not (kept / "frames").is_dir():
        raise SpecError(f"is required, as there are none in {kept / 'frames'}", "--frames")
    sources = {"frames": open_source(frames or kept / "frames")}
    if not frames and (kept / "masks").is_dir():
        sources["masks"] = open_source(kept / "masks")
    answers.provenance(result.run.device if result else "", {"": "0" * 64})  # refused before the work
    if result is None:
        clips = TaskClips(known, prepare_clips(known, made / "data", 1, progress))
        result = _score(clips, whose, answers, sources["frames"], device, progress)
    hashes = _pack(known, result, sources, out / "restored" / whose.id)
    said = answers.provenance(result.run.device, hashes)
    entry = out / f"{whose.id}.json"
    result.model_copy(update={"provenance": said}).save(entry)
    return entry


def _result_file(made: Path) -> Path:
    """Of a run the result of its one model that is no baseline."""
    if not made.is_dir():
        return made
    found = {path: load(path) for path in sorted((made / "results").glob("*.json"))}
    own = [path for path, result in found.items() if not result.model.baseline]
    if len(own) != 1:
        names = ", ".join(path.name for path in own or found) or "none"
        raise SpecError(f"{made}: must hold one result beside the baselines', name its file; there is {names}")
    return own[0]


def _task_of_run(run: Path) -> str:
    if not (run / MARK).is_file():
        raise DatasetError(f"{run} is not the folder of a run; make one by: benchmark run --model input --task TASK")
    return str(read_json(run / MARK)["task"])


def _score(clips: TaskClips, model: Model, answers: Answers, source: Source, device: str, progress: Progress) -> Result:
    rows = []
    for i, clip in enumerate(clips):
        found = as_clip(restored(source, clip.name, clips.task))
        check_form(clip.name, found, clip.target)
        rows.append(clips.score(clip, {"it": found}, {}, device)["it"])
        progress("score", i + 1, len(clips))
    return Result(
        task=clips.task.name,
        task_sha256=clips.task.digest(),
        data_sha256=clips.sha256,
        model=model,
        clips=tuple(rows),
        run=Run(device=answers.hardware or "", seconds_per_frame=answers.seconds_per_frame),
    )


def check_form(clip: str, found: Array, target: Array) -> None:
    """Raises DatasetError unless a restored clip has the number and size of the target's frames."""
    if found.shape != target.shape:
        (t, h, w, _), (frames, height, width, _) = found.shape, target.shape
        raise DatasetError(f"clip {clip!r}: {t} frames of {w}×{h} pixels, not {frames} of {width}×{height}")


def restored(source: Source, clip: str, task: Task, masks: bool = False) -> Array:
    """A clip, (T, H, W, C) uint8, as it is scored: of grey tasks the luma, of masks one channel.

    Raises:
        SourceError: There is none of that name, or it is damaged.
    """
    sequence = source.find(clip)
    frames = source.read(sequence, 0, sequence.frames)
    if masks or (task.data.color == "grey" and (frames == frames[..., :1]).all()):
        return frames[..., :1]
    if task.data.color == "grey":
        return to_uint8(np.stack([luma(frame.astype(np.float32) / 255) for frame in frames])[..., None])
    return frames


def pixels_hash(frames: Array) -> str:
    """SHA-256 of the restored frames of a clip, uint8."""
    return hashlib.sha256(frames.tobytes()).hexdigest()


def _pack(task: Task, result: Result, sources: Mapping[str, Source], folder: Path) -> dict[str, str]:
    """Writes frames and masks; the hashes of the frames, by clip."""
    hashes = {}
    for row in result.clips:
        for kind, source in sources.items():
            frames = restored(source, row.clip, task, kind == "masks")
            if kind == "frames":
                hashes[row.clip] = pixels_hash(frames)
            with open_writer(folder / kind / f"{row.clip}.mkv") as writer:
                for frame in frames:
                    writer.write(frame)
    return hashes


def answers_of(content: Mapping[str, Any], **given: Any) -> Answers:
    """Answers out of a file, and those given beside, which come first; ``name`` is that of the model."""
    name = given.pop("name")
    whole = {**content, **{key: value for key, value in given.items() if value is not None}}
    if name is not None:
        whole["model"] = {**mapping(whole.get("model") or {}, "model"), "name": name}
    if isinstance(whole.get("commit"), str):
        whole["commit"] = re.sub(r"^[0-9A-F]{7,64}$", lambda found: found[0].lower(), whole["commit"])
    return Answers(**whole)
