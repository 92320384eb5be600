"""The table of a task: means, intervals, ranks with ties, and gains over the best baseline."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from degrade.benchmark import statistics
from degrade.benchmark._charts import Style, styles
from degrade.benchmark.metrics import Metric, registry
from degrade.benchmark.statistics import Estimate
from degrade.leaderboard.schema import ClipScores, Result, ResultError, check_same_task

MISSING = "–"


@dataclass(frozen=True)
class Column:
    """A metric, as the head of a column."""

    name: str
    metric: type[Metric]

    @property
    def title(self) -> str:
        """Name for people."""
        return self.metric.label

    @property
    def unit(self) -> str:
        """Empty for a plain number."""
        return self.metric.unit

    @property
    def arrow(self) -> str:
        """Points to where better scores are."""
        return "↑" if self.metric.higher_is_better else "↓"

    @property
    def first(self) -> str:
        """The order that has the best score first."""
        return "descending" if self.metric.higher_is_better else "ascending"

    def show(self, value: float | None, sign: str = "") -> str:
        """A value with the metric's digits; one that is not defined as a dash."""
        if value is None or math.isnan(value):
            return MISSING
        return f"{value:{sign}.{self.metric.digits}f}".replace("-", "−")

    def span(self, estimate: Estimate, sign: str = "") -> str:
        """Its interval; empty if it has none, as for a single clip."""
        if math.isnan(estimate.low):
            return ""
        return f"{self.show(estimate.low, sign)} – {self.show(estimate.high, sign)}"


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
        """In millions."""
        count = self.result.model.parameters
        return f"{count / 1e6:.2f}" if count else MISSING

    @property
    def seconds(self) -> str:
        """Per frame."""
        seconds = self.result.run.seconds_per_frame
        return f"{seconds:.2g}" if seconds >= 0.001 else "< 0.001"

    @property
    def memory(self) -> str:
        """Peak, MB."""
        peak = self.result.run.peak_memory_mb
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
    references: dict[str, dict[str, Cell | None]]
    """By name and metric: what is scored beside the models."""

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
    labels = _labels(results)
    check_same_task(list(zip(labels, results, strict=True)))
    first = results[0]
    clips = [row.clip for row in first.clips]
    columns = [
        Column(name, registry.get(name))
        for name in dict.fromkeys(name for result in results for name in result.metrics)
    ]
    scores = {
        column.name: {label: _values(result, clips, column.name) for label, result in zip(labels, results, strict=True)}
        for column in columns
    }
    columns = [c for c in columns if any(not math.isnan(v) for values in scores[c.name].values() for v in values)]
    if not columns:
        raise ResultError(f"{first.task}: the results hold no scores")
    ranks = {column.name: _ranks(column, scores[column.name]) for column in columns}
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
        clips,
        baseline,
        _references(results, columns, clips),
    )


def _labels(results: Sequence[Result]) -> list[str]:
    """A name for each; ``#2`` for a second one of the same name."""
    names = [result.label for result in results]
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    return [name if count == 1 else f"{name} #{count}" for name, count in zip(names, counts, strict=True)]


def _values(result: Result, clips: list[str], metric: str) -> list[float]:
    """A score for each clip, NaN where it is not defined."""
    rows = {row.clip: row for row in result.clips}
    return [_number(rows[clip].metrics.get(metric)) for clip in clips]


def _number(score: float | None) -> float:
    return math.nan if score is None else score


def _ranks(column: Column, scores: dict[str, list[float]]) -> dict[str, int]:
    known = {label: values for label, values in scores.items() if not all(map(math.isnan, values))}
    return statistics.ranks(known, column.metric.higher_is_better)


def _shared(ranks: dict[str, int], label: str) -> str:
    """A rank as text; ``=2`` is a tie."""
    if label not in ranks:
        return MISSING
    return f"={ranks[label]}" if list(ranks.values()).count(ranks[label]) > 1 else f"{ranks[label]}"


def _cells(column: Column, scores: dict[str, list[float]], ranks: dict[str, int]) -> dict[str, Cell | None]:
    estimates = {label: statistics.interval(values) for label, values in scores.items()}
    ends = [end for estimate in estimates.values() for end in estimate if not math.isnan(end)]
    low, span = (min(ends), (max(ends) - min(ends)) or 1) if ends else (0, 1)

    def cell(label: str, estimate: Estimate) -> Cell | None:
        count = sum(not math.isnan(value) for value in scores[label])
        if not count:
            return None
        note = "" if count == len(scores[label]) else f"defined for {count} of {len(scores[label])} clips"
        text, best = column.show(estimate.mean), ranks.get(label) == 1
        if math.isnan(estimate.low):
            return Cell(estimate, text, "", note, best)
        mean, left, right = (100 * (end - low) / span for end in estimate)
        bar = Bar(round(left, 1), round(right - left, 1), round(mean, 1))
        return Cell(estimate, text, column.span(estimate), note, best, bar)

    return {label: cell(label, estimate) for label, estimate in estimates.items()}


def _gains(
    column: Column, scores: dict[str, list[float]], labels: list[str], results: Sequence[Result]
) -> tuple[str, dict[str, Gain]]:
    baselines = [label for label, result in zip(labels, results, strict=True) if result.model.baseline]
    if not any(not math.isnan(value) for label in baselines for value in scores[label]):
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


def _references(
    results: Sequence[Result], columns: list[Column], clips: list[str]
) -> dict[str, dict[str, Cell | None]]:
    """What is scored beside the models; the input only if it has no row of its own."""
    found = {}
    taken = {"input"} if any(result.model.name == "input" for result in results) else set()
    for name in dict.fromkeys(key for result in results for row in result.clips for key in row.references):
        if name in taken:
            continue
        cells = {
            column.name: _cells(column, {name: _beside(results, clips, name, column.name)}, {})[name]
            for column in columns
        }
        # Without its bar: that would need the scale of the models above.
        found[name] = {key: cell and replace(cell, bar=None) for key, cell in cells.items()}
    return found


def _beside(results: Sequence[Result], clips: list[str], name: str, metric: str) -> list[float]:
    """The reference's scores from the first result that has them; they are the same for every model."""
    for result in results:
        rows: dict[str, ClipScores] = {row.clip: row for row in result.clips}
        values = [_number(rows[clip].references.get(name, {}).get(metric)) for clip in clips]
        if not all(map(math.isnan, values)):
            return values
    return [math.nan] * len(clips)
