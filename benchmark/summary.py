"""Scores of clips in one table: printed, and as JSON."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.measure import Measurement
from rich.table import Table

from degrade.benchmark.metrics import registry
from degrade.benchmark.statistics import interval
from degrade.console import Output, console
from degrade.core import atomic


@dataclass(frozen=True)
class ScoredClip:
    """A clip and its scores."""

    id: str
    frames: int
    height: int
    width: int
    values: dict[str, float]


def summarise(rows: Sequence[ScoredClip], total: int) -> dict[str, Any]:
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
        table.add_row(clip["id"], str(clip["frames"]), *cells)
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
    Output(file=console.file, width=max(console.width, needed)).print(table)


def write(path: str | Path, result: dict[str, Any]) -> None:
    """Writes a result as JSON, whole or not at all."""
    atomic.write(Path(path).expanduser(), json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
