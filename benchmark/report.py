"""Reports of tasks: a page of HTML each, one for each model, one of all tasks, and tables in Markdown."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from degrade.benchmark import pictures
from degrade.benchmark._charts import Chart
from degrade.benchmark.breakdown import Breakdown, Mean, breakdowns
from degrade.benchmark.columns import MISSING, Column
from degrade.benchmark.curves import curves, training_charts
from degrade.benchmark.metrics import registry
from degrade.benchmark.strips import GAIN
from degrade.benchmark.table import Cell, Gain, Row, Table, tabulate
from degrade.benchmark.task import task_about
from degrade.core import atomic
from degrade.core.errors import SpecError, unknown
from degrade.leaderboard.schema import Model, Result, ResultError, load_table

MODELS = "models"
"""Folder of their pages."""


class _Task(NamedTuple):
    """What the pages show of a task."""

    table: Table
    strips: pictures.Strips
    samples: list[pictures.Sample]
    about: str
    breakdowns: list[Breakdown]

    @classmethod
    def of(cls, table: Table, strips: Path | None, about: str) -> "_Task":
        return cls(table, pictures.strips(table, strips), pictures.samples(table, strips), about, breakdowns(table))


def build_report(results: Sequence[Result], strips: Path | None, out: Path, *, about: str = "") -> str:
    """Writes the page of a task.

    Args:
        results: At least one; all of the same task and data.
        strips: Film strips, laid out as `degrade.benchmark.strips` says; None: the page has none.
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
    links = {row.label: f"#model-{quote(row.result.id)}" for row in table.rows}
    atomic.write(out, _task_page(_Task.of(table, strips, about), links))
    return markdown(table)


def build_leaderboard(folder: str | Path, out: str | Path) -> list[Path]:
    """Writes an overview of all tasks, and the page of each task and model; nothing if a file is bad.

    Args:
        folder: Holds ``<task>/*.json``, and may hold film strips in ``<task>/strips``.
        out: Folder for ``index.html``, ``README.md``, ``<task>.html`` and ``models/<model>.html``.

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
    tasks = [_Task.of(table, task / "strips", task_about(task.name)) for task, table in tables.items()]
    links = {table.task: {row.label: quote(_model_file(row)) for row in table.rows} for table in tables.values()}
    parts = ["# Leaderboard", ""]
    for table in tables.values():
        parts += [f"## {_plain(table.task)}", "", markdown(table), ""]
    overview = _render("index.html.jinja", title="Leaderboard", tables=list(tables.values()), links=links)
    written = {"index.html": overview, "README.md": "\n".join(parts)}
    written |= {
        f"{task.table.task}.html": _task_page(task, links[task.table.task], home="index.html") for task in tasks
    }
    written |= _model_pages(tasks)
    for name, text in written.items():
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


def _task_page(task: _Task, links: Mapping[str, str], home: str = "") -> str:
    return _render(
        "report.html.jinja",
        title=f"{task.table.task} · film restoration benchmark",
        task=task,
        table=task.table,
        home=home,
        links=links,
        curves=curves(task.table),
        differences=_differences(task.table),
        gain_of_errors=GAIN,
        facts={row.label: _facts(row.result) for row in task.table.rows},
    )


def _differences(table: Table) -> dict[str, Any]:
    """Of every two models, by metric, as the page's script reads them: mean and interval, or null."""
    ids = {row.label: row.result.id for row in table.rows}

    def facts(column: Column) -> dict[str, Any]:
        pairs = {
            f"{ids[a]} {ids[b]}": [None if math.isnan(value) else float(f"{value:.6g}") for value in found]
            for (a, b), found in table.compared[column.name].items()
        }
        return {"digits": column.metric.digits, "higher": column.metric.higher_is_better, "pairs": pairs}

    return {column.name: facts(column) for column in table.columns}


class _Entry(NamedTuple):
    """A model in one task."""

    task: _Task
    row: Row

    @property
    def kinds(self) -> dict[str, dict[str, Mean]]:
        """By kind of damage and metric."""
        found: dict[str, dict[str, Mean]] = {}
        for part in self.task.breakdowns:
            for means in (means for row, means in part.rows if row is self.row):
                for (kind, _), mean in zip(part.kinds, means, strict=True):
                    found.setdefault(kind, {})[part.column.name] = mean
        return found

    @property
    def strips(self) -> pictures.Strips:
        return pictures.of_model(self.task.strips, self.row.result.id)

    @property
    def others(self) -> list[Row]:
        """What it is to be compared with: the model with other weights, and the best baseline."""
        name = self.row.result.model.name
        found = [row for row in self.task.table.rows if row.result.model.name == name or row.is_best_baseline]
        return [row for row in found if row is not self.row]

    @property
    def curves(self) -> list[Chart]:
        return training_charts([self.row])

    @property
    def facts(self) -> list[tuple[str, str]]:
        return _facts(self.row.result)


def _model_file(row: Row) -> str:
    return f"{MODELS}/{row.result.id}.html"


def _model_pages(tasks: Sequence[_Task]) -> dict[str, str]:
    """By file; models of one name with weights of one name share a page."""
    entries: dict[str, list[_Entry]] = {}
    for task in tasks:
        for row in task.table.rows:
            entries.setdefault(_model_file(row), []).append(_Entry(task, row))
    return {file: _model_page(found) for file, found in entries.items()}


def _model_page(entries: Sequence[_Entry]) -> str:
    columns = {column.name: column for entry in entries for column in entry.task.table.columns}
    label = entries[0].row.label
    return _render(
        "model.html.jinja",
        title=f"{label} · film restoration benchmark",
        label=label,
        model=entries[0].row.result.model,
        entries=entries,
        columns=list(columns.values()),
        importance=list(dict.fromkeys(name for entry in entries for name in entry.task.table.by_importance)),
        gain_of_errors=GAIN,
    )


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


def _facts(result: Result) -> list[tuple[str, str]]:
    """Where scores and weights come from, as names and values; what is empty is left out."""
    model, run, training, said = result.model, result.run, result.training, result.provenance
    facts = [
        ("Method", model.paper),
        ("Restored before", _restorer(model.restorer) if model.restorer else ""),
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


def _restorer(model: Model) -> str:
    weights = "" if model.weights == "none" else f"{model.weights} weights {model.weights_sha256 or ''}".rstrip()
    return ", ".join(part for part in (f"by {model.name}", model.paper, weights) if part)


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
    site.filters["breakable"] = lambda text: jinja2.filters.escape(text).replace("+", jinja2.filters.Markup("+<wbr>"))
    return site.get_template(template).render(**context)
