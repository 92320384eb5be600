"""Reports of a task's results: a Markdown table, and one self-contained HTML page."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from degrade.benchmark._charts import Chart, Style, chart
from degrade.benchmark.metrics import registry
from degrade.benchmark.strips import GAIN
from degrade.benchmark.table import MISSING, Cell, Column, Gain, Row, Table, tabulate
from degrade.benchmark.task import task_about
from degrade.core import atomic
from degrade.core.errors import SourceError, SpecError, unknown
from degrade.leaderboard.schema import Result, ResultError, load_table


def build_report(results: Sequence[Result], strips: Path | None, out: Path, *, about: str = "") -> str:
    """Writes the page of a task.

    Args:
        results: At least one; all of the same task and data.
        strips: Folder of film strips, laid out as `degrade.benchmark.strips` says; None: the page has none.
        out: The HTML file; its folder is made if needed.
        about: What the task is, in one line.

    Returns:
        The table as Markdown.

    Raises:
        ResultError: No results, or some that must not share a table.
        SpecError: A metric that is not known here, or jinja2 is missing.
        SourceError: A damaged picture.
    """
    table = tabulate(results)
    atomic.write(out, _page(table, strips, about))
    return markdown(table)


def _page(table: Table, strips: Path | None, about: str) -> str:
    return _render(
        "report.html.jinja",
        title=f"{table.task} · film restoration benchmark",
        table=table,
        about=about,
        breakdowns=[part for column in table.columns if (part := _breakdown(table, column))],
        distance_chart=_distance_chart(table),
        severity_charts=_severity_charts(table),
        clip_charts=_clip_charts(table),
        strips=_strips(table, strips),
        gain=GAIN,
        trainings=[row for row in table.rows if row.result.training and row.result.training.curve],
        training_charts=_training_charts(table),
        facts={row.label: _facts(row.result) for row in table.rows},
    )


def build_leaderboard(folder: str | Path, out: str | Path) -> list[Path]:
    """Writes an overview of all tasks, and the page of each; nothing if a file is bad.

    Args:
        folder: Holds ``<task>/*.json``, and may hold film strips in ``<task>/strips``.
        out: Folder for ``index.html``, ``README.md`` and ``<task>.html``.

    Returns:
        The files written.

    Raises:
        ResultError: As of `build_report`, or a file that is damaged or does not belong; it is named.
        SpecError, SourceError: As of `build_report`.
    """
    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    if not folder.is_dir():
        raise ResultError(f"{folder}: no folder of results")
    found = {task: paths for task in sorted(folder.glob("*/")) if (paths := sorted(task.glob("*.json")))}
    if not found:
        raise ResultError(f"{folder}: no <task>/*.json here")
    # All is made before anything is written: a bad file leaves the last good pages as they are.
    tables = {task: _table(task, paths) for task, paths in found.items()}
    pages = {
        f"{task.name}.html": _page(table, task / "strips", task_about(task.name)) for task, table in tables.items()
    }
    parts = ["# Leaderboard", ""]
    for table in tables.values():
        parts += [f"## {_plain(table.task)}", "", markdown(table), ""]
    overview = _render("index.html.jinja", title="Leaderboard", tables=list(tables.values()))
    for name, text in (written := {"index.html": overview, "README.md": "\n".join(parts), **pages}).items():
        atomic.write(out / name, text)
    return [out / name for name in written]


def _table(task: Path, paths: Sequence[Path]) -> Table:
    results = load_table(paths)
    for path, result in zip(paths, results, strict=True):
        if result.task != task.name:
            raise ResultError(f"{path}: is of task {result.task!r}, not {task.name!r}")
        if task.name == "index":
            raise ResultError(f"{path}: its page would be the overview, index.html; give the task another name")
        for name in result.metrics:
            if name not in registry:
                raise ResultError(f"{path}: {unknown('metric', name, registry.names())}")
    return tabulate(results)


def markdown(table: Table) -> str:
    """The table as GitHub renders it, best model first; ends without a line break."""
    heads = ["rank", "model", *(f"{c.title} {c.arrow}{f' ({c.unit})' if c.unit else ''}" for c in table.columns)]
    heads += [f"gain over {table.baseline}"] if table.baseline else []
    heads += ["parameters (M)", "s / frame", "peak memory (MiB)"]
    lines = []
    for row in table.rows:
        scores: list[Cell | Gain | None] = [row.cells[column.name] for column in table.columns]
        scores += [row.gain] if table.baseline else []
        shown = [row.ranks[table.columns[0].name], row.label, *map(_score, scores)]
        lines.append([*shown, row.parameters, row.seconds, row.memory])
    for name, cells in table.references.items():
        shown = ["", name, *(_score(cells[column.name]) for column in table.columns)]
        lines.append(shown + [""] * (len(heads) - len(shown)))
    rule = ["--:", ":--", *["--:"] * (len(heads) - 2)]
    grid = [[_plain(text) for text in heads], rule, *([_plain(text) for text in line] for line in lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in grid)


def _score(score: Cell | Gain | None) -> str:
    """``28.41 (27.90 – 28.93)``."""
    if score is None:
        return MISSING
    return f"{score.text} ({score.interval})" if score.interval else score.text


def _plain(text: str) -> str:
    """Text that Markdown takes literally."""
    return re.sub(r"([\\`*_\[\]<>|!&#~])", r"\\\1", " ".join(text.split()))


@dataclass(frozen=True)
class _Mean:
    value: float
    """NaN where it is not defined."""
    text: str
    best: bool


@dataclass(frozen=True)
class _Breakdown:
    """Mean scores by one metric on each kind of damage alone, over the clips that have it."""

    column: Column
    kinds: list[tuple[str, int]]
    rows: list[tuple[Row, list[_Mean]]]


def _breakdown(table: Table, column: Column) -> _Breakdown | None:
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
    best = means.max(axis=1) if column.metric.higher_is_better else means.min(axis=1)
    rows = [
        (row, [_Mean(m, column.show(m), m == top) for m, top in zip(means[row.label], best, strict=True)])
        for row in table.rows
        if row.label in means
    ]
    return _Breakdown(column, [(str(kind), int(count)) for kind, count in kinds.items()], rows)


def _distance_chart(table: Table) -> Chart | None:
    """The main metric over the distance from the nearest key frame, the mean over all frames of all clips."""
    column, series = table.columns[0], []
    for row in table.rows:
        found: dict[int, list[float]] = {}
        for clip in row.result.clips:
            for distance, score in zip(clip.key_distances, clip.main_over_time, strict=False):
                if distance and score is not None:
                    found.setdefault(distance, []).append(score)
        points = [(float(distance), sum(scores) / len(scores)) for distance, scores in sorted(found.items())]
        series.append((row.label, row.style, points))
    unit = f", {column.unit}" if column.unit else ""
    return chart("All clips", series, "frames from the nearest key frame", f"{column.title}{unit}")


def _severity_charts(table: Table) -> list[Chart]:
    """Every metric over the severity of the damage, the mean over the clips."""
    charts = []
    for column in table.columns:
        series = []
        for row in table.rows:
            found: dict[float, list[float]] = {}
            for clip in row.result.clips:
                score = clip.metrics.get(column.name)
                if clip.severity is not None and score is not None:
                    found.setdefault(clip.severity, []).append(score)
            points = [(severity, sum(scores) / len(scores)) for severity, scores in sorted(found.items())]
            series.append((row.label, row.style, points))
        unit = f", {column.unit}" if column.unit else ""
        charts.append(chart(column.title, series, "severity", f"{column.title}{unit}", whole=False))
    return [found for found in charts if found]


def _clip_charts(table: Table) -> list[Chart]:
    charts = []
    for clip in table.clips:
        series = []
        for row in table.rows:
            scores = next(scores for scores in row.result.clips if scores.clip == clip).psnr_over_time
            points = [(float(t), psnr) for t, psnr in enumerate(scores) if psnr is not None]
            series.append((row.label, row.style, points))
        charts.append(chart(clip, series, "frame", "PSNR, dB"))
    return [found for found in charts if found]


def _training_charts(table: Table) -> list[Chart]:
    def series(key: str) -> list[tuple[str, Style, list[tuple[float, float]]]]:
        return [
            (
                row.label,
                row.style,
                [
                    (float(point.step), value)
                    for point in row.result.training.curve
                    if (value := getattr(point, key)) is not None
                ],
            )
            for row in table.rows
            if row.result.training
        ]

    charts = [
        chart("Loss", series("loss"), "step", "training"),
        chart("PSNR", series("psnr"), "step", "validation, dB"),
    ]
    return [found for found in charts if found]


@dataclass(frozen=True)
class _Strip:
    label: str
    part: str
    """``picture`` or ``error``, of which one is seen at a time; empty: always seen."""
    data: str
    width: int
    height: int


def _strips(table: Table, folder: Path | None) -> list[tuple[str, list[_Strip]]]:
    """For each clip that has strips: input, models, clean and mask."""
    found = []
    for clip in table.clips if folder else []:
        files = [("input", "", "input")]
        for row in table.rows:
            # The input has a row already.
            pictures = [] if row.result.model.name == "input" else [(row.label, "picture", row.result.id)]
            files += [*pictures, (row.label, "error", f"{row.result.id}.error")]
        files += [("clean", "", "clean"), ("mask", "", "mask")]
        assert folder is not None
        paths = [(label, part, folder / clip / f"{name}.png") for label, part, name in files]
        rows = [_strip(label, part, path) for label, part, path in paths if path.is_file()]
        if rows:
            found.append((clip, rows))
    return found


def _strip(label: str, part: str, path: Path) -> _Strip:
    packed = BytesIO()
    try:
        with Image.open(path, formats=["PNG"]) as image:
            width, height = image.size
            # A fifth of the PNG's size; a strip is there to be looked at.
            image.convert("RGB").save(packed, "webp", quality=85)
    except (OSError, SyntaxError):
        raise SourceError(f"{path}: damaged, not a PNG picture") from None
    return _Strip(label, part, base64.b64encode(packed.getvalue()).decode(), width, height)


def _facts(result: Result) -> list[tuple[str, str]]:
    """Where scores and weights come from, as names and values; what is empty is left out."""
    model, run, training, said = result.model, result.run, result.training, result.provenance
    facts = [
        ("Method", model.paper),
        ("Licence", model.licence),
        ("Weights", "" if model.weights == "none" else model.weights),
        ("Their licence", model.weights_licence),
        ("SHA-256", model.weights_sha256 or ""),
        ("Settings", _pairs(model.config)),
        ("Restored", f"on {run.device}" + ("" if run.seconds is None else f" in {run.seconds:.0f} s")),
        ("Versions", _pairs(run.versions)),
    ]
    if training:
        facts += [
            ("Trained", f"{training.steps} steps in {training.seconds / 60:.1f} min"),
            ("Recipe", _pairs(training.recipe)),
        ]
    if said:
        facts += [
            ("Commit", said.commit),
            ("Hardware", said.hardware),
            ("Training data", said.training_data),
            ("Scored clips seen in training", "yes, so it has no rank" if said.scored_clips_seen else "no"),
        ]
    return [(name, value) for name, value in facts if value]


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def _render(template: str, **context: Any) -> str:
    try:
        import jinja2
    except ImportError:
        raise SpecError("a report needs jinja2: pip install 'film-degrade[benchmark]'") from None
    site = jinja2.Environment(
        loader=jinja2.PackageLoader("degrade.leaderboard", "site"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return site.get_template(template).render(**context)
