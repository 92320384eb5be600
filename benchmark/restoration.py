"""Runs a model over a task's clips; writes the restored frames and a record of the cost."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from degrade.adapters.torch import Sample
from degrade.benchmark.clips import PreparedClips, Progress
from degrade.benchmark.coloring import color_clip, fitting
from degrade.benchmark.entries import Entry, trainable
from degrade.benchmark.hardware import device_name, peak_memory, reset_peak_memory
from degrade.benchmark.making import state_hash
from degrade.benchmark.metrics import registry as metrics
from degrade.benchmark.task import Task
from degrade.benchmark.train import Trained, showing
from degrade.core import atomic
from degrade.core.errors import DatasetError, DegradeError
from degrade.core.types import Array, as_clip, to_uint8
from degrade.dataset.records import file_hash, read_json, versions
from degrade.leaderboard.schema import CurvePoint, Model, Run, Training
from degrade.models import build, models
from degrade.models._colorization import ColorizationModel
from degrade.models._stream import restore
from degrade.models.base import RestorationModel, restoring
from degrade.sources import open_source
from degrade.writers import open_writer


class Restoration(NamedTuple):
    """A model that has restored all clips, and at what cost."""

    entry: Entry
    model: Model
    run: Run
    training: Training | None


def restore_clips(
    task: Task, entry: Entry, trained: Trained | None, data: Path, out: Path, device: str, progress: Progress
) -> Restoration:
    """Writes what the model makes of every clip."""
    folder = out / "restored" / entry.id
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier state of the model
    training, weights = None, None
    if trained:
        recipe = task.train.model_dump(mode="json", exclude={"config", "lr_factor"})
        recipe |= {"lr": task.train.rate(entry.alone.name), "device": device_name(device)}
        if entry.file:
            recipe |= {"init": entry.file.name, "init_sha256": file_hash(entry.file)}
        curve = tuple(CurvePoint(**point) for point in trained.curve)
        training = Training(steps=trained.steps, seconds=trained.seconds, recipe=recipe, curve=curve)
        weights = trained.weights
    else:
        weights = entry.file
    model = fitting(task, build(entry.model, weights, **dict(entry.settings)))
    state = "" if weights else state_hash(model)  # before the model may change it
    model = model.eval().to(device)
    before = None
    if entry.restorer:
        before = restoring(build(entry.restorer.model, entry.restorer.file)).eval().to(device)
    reset_peak_memory(device)
    clips = PreparedClips(task, data)
    begun, busy, frames = time.monotonic(), 0.0, 0
    for i, (name, _, _, sample) in enumerate(clips):
        start = time.monotonic()
        if isinstance(model, RestorationModel):
            made, masks = apply(model, sample, device, entry.true_masks)
        else:
            assert task.colorization is not None  # the model fits
            made, masks = color_clip(task.colorization, model, sample, device, before), None
        busy, frames = busy + time.monotonic() - start, frames + len(made)
        for kind, pictures in (("frames", made), ("masks", masks)):
            if pictures is not None:
                with open_writer(folder / kind / f"{name}.mkv") as writer:
                    for picture in to_uint8(pictures):
                        writer.write(picture)
        progress(f"restore {entry.id}", i + 1, len(clips))
    about = _about(task, entry, model, weights)
    if entry.restorer and before is not None:
        about = about.model_copy(update={"restorer": _about(task, entry.restorer, before, entry.restorer.file)})
    cost = Run(
        device=device_name(device),
        seconds=time.monotonic() - begun,
        seconds_per_frame=busy / frames,
        peak_memory_mib=peak_memory(device),
        versions={
            **versions(),
            **task.data.versions(),
            **models.version_of(type(model)),
            **{key: value for name in task.metrics for key, value in metrics.version_of(metrics.get(name)).items()},
            "torch": torch.__version__,
        },
    )
    saved = Restoration(entry, about, cost, training)
    content = {key: part and part.model_dump(mode="json") for key, part in saved._asdict().items() if key != "entry"}
    content |= {"task": _of(task, entry), "pictures_sha256": _pictures_hash(folder), "state_sha256": state}
    atomic.write(folder / "record.json", json.dumps(content))
    return saved


def _about(task: Task, entry: Entry, model: RestorationModel | ColorizationModel, weights: Path | None) -> Model:
    card = model.card
    given = f"{entry.restorer.model}+{entry.model}" if entry.restorer else entry.model
    return Model(
        name=entry.name,
        summary=card.summary,
        paper=card.source,
        licence=card.code_licence,
        baseline=given in task.baselines and not entry.settings,
        parameters=trainable(model),
        weights=entry.weights,
        weights_sha256=file_hash(weights) if weights else None,
        weights_licence=entry.licence(card),
        config=model.config,
        settings=dict(entry.settings),
        true_masks=entry.true_masks,
    )


def _of(task: Task, entry: Entry) -> str:
    """What restored clips are of."""
    return task.digest() + task.dataset_hash() + entry.source_hash()


def kept_restoration(
    task: Task, entry: Entry, out: Path, damaged: Callable[[str], object] = lambda line: None
) -> Restoration | None:
    """What an earlier run of the task has restored, if it came to the end and the model is still the same.

    Args:
        task: The same.
        entry: The same model.
        out: Folder of the run.
        damaged: Called with a line that names what is to be made again.
    """
    folder = out / "restored" / entry.id
    record = folder / "record.json"
    if not record.exists():
        return None
    try:
        kept = read_json(record)
        if kept["task"] != _of(task, entry):
            return None
        if entry.file and not entry.trained and kept["model"]["weights_sha256"] != file_hash(entry.file):
            return None
        state = kept["state_sha256"]
        if state and state != state_hash(build(entry.model, None, **dict(entry.settings))):
            return None  # it reads a file of its own
        training = Training(**kept["training"]) if kept["training"] else None
        found = Restoration(entry, Model(**kept["model"]), Run(**kept["run"]), training)
        if kept["pictures_sha256"] != _pictures_hash(folder):
            raise DatasetError("frames are missing or were changed")
    except (DegradeError, LookupError, TypeError, RecursionError) as error:
        damaged(f"{folder}: damaged ({type(error).__name__}: {error}); made again")
        return None
    return found


def _pictures_hash(folder: Path) -> str:
    return file_hash(*(path for kind in ("frames", "masks") if (path := folder / kind).is_dir()))


@torch.no_grad()
def apply(model: RestorationModel, sample: Sample, device: str, true_masks: bool = False) -> tuple[Array, Array | None]:
    """A clip restored, (T, H, W, C), and where the model sees damage, (T, H, W, 1), if it says so.

    With `true_masks` it fills what shows of the damage, and says nothing.
    """
    clip = sample["lq"][None].to(device)
    if true_masks:
        return _frames(restore(model, clip, masks=showing(sample["mask"])[None].to(clip))), None
    if model.card.masks and clip.shape[1] <= model.card.window:
        restored = model(clip, return_masks=True)
        return _frames(restored.frames), _frames(restored.masks)
    return _frames(restore(model, clip)), None


def _frames(clip: torch.Tensor) -> Array:
    return clip[0].float().cpu().permute(0, 2, 3, 1).numpy()


def read_restored(out: Path, model: str, kind: str, clip: str, channels: int) -> Array | None:
    """Frames or masks of a clip that `restore_clips` has written of the model of that id, (T, H, W, C), or None."""
    path = out / "restored" / model / kind / f"{clip}.mkv"
    if not path.exists():
        return None
    source = open_source(path)
    (sequence,) = source.sequences()
    return as_clip(source.read(sequence, 0, sequence.frames)[..., :channels])
