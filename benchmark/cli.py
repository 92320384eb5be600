"""The `benchmark` command. Heavy imports are left to the commands that need them."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from degrade.benchmark.cli_check import check
from degrade.benchmark.cli_colorize import colorize
from degrade.benchmark.cli_films import Device
from degrade.benchmark.cli_restore import restore
from degrade.benchmark.cli_submit import submit
from degrade.console import Json, Quiet, Version, command_line, console, fail, print_json, progress, steps, tell
from degrade.console import run as run_command
from degrade.core.errors import SpecError

app = command_line()

MODEL_TABLES = (
    ("restores", "restoration", ("flow", "masks")),
    ("colours", "colorization", ("key frames", "pictures")),
    ("of another package", None, ()),
)
"""How models are listed: the head, which ones, and the facts beside; of other packages', no card is read."""


def _models() -> list[str]:
    from degrade import models

    return list(models.cards())


def _tasks() -> list[str]:
    from degrade.benchmark.task import tasks

    return tasks.names()


@app.callback()
def _commands(version: Version = False) -> None:
    """Restores films, and trains and scores the models that do it."""


@app.command()
def ls(as_json: Json = False) -> None:
    """Lists tasks, models and metrics, a line each."""
    from rich.table import Table

    tasks, models, metrics = _about_tasks(), _about_models(), _about_metrics()
    if as_json:
        print_json({"tasks": tasks, "models": models, "metrics": metrics})
        return
    table = Table("task", "what it is", "footage", box=None, header_style="dim")
    for about in tasks:
        table.add_row(about["name"], about["about"], about["footage"] or "its own")
    console.print(table)

    for head, kind, facts in MODEL_TABLES:
        table = Table(head, "what it does", "parameters", *facts, box=None, header_style="dim")
        for about in models:
            if about["kind"] == kind:
                size = f"{about['parameters'] / 1e6:.2f} M" if about["parameters"] else "–"
                marks = ("yes" if about[fact.replace(" ", "_")] else "–" for fact in facts)
                table.add_row(about["name"], about["about"], size, *marks)
        if table.rows:
            console.print()
            console.print(table)

    table = Table("metric", "better", "what it says", box=None, header_style="dim")
    for about in metrics:
        better = {True: "higher", False: "lower", None: ""}[about["higher_is_better"]]
        table.add_row(about["name"], better, about["about"])
    console.print()
    console.print(table)


def _about_tasks() -> list[dict[str, Any]]:
    from degrade.benchmark.task import tasks
    from degrade.spec import mapping

    found = []
    for name in tasks.names():
        try:
            content = mapping(tasks.content(name), f"task {name}")
        except SpecError as error:
            content = {"about": str(error)}
        found.append({"name": name, "about": content.get("about", ""), "footage": content.get("footage", "")})
    return found


def _about_models() -> list[dict[str, Any]]:
    from degrade import models

    found = []
    for name, card in models.cards().items():
        about = card.summary if card else "from another package"
        facts = ("kind", "parameters", "flow", "masks", "key_frames", "pictures")
        found.append({"name": name, "about": about, **{key: card and getattr(card, key) for key in facts}})
    return found


def _about_metrics() -> list[dict[str, Any]]:
    from degrade.benchmark.metrics import registry

    found = []
    for name in registry.names():
        higher = None
        try:
            metric = registry.get(name)
            about, higher = (metric.__doc__ or "").strip().partition("\n")[0], metric.higher_is_better
        except SpecError as error:
            about = str(error)
        found.append({"name": name, "about": about, "higher_is_better": higher})
    return found


app.command()(restore)
app.command()(colorize)


@app.command()
def export(
    model: Annotated[str, typer.Option("--model", autocompletion=_models, help="One that has a detector.")],
    out: Annotated[Path, typer.Option("--out", help="*.onnx")],
    weights: Annotated[
        str | None, typer.Option("--weights", help=".safetensors or .pth; bundled ones if not given.")
    ] = None,
) -> None:
    """Writes a model's detector of defects as ONNX, for other programs."""
    from degrade.core.atomic import refuse_taken
    from degrade.models import build, bundled
    from degrade.models._onnx import export_detector

    refuse_taken(out.expanduser())
    given = weights or bundled(model)
    if given is None:
        raise SpecError(f"model {model!r} has no bundled weights; give a file", "--weights")
    export_detector(build(model, given), out)
    console.print(str(out))


@app.command()
def score(
    pred: Annotated[str, typer.Option("--pred", help="What was restored: video, folder of frames, or of these.")],
    gt: Annotated[str, typer.Option("--gt", help="The clean footage, in clips of the same names.")],
    mask: Annotated[str | None, typer.Option("--mask", help="Where the damage is, white.")] = None,
    film: Annotated[str | None, typer.Option("--input", help="The damaged footage.")] = None,
    pred_mask: Annotated[str | None, typer.Option("--pred-mask", help="Where the model saw damage.")] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="Names, as psnr,ssim; all that can be computed if not given.")
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="Compare the luma alone.")] = False,
    out: Annotated[Path | None, typer.Option("--out", dir_okay=False, help="Also write the result as JSON.")] = None,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Scores anybody's restored footage against the clean one: a row per clip, the mean and its 95% interval."""
    from degrade.benchmark.hardware import choose_device
    from degrade.benchmark.score import ScoringInputs, pick, score_footage
    from degrade.benchmark.summary import show, summarise, write
    from degrade.sources import Source, open_source

    if out and out.suffix.lower() != ".json":
        raise SpecError(f"must end on .json, got {out}", "--out")

    def open_told(path: str) -> Source:
        source = open_source(path)
        tell(f"{path}: {source.line()}", quiet=quiet or as_json)
        return source

    opened = (None if path is None else open_told(path) for path in (film, mask, pred_mask))
    given = ScoringInputs(open_told(pred), open_told(gt), *opened)
    names = pick(None if metrics is None else [name.strip() for name in metrics.split(",")], given, grey)
    clips, rows = given.clips(), []
    place = choose_device(device) if "lpips" in names else "cpu"
    try:
        with progress("frames", quiet=quiet) as bar:
            task = bar.add_task("score", total=sum(clip["target"].frames for clip in clips))
            for row in score_footage(given, names, grey=grey, device=place, scored=lambda: bar.advance(task)):
                rows.append(row)  # noqa: PERF402 - what was scored before an interruption is kept
    finally:
        if rows:
            result = summarise(rows, len(clips))
            whole = {"pred": pred, "gt": gt, "input": film, "mask": mask, "grey": grey, **result}
            if out:
                write(out, whole)
            if as_json:
                print_json(whole)
            else:
                show(result)
                if out:
                    console.print(str(out))


@app.command()
def diagnose(
    film: Annotated[str, typer.Option("--input", help="The film: video, folder of frames, or of these.")],
    restored: Annotated[
        list[str], typer.Option("--restored", help="What a model made of it; may be given repeatedly.")
    ],
    sheet: Annotated[
        Path | None, typer.Option("--sheet", dir_okay=False, help="Also write a picture of the worst specks, *.png.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Says what restoring did to a film that nobody has a clean copy of: what is left of dirt, detail, grain, flicker.

    It ranks nothing: smearing takes dirt away, and noise passes for detail.
    """
    from degrade.benchmark import diagnose as module
    from degrade.core.atomic import refuse_taken
    from degrade.preview import check_picture
    from degrade.sources import open_source

    if sheet:
        check_picture(sheet)
        refuse_taken(sheet.expanduser())
    source = open_source(film)
    tell(source.line(), quiet=quiet or as_json)
    with progress("frames", quiet=quiet) as bar:
        task = bar.add_task("diagnose", total=sum(sequence.frames for sequence in source.sequences()))
        found = module.diagnose(source, {path: open_source(path) for path in restored}, lambda: bar.advance(task))
    if sheet:
        module.save_sheet(sheet, found)
    if as_json:
        print_json(found.to_json(film))
        return
    console.print(module.table(found, film))
    console.print(f"{found.specks} specks on {found.frames} frames")
    if sheet:
        console.print(str(sheet))


@app.command()
def run(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            autocompletion=_models,
            help="Names of `benchmark ls`, as rtn,unet, or path/to/file.py:Name; nlmeans?strength=2 sets arguments,"
            " median+rtn_color does both.",
        ),
    ],
    task: Annotated[
        str, typer.Option("--task", autocompletion=_tasks, help="A task of `benchmark ls`, or a YAML file.")
    ] = "quick-v4",
    data: Annotated[str | None, typer.Option("--data", help="The footage, for tasks that bring none.")] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", help="scratch, bundled, none or a file; as the task says if not given.")
    ] = None,
    init: Annotated[
        str | None, typer.Option("--init", help="bundled or a file: where --weights scratch starts, to fine-tune it.")
    ] = None,
    true_masks: Annotated[
        bool, typer.Option("--true-masks", help="Run models that fill masks with the true ones, too: an upper bound.")
    ] = False,
    change: Annotated[
        list[str], typer.Option("--set", help="key=value of the budget, as train.steps=100; makes another task.")
    ] = [],  # noqa: B006
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run; runs/<task> if not given.")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda; auto takes a GPU if any.")] = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that prepare clips and samples.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what an earlier run in the same folder has finished.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Trains, restores and scores models beside the task's baselines, and writes results and a report."""
    from degrade.benchmark.entries import entries
    from degrade.benchmark.hardware import choose_device
    from degrade.benchmark.run import run as run_task
    from degrade.benchmark.task import load_task
    from degrade.benchmark.train import rank

    loaded = load_task(task, tuple(change), data)
    chosen = entries(loaded, model.split(","), weights, init, true_masks)
    folder = (out or Path("runs") / loaded.name).expanduser()
    with progress("steps", quiet=quiet) as bar:
        shown = steps(bar)

        def step(what: str, done: int, total: int) -> None:
            if not rank():
                shown(what, done, total)

        def damaged(line: str) -> None:
            if not rank():
                bar.console.print(line, style="yellow")

        paths, table = run_task(
            loaded, chosen, folder, device=choose_device(device), workers=workers, resume=resume, progress=step,
            damaged=damaged, opened=lambda source: tell(source.line(), quiet=quiet or as_json),
        )  # fmt: skip
    if rank():  # under torchrun the first process says it all
        return
    if as_json:
        print_json({"results": list(map(str, paths)), "report": str(folder / "report.html")})
        return
    console.print(table)
    for path in paths:
        console.print(str(path))
    console.print(f"report: {folder / 'report.html'}")


@app.command()
def report(
    results: Annotated[Path, typer.Option("--results", help="Folder that holds <task>/*.json.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the pages.")] = Path("out/leaderboard"),
) -> None:
    """Builds the leaderboard's pages and tables from result files."""
    from degrade.benchmark.report import build_leaderboard

    for path in build_leaderboard(results, out):
        console.print(str(path))


app.command()(submit)
app.command()(check)


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    try:
        sys.exit(run_command(app))
    except ModuleNotFoundError as error:
        if error.name is None or not _from_extra(error.name):
            raise
        sys.exit(fail(f"needs the extra `benchmark` ({error}): pip install 'film-degrade[benchmark]'"))


def _from_extra(module: str) -> bool:
    """Whether the extra `benchmark` brings a module; its packages are named as their modules are, but for hyphens."""
    from importlib.metadata import requires

    extra = [text for text in requires("film-degrade") or () if text.endswith('extra == "benchmark"')]
    return any(re.match(rf"{module.partition('.')[0].replace('_', '[-_]')}\b(?!-)", text) for text in extra)
