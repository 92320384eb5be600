"""Scores on each kind of damage alone, as a heat map."""

import math
from dataclasses import dataclass

import pandas as pd

from degrade.benchmark.columns import Column
from degrade.benchmark.table import Row, Table


@dataclass(frozen=True)
class Mean:
    """A model's mean over the clips that have a kind of damage."""

    value: float
    """NaN where it is not defined."""
    text: str
    heat: int
    """From 0, the worst of all models on this kind, to 100, the best; 0 where they are all the same."""
    best: bool


@dataclass(frozen=True)
class Breakdown:
    """The means by one metric."""

    column: Column
    kinds: list[tuple[str, int]]
    """Each with the number of clips that have it, the most frequent first."""
    rows: list[tuple[Row, list[Mean]]]


def breakdowns(table: Table) -> list[Breakdown]:
    """Of all metrics that are computed by kind."""
    return [part for column in table.columns if (part := _breakdown(table, column))]


def _breakdown(table: Table, column: Column) -> Breakdown | None:
    scores = pd.DataFrame(
        [
            (row.label, kind, values[column.name])
            for row in table.rows
            for clip in row.result.clips
            for kind, values in clip.kinds.items()
            if values.get(column.name) is not None
        ],
        columns=["model", "kind", "score"],
    )
    if scores.empty:
        return None
    clips = scores.groupby(["kind", "model"]).size().groupby("kind").max()
    kinds = clips.sort_index().sort_values(ascending=False, kind="stable")
    means = scores.groupby(["kind", "model"])["score"].mean().unstack("model").reindex(kinds.index)
    ends = [(low, high) if column.metric.higher_is_better else (high, low) for low, high in zip(
        means.min(axis=1), means.max(axis=1), strict=True)]  # fmt: skip
    rows = [
        (row, [_mean(column, float(m), *end) for m, end in zip(means[row.label], ends, strict=True)])
        for row in table.rows
        if row.label in means
    ]
    return Breakdown(column, [(str(kind), int(count)) for kind, count in kinds.items()], rows)


def _mean(column: Column, value: float, worst: float, best: float) -> Mean:
    known = not math.isnan(value) and best != worst
    return Mean(value, column.show(value), round(100 * (value - worst) / (best - worst)) if known else 0, value == best)
