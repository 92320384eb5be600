"""Scores restored footage against the clean one."""

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from degrade.benchmark.flow import Mover, dis, exact, luma
from degrade.benchmark.metrics import Frame, Metric, make, registry
from degrade.benchmark.statistics import interval
from degrade.console import console
from degrade.core import atomic
from degrade.core.errors import DatasetError, SpecError, unknown
from degrade.core.types import Array
from degrade.sources.base import Sequence as Footage
from degrade.sources.base import Source

CHUNK = 8  # frames read at once

Frames = Iterable[Array]
"""Frames (H, W, C) float32 in [0, 1] in order: an array (T, H, W, C), or a generator that reads them."""


class ClipScore(NamedTuple):
    """One clip's numbers by metric; ``e_warp.input`` and ``e_warp.target`` are what E_warp is shown beside."""

    values: dict[str, float]
    series: dict[str, list[float]]
    """Per frame; NaN where a frame has no value."""


def score_clip(
    predictions: Mapping[str, Frames],
    target: Frames,
    metrics: Sequence[str],
    *,
    input: Frames | None = None,
    mask: Frames | None = None,
    predicted_masks: Mapping[str, Frames] | None = None,
    mover: Mover = dis,
    device: str = "cpu",
) -> dict[str, ClipScore]:
    """Scores several models on one clip, frame by frame, so that what derives from the target is computed once.

    Args:
        predictions: Restored frames by model.
        target: Clean frames.
        metrics: Names of metrics. One whose needs are not met is left out of the values.
        input: Damaged frames.
        mask: The damage's alpha, (H, W, 1).
        predicted_masks: By model, for those that have masks.
        mover: Where the motion of the target comes from.
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
    used = dict.fromkeys(name for named in meters.values() for name in named)
    beside = {(name, what): make(name, device) for name in used for what in registry.get(name).beside if what in given}
    moving = any("motion" in registry.get(name).needs for name in used)
    series: dict[str, dict[str, list[float]]] = {model: {name: [] for name in meters[model]} for model in meters}

    streams: dict[str, Frames] = {"the target": target}
    if input is not None:
        streams["the input"] = input
    if mask is not None:
        streams["the mask"] = mask
    streams |= {f"the prediction of {model}": frames for model, frames in predictions.items()}
    streams |= {f"the predicted mask of {model}": found[model] for model in predictions if model in found}

    before: Array | None = None
    for t, now in enumerate(_together(streams)):
        clean = now["the target"]
        motion = mover(t - 1, before, clean) if moving and before is not None else None
        truth = Frame(clean, clean, now.get("the input"), now.get("the mask"), motion=motion)
        before = clean
        for model, named in meters.items():
            frame = replace(
                truth,
                prediction=now[f"the prediction of {model}"],
                predicted_mask=now.get(f"the predicted mask of {model}"),
            )
            for name, metric in named.items():
                series[model][name].append(metric.update(frame))
        for (_, what), metric in beside.items():
            metric.update(replace(truth, prediction=clean if what == "target" else now["the input"]))
    extra = {f"{name}.{what}": metric.result() for (name, what), metric in beside.items()}
    return {
        model: ClipScore(
            {name: metric.result() for name, metric in named.items()}
            | {key: value for key, value in extra.items() if key.partition(".")[0] in named},
            series[model],
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


@dataclass(frozen=True)
class Row:
    """A clip and its scores."""

    id: str
    frames: int
    height: int
    width: int
    values: dict[str, float]


class Given(NamedTuple):
    """Footage to be scored, and what belongs to it. Clips belong together by their ids."""

    prediction: Source
    target: Source
    input: Source | None = None
    mask: Source | None = None
    predicted_mask: Source | None = None

    def clips(self) -> list[dict[str, Footage]]:
        """Each clip's sequences, by field.

        Sources of one sequence each belong together whatever their names.

        Raises:
            DatasetError: A clip that is missing, left over, or of another length or size.
        """
        sources = {field: source for field, source in self._asdict().items() if source is not None}
        found = {field: {s.id: s for s in source.sequences()} for field, source in sources.items()}
        targets = found["target"]
        if all(len(clips) == 1 for clips in found.values()):
            found = {field: dict.fromkeys(targets, *clips.values()) for field, clips in found.items()}
        for field, clips in found.items():
            words = field.replace("_", " ")
            for name, clip in clips.items():
                if name not in targets:
                    raise DatasetError(f"{words}: {unknown('clip', name, targets)}")
                self._check(words, field, targets[name], clip)
            missing = [name for name in targets if name not in clips]
            if missing:
                more = f" and {len(missing) - 1} more" * (len(missing) > 1)
                raise DatasetError(f"{words}: clip {missing[0]!r}{more} of the ground truth is missing")
        return [{field: clips[name] for field, clips in found.items()} for name in targets]

    def _check(self, words: str, field: str, target: Footage, clip: Footage) -> None:
        if clip.frames != target.frames:
            gap = _first_gap(getattr(self, field), clip, self.target, target)
            raise DatasetError(
                f"{words}: clip {target.id!r} has {clip.frames} frames, its ground truth {target.frames}{gap}"
            )
        if (clip.height, clip.width) != (target.height, target.width):
            raise DatasetError(
                f"{words}: clip {target.id!r} is {clip.width}×{clip.height} pixels, "
                f"its ground truth {target.width}×{target.height}"
            )


def _first_gap(source: Source, clip: Footage, other: Source, target: Footage) -> str:
    """Which frame is missing, where both are folders of pictures under the same names."""
    names = [
        [path.stem for path in getattr(getattr(s, "footage", {}).get(c.id), "paths", ())]
        for s, c in ((source, clip), (other, target))
    ]
    if not set(names[0]) <= set(names[1]):
        return ""
    return next((f"; frame {name} is missing" for name in names[1] if name not in names[0]), "")


def pick(names: Sequence[str] | None, given: Given) -> list[str]:
    """The metrics to compute.

    Args:
        names: As asked for; None for all whose needs are met and whose packages are installed.
        given: What there is to score.

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
        elif lacking or not metric.installed():
            continue
        picked.append(name)
    if not picked:
        raise SpecError("no metrics given", "--metrics")
    return picked


def score_footage(
    given: Given,
    metrics: Sequence[str],
    *,
    grey: bool = False,
    device: str = "cpu",
    scored: Callable[[], None] | None = None,
) -> Iterator[Row]:
    """Scores footage clip by clip.

    Args:
        given: What to score; its `clips` are checked before the first is scored.
        metrics: From `pick`.
        grey: Score the luma (BT.601) alone.
        device: Where the metrics' networks run.
        scored: Called as each frame is read.
    """
    for clip in given.clips():

        def frames(field: str, clip: dict[str, Footage] = clip) -> Iterator[Array] | None:
            source = getattr(given, field)
            form = _first if "mask" in field else luma if grey else None
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
            mover=exact(given.target, clip["target"]),
            device=device,
        )
        footage = clip["target"]
        yield Row(footage.id, footage.frames, footage.height, footage.width, scores["it"].values)


def _counted(frames: Frames, each: Callable[[], None]) -> Iterator[Array]:
    for frame in frames:
        yield frame
        each()


def _read(source: Source, clip: Footage, form: Callable[[Array], Array] | None) -> Iterator[Array]:
    for start in range(0, clip.frames, CHUNK):
        for frame in source.read(clip, start, min(start + CHUNK, clip.frames)):
            picture = frame.astype(np.float32) / 255
            yield picture if form is None else form(picture)[..., None].clip(0, 1)


def _first(picture: Array) -> Array:
    """A mask's one channel: its file may hold three equal ones."""
    return picture[..., 0]


def summarise(rows: Sequence[Row], total: int) -> dict[str, Any]:
    """A JSON-ready result: every clip, and each metric's mean with its 95% bootstrap interval.

    Args:
        rows: The clips scored.
        total: The clips that there are; with fewer rows the result says that it is not complete.
    """
    metrics: dict[str, Any] = {}
    for key in rows[0].values:
        name, _, what = key.partition(".")
        kind = registry.get(name)
        estimate = interval([row.values[key] for row in rows])
        metrics[key] = {
            "label": f"{kind.label} of {what}" if what else kind.label,
            "unit": kind.unit,
            "higher_is_better": kind.higher_is_better,
            "digits": kind.digits,
            **{which: _number(value) for which, value in estimate._asdict().items()},
        }
    clips = [{**vars(row), "values": {name: _number(value) for name, value in row.values.items()}} for row in rows]
    return {"complete": len(rows) == total, "metrics": metrics, "clips": clips}


def show(result: dict[str, Any]) -> None:
    """Prints a result of `summarise`: a table of all clips, and one of the means."""
    metrics, clips = result["metrics"], result["clips"]
    own = {name: metric for name, metric in metrics.items() if "." not in name}
    table = Table("clip", "frames", box=None, header_style="dim")
    for metric in own.values():
        table.add_column(metric["label"].replace(" ", "\n"), justify="right", no_wrap=True)
    for clip in clips:
        cells = (_shown(clip["values"][name], metric["digits"]) for name, metric in own.items())
        table.add_row(escape(clip["id"]), str(clip["frames"]), *cells)
    _print(table)

    mean = f"mean of {len(clips)}" if result["complete"] else f"mean of the {len(clips)} scored"
    table = Table("metric", mean, "95% interval", "unit", "input", "target", box=None, header_style="dim")
    for name, metric in own.items():
        digits = metric["digits"]
        low, high = (_shown(metric[end], digits) for end in ("low", "high"))
        beside = (metrics.get(f"{name}.{what}", {}).get("mean") for what in ("input", "target"))
        table.add_row(
            f"{metric['label']} {'↑' if metric['higher_is_better'] else '↓'}",
            _shown(metric["mean"], digits),
            "" if metric["low"] is None else f"{low} – {high}",
            metric["unit"],
            *("" if value is None else _shown(value, digits) for value in beside),
        )
    console.print()
    _print(table)


def _print(table: Table) -> None:
    """Whole, however narrow the terminal."""
    needed = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    Console(file=console.file, width=max(console.width, needed), highlight=False).print(table)


def write(path: Path, result: dict[str, Any]) -> None:
    """Writes a result as JSON, whole or not at all."""
    atomic.write(path, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
