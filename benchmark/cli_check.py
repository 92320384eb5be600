"""`benchmark check`. Heavy imports are left to the call."""

from pathlib import Path
from typing import Annotated

import typer

from degrade.benchmark.cli_submit import Data, Device, Task
from degrade.console import PROBLEMS, Json, Quiet, console, errors, fail, print_json


def check(
    entries: Annotated[list[Path], typer.Argument(help="Folders of `benchmark submit`, or results with provenance.")],
    beside: Annotated[
        Path | None, typer.Option("--beside", help="Folder of results that it is to share a table with; its own.")
    ] = None,
    task: Task = None,
    data: Data = None,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Checks entries to the leaderboard against their task, and scores their frames again; a line for each fault."""
    from degrade.benchmark.checking import check_entry
    from degrade.benchmark.hardware import choose_device
    from degrade.core.errors import DatasetError

    place, problems = choose_device(device), []
    for given in (path.expanduser() for path in entries):
        files = sorted(given.glob("*.json")) if given.is_dir() else [given]
        if not files:
            raise DatasetError(f"{given}: holds no result")
        for file in files:
            peers = sorted((beside or file.parent).glob("*.json"))
            found = check_entry(
                file, task=task, data=data, peers=peers, device=place,
                told=lambda line: None if quiet else errors.print(line),
            )  # fmt: skip
            problems += list(found)
    if as_json:
        print_json({"problems": problems})
    else:
        for problem in problems:
            console.print(problem)
        if not problems:
            console.print("all is as it should be")
    if problems:
        fail(f"{len(problems)} problem{'s' * (len(problems) > 1)} found")
        raise typer.Exit(PROBLEMS)
