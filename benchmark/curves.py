"""What the pages draw: scores over severity, time, strength and the distance from a key frame, and trainings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from degrade.benchmark._charts import Chart, Style, chart
from degrade.benchmark.columns import Column
from degrade.benchmark.metrics import registry
from degrade.benchmark.table import Row, Table

Points = list[tuple[float, float]]
TRADE_OFF = ("false_repair", "psnr_inside")
"""How much of the sound picture is changed, and how well the damage is undone."""


@dataclass(frozen=True)
class Curves:
    """A section of a page; `id` is that of links to it."""

    id: str
    title: str
    note: str
    rows: Sequence[Row]
    """The models of its legend."""
    charts: Sequence[Chart]


def curves(table: Table) -> list[Curves]:
    """All that the results of a task hold, in the order of its page; sections without a chart are left out."""
    main = table.columns[0]
    trained = [row for row in table.rows if row.result.training and row.result.training.curve]
    found = [
        Curves(
            "severity",
            "Over the severity of the damage",
            "The same clips under the same damage, from none (0) to all of it (1): the mean over the clips. At 0 a"
            " model is asked to leave clean film alone; a line that bends shows where it breaks.",
            table.rows,
            _drawn(
                chart(column.title, series(table.rows, partial(_by_severity, column.name)), "severity", column.unit)
                for column in table.columns
            ),
        ),
        Curves(
            "trade-off",
            "Between too little and too much",
            "To the right, more of the sound picture is changed as if it were damage; upwards, damage is undone better."
            " A line joins the settings of one model.",
            table.rows,
            _drawn([_trade_off(table.rows)]),
        ),
        Curves(
            "distance",
            f"{main.title} over the distance from the key frame",
            "How far colours are carried: the mean over all frames that lie so many frames from the nearest one given"
            " in colour.",
            table.rows,
            _drawn(
                [chart("All clips", series(table.rows, _by_distance), "frames from the nearest key frame", _axis(main))]
            ),
        ),
        Curves(
            "time",
            "PSNR over time",
            "Of each frame, in dB. Dips show frames that a model could not save.",
            table.rows,
            _drawn(
                chart(clip, series(table.rows, partial(_over_time, clip)), "frame", "PSNR, dB") for clip in table.clips
            ),
        ),
        Curves(
            "training",
            "Training",
            "Of the weights scored above. PSNR is that of a few validation clips.",
            trained,
            training_charts(trained),
        ),
    ]
    return [section for section in found if section.charts]


def series(rows: Iterable[Row], points: Callable[[Row], Points]) -> list[tuple[str, Style, Points]]:
    """A line for each model, as `chart` takes them."""
    return [(row.label, row.style, points(row)) for row in rows]


def training_charts(rows: Sequence[Row]) -> list[Chart]:
    """The loss and the PSNR in training; as many as there is something to draw of."""
    return _drawn(
        [
            chart("Loss", series(rows, partial(_of_training, "loss")), "step", "training"),
            chart("PSNR", series(rows, partial(_of_training, "psnr")), "step", "validation, dB"),
        ]
    )


def _drawn(charts: Iterable[Chart | None]) -> list[Chart]:
    return [found for found in charts if found]


def _axis(column: Column) -> str:
    return f"{column.title}, {column.unit}" if column.unit else column.title


def _trade_off(rows: Sequence[Row]) -> Chart | None:
    """Each model where its means lie, those of one model joined in the order of what it changes."""
    lines: dict[tuple[str, str, bool], list[tuple[Row, float, float]]] = {}
    for row in rows:
        changed, left = (row.cells.get(name) for name in TRADE_OFF)
        if changed and left:
            model = row.result.model
            found = lines.setdefault((model.name, model.weights, model.true_masks), [])
            found.append((row, changed.mean, left.mean))
    drawn = [(row.label, row.style, [(x, y)]) for found in lines.values() for row, x, y in found]
    for found in lines.values():
        if len(found) > 1:
            row, _, _ = found[0]
            drawn.append((row.label, row.style, sorted((x, y) for _, x, y in found)))
    x_label, y_label = (_axis(Column(name, registry.get(name))) for name in TRADE_OFF)
    return chart("Means of all clips", drawn, x_label, y_label)


def _by_severity(metric: str, row: Row) -> Points:
    clips = row.result.clips
    return _means((clip.severity, clip.metrics.get(metric)) for clip in clips if clip.severity is not None)


def _by_distance(row: Row) -> Points:
    """The main metric by distance, the mean over all frames of all clips but the key frames."""
    frames = ((clip.key_distances, clip.main_over_time) for clip in row.result.clips)
    return _means((distance, score) for pair in frames for distance, score in zip(*pair, strict=False) if distance)


def _means(scores: Iterable[tuple[float, float | None]]) -> Points:
    """The mean score at each x."""
    found: dict[float, list[float]] = {}
    for x, score in scores:
        if score is not None:
            found.setdefault(float(x), []).append(score)
    return [(x, sum(some) / len(some)) for x, some in sorted(found.items())]


def _over_time(clip: str, row: Row) -> Points:
    scores = next(scores for scores in row.result.clips if scores.clip == clip).psnr_over_time
    return [(float(t), psnr) for t, psnr in enumerate(scores) if psnr is not None]


def _of_training(key: str, row: Row) -> Points:
    curve = row.result.training.curve if row.result.training else ()
    return [(float(point.step), value) for point in curve if (value := getattr(point, key)) is not None]
