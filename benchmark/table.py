"""The table of a task: means, intervals, ranks with ties, and gains over the best baseline."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import pandas as pd

from degrade.benchmark import statistics
from degrade.benchmark._charts import Style, styles
from degrade.benchmark.columns import MISSING, Column, by_importance, grouped
from degrade.benchmark.metrics import registry
from degrade.benchmark.statistics import Estimate
from degrade.leaderboard.schema import Result, ResultError, check_same_task

Pairs = dict[tuple[str, str], Estimate]
"""By two labels, the better mean first: how much the first is above the second."""


class Bar(NamedTuple):
    """Where an interval and its mean lie on the column's scale, percent."""

    low: float
    width: float
    mean: float


@dataclass(frozen=True)
class Cell:
    """A model's mean by one metric."""

    estimate: Estimate
    text: str
    interval: str = ""
    note: str = ""
    best: bool = False
    """Shares the first rank."""
    bar: Bar | None = None

    @property
    def mean(self) -> float:
        """Over the clips."""
        return self.estimate.mean


@dataclass(frozen=True)
class Gain:
    """A model's distance from the best baseline by the main metric, better is positive."""

    estimate: Estimate
    text: str
    interval: str

    @property
    def clear(self) -> bool:
        """Whether the paired test tells the two apart."""
        return self.estimate.excludes_zero

    @property
    def mean(self) -> float:
        """Over the clips, which are compared one by one."""
        return self.estimate.mean


@dataclass(frozen=True)
class Row:
    """A model."""

    result: Result
    label: str
    style: Style
    cells: dict[str, Cell | None]
    ranks: dict[str, str]
    gain: Gain | None
    is_best_baseline: bool

    @property
    def parameters(self) -> str:
        """In millions, those of a restorer among them."""
        model = self.result.model
        count = model.parameters + (model.restorer.parameters if model.restorer else 0)
        return f"{count / 1e6:.2f}" if count else MISSING

    @property
    def seconds(self) -> str:
        """Per frame."""
        seconds = self.result.run.seconds_per_frame
        if seconds is None:
            return MISSING
        return f"{seconds:.2g}" if seconds >= 0.001 else "< 0.001"

    @property
    def memory(self) -> str:
        """Peak, MiB."""
        peak = self.result.run.peak_memory_mib
        return MISSING if peak is None else f"{peak:.0f}"


@dataclass(frozen=True)
class Table:
    """The models of one task, best first by its main metric."""

    task: str
    task_sha256: str
    data_sha256: str
    columns: list[Column]
    """The main metric first."""
    rows: list[Row]
    clips: list[str]
    baseline: str
    """The best one's label; empty: there is none."""
    scores: dict[str, pd.DataFrame]
    """By metric: a row per clip, under the name of its sequence, and a column per model."""
    compared: dict[str, Pairs]
    """By metric."""
    references: dict[str, dict[str, Cell | None]]
    """By name and metric: what is scored beside the models."""

    @property
    def groups(self) -> dict[str, dict[str, str]]:
        """See `grouped`."""
        return grouped(self.columns, bool(self.baseline))

    @property
    def by_importance(self) -> list[str]:
        """See `by_importance`."""
        return by_importance(self.columns, bool(self.baseline))

    @property
    def sequences(self) -> int:
        """How many the clips were cut from."""
        return len({clip.sequence for clip in self.rows[0].result.clips})

    @property
    def partial(self) -> bool:
        """Whether a score lacks clips."""
        return any(cell and cell.note for row in self.rows for cell in row.cells.values())


def tabulate(results: Sequence[Result]) -> Table:
    """Compares results.

    Raises:
        ResultError: There are none, or two that must not share a table.
        SpecError: A metric that is not known here.
    """
    if not results:
        raise ResultError("no results to compare")
    labels = [result.label for result in results]
    check_same_task(list(zip(labels, results, strict=True)))
    first = results[0]
    scores = _scores(results, labels)
    columns = [Column(name, registry.get(name)) for name in scores if scores[name].notna().any(axis=None)]
    if not columns:
        raise ResultError(f"{first.task}: the results hold no scores")
    unranked = [label for label, result in zip(labels, results, strict=True) if not result.ranked]
    compared = {column.name: _compared(column, scores[column.name]) for column in columns}
    ranks = {
        column.name: _ranks(column, scores[column.name].drop(columns=unranked), compared[column.name])
        for column in columns
    }
    cells = {column.name: _cells(column, scores[column.name], ranks[column.name]) for column in columns}

    main = columns[0]
    baseline, gains = _gains(main, scores[main.name], labels, results)

    def worth(place: int) -> tuple[float, str]:
        cell = cells[main.name][labels[place]]
        mean = -math.inf if cell is None else cell.mean if main.metric.higher_is_better else -cell.mean
        return -mean, labels[place]

    order = sorted(range(len(results)), key=worth)
    look = styles(results[place].model.name for place in order)
    rows = [
        Row(
            results[place],
            labels[place],
            style,
            {column.name: cells[column.name][labels[place]] for column in columns},
            {column.name: _shared(ranks[column.name], labels[place]) for column in columns},
            gains.get(labels[place]),
            labels[place] == baseline,
        )
        for place, style in zip(order, look, strict=True)
    ]
    return Table(
        first.task,
        first.task_sha256,
        first.data_sha256,
        columns,
        rows,
        [row.clip for row in first.clips],
        baseline,
        scores,
        compared,
        _references(results, columns),
    )


def _scores(results: Sequence[Result], labels: list[str]) -> dict[str, pd.DataFrame]:
    """By metric, what `Table.scores` holds; NaN where a score is not defined."""
    parts = [pd.DataFrame({row.clip: row.metrics for row in result.clips}, dtype=float).T for result in results]
    joint = pd.concat(parts, keys=labels, names=["model", "clip"])
    return {
        name: _by_sequence(joint[name].unstack("model"), results).reindex(columns=labels) for name in _in_order(results)
    }


def _in_order(results: Sequence[Result]) -> list[str]:
    """All metrics as their task has them: of results that lack some, the one with most comes first."""
    longest_first = sorted(results, key=lambda result: -len(result.metrics))
    return list(dict.fromkeys(name for result in longest_first for name in result.metrics))


def _by_sequence(scores: pd.DataFrame, results: Sequence[Result]) -> pd.DataFrame:
    """Rows by clip in the order of the first result, under the names of their sequences."""
    clips = results[0].clips
    return scores.reindex([row.clip for row in clips]).set_axis([row.sequence for row in clips])


def _compared(column: Column, scores: pd.DataFrame) -> Pairs:
    return statistics.compare(scores.dropna(axis=1, how="all"), column.metric.higher_is_better)


def _ranks(column: Column, scores: pd.DataFrame, compared: Pairs) -> dict[str, int]:
    return statistics.ranks(scores.dropna(axis=1, how="all"), column.metric.higher_is_better, compared=compared)


def _shared(ranks: dict[str, int], label: str) -> str:
    """A rank as text; ``=2`` is a tie."""
    if label not in ranks:
        return MISSING
    return f"={ranks[label]}" if list(ranks.values()).count(ranks[label]) > 1 else f"{ranks[label]}"


def _cells(column: Column, scores: pd.DataFrame, ranks: dict[str, int]) -> dict[str, Cell | None]:
    estimates = {label: statistics.interval(scores[label]) for label in scores.columns.tolist()}
    ends = [end for estimate in estimates.values() for end in estimate if not math.isnan(end)]
    low, span = (min(ends), (max(ends) - min(ends)) or 1) if ends else (0, 1)

    def cell(label: str, estimate: Estimate) -> Cell | None:
        count = scores[label].count()
        if not count:
            return None
        note = "" if count == len(scores) else f"defined for {count} of {len(scores)} clips"
        text, best = column.show(estimate.mean), ranks.get(label) == 1
        if math.isnan(estimate.low):
            return Cell(estimate, text, "", note, best)
        mean, left, right = (100 * (end - low) / span for end in estimate)
        bar = Bar(round(left, 1), round(right - left, 1), round(mean, 1))
        return Cell(estimate, text, column.span(estimate), note, best, bar)

    return {label: cell(label, estimate) for label, estimate in estimates.items()}


def _gains(
    column: Column, scores: pd.DataFrame, labels: list[str], results: Sequence[Result]
) -> tuple[str, dict[str, Gain]]:
    baselines = [label for label, result in zip(labels, results, strict=True) if result.model.baseline]
    if not scores[baselines].notna().any(axis=None):
        return "", {}
    best, differences = statistics.versus_best(scores, baselines, column.metric.higher_is_better)
    found = {}
    for label, estimate in differences.items():
        if math.isnan(estimate.mean):
            continue
        mean, low, high = estimate
        if not column.metric.higher_is_better:
            mean, low, high = -mean, -high, -low
        gain = Estimate(mean, low, high)
        found[label] = Gain(gain, column.show(mean, "+"), column.span(gain, "+"))
    return best, found


def _references(results: Sequence[Result], columns: list[Column]) -> dict[str, dict[str, Cell | None]]:
    """What is scored beside the models, by the first that has it; the input only if it has no row of its own."""
    found: dict[str, dict[str, Cell | None]] = {}
    taken = any(result.model.name == "input" for result in results)
    for name in dict.fromkeys(key for result in results for row in result.clips for key in row.references):
        if name == "input" and taken:
            continue
        parts = [pd.DataFrame({row.clip: row.references.get(name, {}) for row in result.clips}) for result in results]
        scores = _by_sequence(pd.concat([part.T.astype(float) for part in parts]).groupby(level=0).first(), results)
        scores = scores.reindex(columns=[column.name for column in columns])
        cells = {column.name: _cells(column, scores[[column.name]], {})[column.name] for column in columns}
        # Without its bar: that would need the scale of the models above.
        found[name] = {key: cell and replace(cell, bar=None) for key, cell in cells.items()}
    return found
