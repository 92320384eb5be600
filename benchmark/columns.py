"""Columns of the table of a task: metrics and costs, in groups, the most telling first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from degrade.benchmark.metrics.base import Metric, PairMetric
from degrade.benchmark.statistics import Estimate

MISSING = "–"
GAIN = "gain"
COSTS = {"parameters": "Parameters", "time": "Time", "memory": "Memory"}


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
    def head(self) -> str:
        """Title and arrow, which nothing parts from each other, nor a bar from what follows it."""
        return self.title.replace("|", "|\u2060", 1) + "\u00a0" + self.arrow

    @property
    def first(self) -> str:
        """The order that has the best score first."""
        return "descending" if self.metric.higher_is_better else "ascending"

    @property
    def group(self) -> str:
        """What it is about, by what it needs."""
        if self.metric.color:
            return "Colour"
        if {"mask", "predicted_mask"} & set(self.metric.needs):
            return "Damage"
        return (
            "Over time" if "motion" in self.metric.needs or issubclass(self.metric, PairMetric) else "Picture quality"
        )

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


def grouped(columns: Sequence[Column], gain: bool) -> dict[str, dict[str, str]]:
    """What a reader may choose among: by group, the name and title of each column.

    Args:
        columns: Of the metrics, the main one first.
        gain: Whether there is a baseline, and with it a gain in the main metric.
    """
    groups: dict[str, dict[str, str]] = {}
    for column in columns:
        groups.setdefault(column.group, {})[column.name] = column.title
        if gain and column is columns[0]:
            groups[column.group][GAIN] = "Gain"
    return {**groups, "Cost": COSTS}


def by_importance(columns: Sequence[Column], gain: bool) -> list[str]:
    """Names of all columns: the main metric, the gain in it, then the first of each group, the second, and so on."""
    first = [columns[0].name, *([GAIN] if gain else [])]
    rest = [[name for name in names if name not in first] for names in grouped(columns, gain).values()]
    return first + [name for row in zip_longest(*rest) for name in row if name is not None]
