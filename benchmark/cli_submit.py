"""`benchmark submit`. Heavy imports are left to the call."""

from pathlib import Path
from typing import Annotated

import typer

from degrade.console import Quiet, console, progress, steps

Task = Annotated[str | None, typer.Option("--task", help="A YAML file, where the task is not one of `benchmark ls`.")]
Data = Annotated[str | None, typer.Option("--data", help="The footage, for tasks that bring none.")]
Device = Annotated[str, typer.Option("--device", help="Where metrics run: cpu, cuda; auto takes a GPU if any.")]


def submit(
    made: Annotated[Path, typer.Argument(help="Folder of a run, or one of its results.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the entry, new or empty.")],
    frames: Annotated[
        str | None,
        typer.Option("--frames", help="The restored clips, each under its name; the run's own if not given."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Of a model whose frames were made elsewhere; they are scored now.")
    ] = None,
    commit: Annotated[str | None, typer.Option("--commit", help="Of the model's code, or the file that it is.")] = None,
    hardware: Annotated[str | None, typer.Option("--hardware", help="The run's own if not given.")] = None,
    training_data: Annotated[
        str | None, typer.Option("--training-data", help="What it was trained on, in a line; none.")
    ] = None,
    seen: Annotated[
        bool | None,
        typer.Option("--seen/--unseen", help="Whether it has seen footage of the scored clips in training."),
    ] = None,
    about: Annotated[
        Path | None, typer.Option("--about", help="These answers, and more on the model, as YAML.")
    ] = None,
    task: Task = None,
    data: Data = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Packs a result, where it comes from, and the restored frames into a folder, for the leaderboard."""
    from degrade.benchmark.hardware import choose_device
    from degrade.benchmark.submission import answers_of
    from degrade.benchmark.submission import submit as pack
    from degrade.spec import read_yaml

    answers = answers_of(
        read_yaml(about) if about else {}, name=name, commit=commit, hardware=hardware, training_data=training_data,
        scored_clips_seen=seen,
    )  # fmt: skip
    with progress("clips", quiet=quiet) as bar:
        place = choose_device(device)
        entry = pack(
            made.expanduser(), out.expanduser(), answers, frames=frames, task=task, data=data, device=place,
            progress=steps(bar),
        )  # fmt: skip
    console.print(str(entry))
