"""Shared by the commands: the console, the progress bar, and errors as one line."""

import errno
import importlib.metadata
import sys
import warnings
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from degrade.core.errors import DegradeError

UsageError: Any = typer.BadParameter.__base__
"""Click's, or that of Typer's own copy of it, which newer versions have."""

console = Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 10_000)
"""Where results go; into a file or pipe no line is broken."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)
"""Where progress and errors go."""


class _Rate(ProgressColumn):
    """Units a second, as measured over the last seconds."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} {self.unit}/s" if speed else f"– {self.unit}/s", style="cyan")


class _Bar(Progress):
    """A bar that appears with its first task, so that an error before the work stays one line."""

    def __enter__(self) -> "_Bar":
        return self

    def stop(self) -> None:
        if self.live.is_started:
            super().stop()

    def add_task(self, *args: Any, **fields: Any) -> TaskID:
        self.start()
        return super().add_task(*args, **fields)


def progress(unit: str) -> Progress:
    """A bar with count, rate and time left, that appears with its first task.

    Args:
        unit: What is counted: ``"frames"``.
    """
    return _Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(),
        console=errors,
        speed_estimate_period=60,
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"film-degrade {importlib.metadata.version('film-degrade')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and end.")
]
"""The option that all commands have."""


def run(app: typer.Typer) -> int:
    """Runs a command, or shows the help if none is given.

    Bad input ends in one line on stderr and exit code 2, never in a traceback; a warning is a line, too.
    """
    warnings.showwarning = _warn
    try:
        if app(sys.argv[1:] or ["--help"], standalone_mode=False) == 130:  # what Typer makes of Ctrl-C
            raise KeyboardInterrupt
    except DegradeError as error:
        return fail(str(error))
    except UsageError as error:
        return fail(error.format_message())
    except (KeyboardInterrupt, typer.Abort):
        return fail("interrupted; what was finished is kept")
    except OSError as error:
        if error.errno == errno.EPIPE:
            return 0
        return fail(f"{error.filename or 'output'}: {error.strerror or error}")
    return 0


def _warn(message: Warning | str, *place: Any, **more: Any) -> None:
    errors.print("warning: " + " ".join(str(message).split()), style="yellow", markup=False)


def fail(message: str) -> int:
    """Says in one line on stderr what is wrong; the exit code."""
    errors.print("error: " + " ".join(message.split()), style="red", markup=False)
    return 2
