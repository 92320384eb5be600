"""Scores restored footage against the clean one."""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from degrade.benchmark.films import paired
from degrade.benchmark.flow import MotionSource, dis, exact, luma
from degrade.benchmark.metrics import Frame, Metric, make, registry
from degrade.benchmark.summary import ScoredClip
from degrade.core.errors import DatasetError, SpecError
from degrade.core.types import Array
from degrade.sources.base import Depth, FrameSequence, Source

Frames = Iterable[Array]
"""Frames (H, W, C) float32 in [0, 1] in order: an array (T, H, W, C), or a generator that reads them."""


class ClipScore(NamedTuple):
    """One clip's numbers by metric; ``e_warp.input`` and ``e_warp.target`` are what E_warp is shown beside."""

    values: dict[str, float]
    series: dict[str, list[float]]
    """Per frame; NaN where a frame has no value."""
    kinds: dict[str, dict[str, float]]
    """By kind of damage and metric, on that kind alone."""


def score_clip(
    predictions: Mapping[str, Frames],
    target: Frames,
    metrics: Sequence[str],
    *,
    input: Frames | None = None,
    mask: Frames | None = None,
    kinds: Mapping[str, Frames] | None = None,
    predicted_masks: Mapping[str, Frames] | None = None,
    key_frames: Collection[int] = (),
    motion_of: MotionSource = dis,
    device: str = "cpu",
) -> dict[str, ClipScore]:
    """Scores several models on one clip, frame by frame, so that what derives from the target is computed once.

    Args:
        predictions: Restored frames by model.
        target: Clean frames.
        metrics: Names of metrics. One whose needs are not met is left out of the values.
        input: Damaged frames.
        mask: The damage's alpha, (H, W, 1).
        kinds: The alpha of each kind of damage alone, (H, W, 1), by its name.
        predicted_masks: By model, for those that have masks.
        key_frames: Frames whose colours the models were given, by number; they are left out of all means.
        motion_of: Where the motion of the target comes from.
        device: Where the metrics' networks run.

    Raises:
        SpecError: Unknown metric.
        DatasetError: Different numbers of frames.
        SourceError: Different sizes, or values out of range.
    """
    given = {"target", "motion", *(["input"] if input is not None else []), *(["mask"] if mask is not None else [])}
    found = predicted_masks or {}
    meters: dict[str, dict[str, Metric]] = {}
    for model in predictions:
        has = given | ({"predicted_mask"} if model in found else set())
        meters[model] = {name: make(name, device) for name in metrics if has.issuperset(registry.get(name).needs)}
    apart = {
        (model, kind, name): make(name, device)
        for model, named in meters.items()
        for name, metric in named.items()
        if metric.by_kind
        for kind in kinds or ()
    }
    used = dict.fromkeys(name for named in meters.values() for name in named)
    beside = {(name, what): make(name, device) for name in used for what in registry.get(name).beside if what in given}
    moving = any("motion" in registry.get(name).needs for name in used)
    series: dict[str, dict[str, list[float]]] = {model: {name: [] for name in meters[model]} for model in meters}

    streams: dict[str, Frames] = {"the target": target}
    if input is not None:
        streams["the input"] = input
    if mask is not None:
        streams["the mask"] = mask
    streams |= {f"the mask of {kind}": frames for kind, frames in (kinds or {}).items()}
    streams |= {f"the prediction of {model}": frames for model, frames in predictions.items()}
    streams |= {f"the predicted mask of {model}": found[model] for model in predictions if model in found}

    before: Array | None = None
    for t, now in enumerate(_together(streams)):
        clean = now["the target"]
        motion = motion_of(t - 1, before, clean) if moving and before is not None else None
        truth = Frame(clean, clean, now.get("the input"), now.get("the mask"), motion=motion, given=t in key_frames)
        before = clean
        for model, named in meters.items():
            frame = replace(
                truth,
                prediction=now[f"the prediction of {model}"],
                predicted_mask=now.get(f"the predicted mask of {model}"),
            )
            for name, metric in named.items():
                series[model][name].append(metric.update(frame))
            for (whose, kind, _), metric in apart.items():
                if whose == model:
                    metric.update(replace(frame, part=now[f"the mask of {kind}"]))
        for (_, what), metric in beside.items():
            metric.update(replace(truth, prediction=clean if what == "target" else now["the input"]))
    extra = {f"{name}.{what}": metric.result() for (name, what), metric in beside.items()}
    return {
        model: ClipScore(
            {name: metric.result() for name, metric in named.items()}
            | {key: value for key, value in extra.items() if key.partition(".")[0] in named},
            series[model],
            {
                kind: {name: m.result() for (o, k, name), m in apart.items() if (o, k) == (model, kind)}
                for kind in kinds or ()
            },
        )
        for model, named in meters.items()
    }


def _together(streams: Mapping[str, Frames]) -> Iterator[dict[str, Array]]:
    """Frames of all streams side by side; DatasetError where one ends before the others."""
    for t, frames in enumerate(itertools.zip_longest(*streams.values())):
        now = dict(zip(streams, frames, strict=True))
        for name, frame in now.items():
            if frame is None:
                raise DatasetError(f"{name} has {t} frames, fewer than the others")
        yield now


class ScoringInputs(NamedTuple):
    """FrameSequence to be scored, and what belongs to it. Clips belong together by their ids."""

    prediction: Source
    target: Source
    input: Source | None = None
    mask: Source | None = None
    predicted_mask: Source | None = None

    def clips(self) -> list[dict[str, FrameSequence]]:
        """Each clip's sequences, by field.

        Raises:
            DatasetError: See `paired`.
        """
        found = {
            field: paired(self.target, source, field.replace("_", " "))
            for field, source in self._asdict().items()
            if source is not None
        }
        return [dict(zip(found, clip, strict=True)) for clip in zip(*found.values(), strict=True)]


def pick(names: Sequence[str] | None, given: ScoringInputs, grey: bool = False) -> list[str]:
    """The metrics to compute.

    Args:
        names: As asked for; None for all whose needs are met and whose packages are installed.
        given: What there is to score.
        grey: Whether the luma alone is scored, which has no colours to compare.

    Raises:
        SpecError: Unknown metric, or one that needs what is not given or installed.
    """
    has = {"motion", *(field for field, source in given._asdict().items() if source is not None)}
    picked = []
    for name in registry.names() if names is None else names:
        metric = registry.get(name)
        lacking = [need for need in metric.needs if need not in has]
        if names is not None:
            if lacking:
                options = " and ".join({"predicted_mask": "--pred-mask"}.get(need, f"--{need}") for need in lacking)
                raise SpecError(f"metric {name!r} needs {options}")
            make(name)
        elif lacking or not metric.installed() or (grey and metric.color):
            continue
        picked.append(name)
    if not picked:
        raise SpecError("no metrics given", "--metrics")
    return picked


def score_footage(
    given: ScoringInputs,
    metrics: Sequence[str],
    *,
    grey: bool = False,
    device: str = "cpu",
    scored: Callable[[], None] | None = None,
) -> Iterator[ScoredClip]:
    """Scores footage clip by clip.

    Args:
        given: What to score; its `clips` are checked before the first is scored.
        metrics: From `pick`.
        grey: Score the luma (BT.601) alone.
        device: Where the metrics' networks run.
        scored: Called as each frame is read.
    """
    for clip in given.clips():

        def frames(field: str, clip: dict[str, FrameSequence] = clip) -> Iterator[Array] | None:
            source = getattr(given, field)
            form = _mask if "mask" in field else luma if grey else None
            return None if source is None else _read(source, clip[field], form)

        prediction, target, found = frames("prediction"), frames("target"), frames("predicted_mask")
        assert prediction is not None
        assert target is not None
        scores = score_clip(
            {"it": prediction if scored is None else _counted(prediction, scored)},
            target,
            metrics,
            input=frames("input"),
            mask=frames("mask"),
            predicted_masks={"it": found} if found else None,
            motion_of=exact(given.target, clip["target"]),
            device=device,
        )
        footage = clip["target"]
        yield ScoredClip(footage.id, footage.frames, footage.height, footage.width, scores["it"].values)


def _counted(frames: Frames, each: Callable[[], None]) -> Iterator[Array]:
    for frame in frames:
        yield frame
        each()


def _read(source: Source, clip: FrameSequence, form: Callable[[Array], Array] | None) -> Iterator[Array]:
    depth: Depth = 16 if clip.stream.depth > 8 else 8
    for frame in source.each(clip, depth=depth):
        picture = frame.astype(np.float32) / (2**depth - 1)
        yield picture if form is None else form(picture)[..., None].clip(0, 1)


def _mask(picture: Array) -> Array:
    """A mask, which may be painted in any colour."""
    return picture.max(-1)
