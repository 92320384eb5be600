"""Shared by the commands: the console, progress, JSON, and errors as one line with an exit code."""

import codecs
import errno
import io
import json
import os
import sys
import time
import unicodedata
import warnings
from collections.abc import Callable
from datetime import timedelta
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
from degrade.core.memory import keep_freed_memory

UsageError: Any = typer.BadParameter.__base__
"""Click's, or that of Typer's own copy of it, which newer versions have."""

PROBLEMS, BAD_INPUT, INTERRUPTED, UNREAD = 1, 2, 130, 141
"""Exit codes beside 0: problems found; wrong use or input; Ctrl-C; nobody reads the output any more (as of SIGPIPE)."""

PLAIN = {"×": "x", "–": "-", "−": "-", "↑": "^", "↓": "v", "→": "->", "≤": "<=", "≥": ">=", "…": "...", "σ": "sigma"}
"""For consoles that lack these, such as those of Windows, which are cp1252 or cp437."""

LOG_INTERVAL = 30.0
"""Seconds from one line of progress to the next where no bar can be drawn."""


def command_line() -> typer.Typer:
    """An application with the options and the help that all commands have."""
    return typer.Typer(
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Exit codes: 0 done, 1 problems found (verify, inspect, check), 2 wrong use or input, 130 interrupted.",
    )


class Output(Console):
    """A console that takes text as it is, as names of files may have brackets.

    A broken pipe is an error like any other; rich would end the process.
    """

    def __init__(self, **asked: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **asked)

    def on_broken_pipe(self) -> None:
        """See `run`."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


console = Output(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 10_000)
"""Where results go; into a file or pipe no line is broken."""

errors = Output(stderr=True, soft_wrap=True)
"""Where progress and errors go."""


def print_json(content: Any) -> None:
    """Prints a result for scripts; in ASCII, which every console has."""
    print(json.dumps(content, indent=1))


def tell(footage: str, *, quiet: bool = False, within: Console = errors) -> None:
    """Says in one line what the footage is that a command opened, as `Source.line` does; nothing of an empty one.

    Args:
        footage: The line.
        quiet: Say nothing.
        within: Where to say it.
    """
    if footage and not quiet:
        within.print(f"footage: {footage}")


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


class _Log(Progress):
    """Plain lines in place of a bar: one now and then, and of what took so long, one at its end."""

    def __init__(self, unit: str) -> None:
        super().__init__(console=errors, speed_estimate_period=60)
        self.unit = unit
        self.told = time.monotonic()
        self.slow: set[TaskID] = set()  # tasks that lines told of, and that have not ended

    def start(self) -> None:
        """Draws nothing."""

    def stop(self) -> None:
        """Says how far the unfinished tasks came."""
        for task in self.tasks:
            if task.completed and not task.finished:
                self._tell(task)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._tell_now_and_then(task_id)

    def update(self, task_id: TaskID, **fields: Any) -> None:
        super().update(task_id, **fields)
        self._tell_now_and_then(task_id)

    def _tell_now_and_then(self, task_id: TaskID) -> None:
        task = self._tasks[task_id]
        if task.finished and task_id in self.slow:
            self.slow.remove(task_id)
            self._tell(task)
        elif not task.finished and time.monotonic() - self.told >= LOG_INTERVAL:
            self.slow.add(task_id)
            self._tell(task)

    def _tell(self, task: Task) -> None:
        self.told = time.monotonic()
        speed = task.finished_speed or task.speed
        rate = f"{speed:.1f} {self.unit}/s" if speed else f"– {self.unit}/s"
        left = (
            "" if task.finished or task.time_remaining is None else f", {timedelta(seconds=task.time_remaining)} left"
        )
        count = f"{task.completed:.0f}/{task.total or 0:.0f}"
        self.console.print(f"{task.description}: {count}, {rate}{left}")


class _Quiet(Progress):
    """Shows nothing; some versions of `Progress` end with an empty line even so."""

    def start(self) -> None:
        """Nothing to begin."""

    def stop(self) -> None:
        """Nothing to end."""


def progress(unit: str, *, quiet: bool = False) -> Progress:
    """Count, rate and time left: a bar that appears with its first task, or off a terminal a line every 30 seconds.

    Args:
        unit: What is counted: ``"frames"``.
        quiet: Show nothing.
    """
    if quiet:
        return _Quiet(disable=True, console=errors)
    if not errors.is_terminal:
        return _Log(unit)
    return _Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(),
        console=errors,
        speed_estimate_period=60,
    )


def steps(bar: Progress) -> Callable[[str, int, int], None]:
    """``step(what, done, total)``: a task of the bar for each thing that is done, begun when it is first told of."""
    begun: dict[str, TaskID] = {}

    def step(what: str, done: int, total: int) -> None:
        if what not in begun:
            begun[what] = bar.add_task(what, total=total)
        bar.update(begun[what], completed=done)

    return step


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"film-degrade {version('film-degrade')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and end.")
]
"""The option that all commands have."""


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
"""Of commands that show it."""

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
"""Of commands whose result a script may want."""


SPINS = "1000"
"""How often threads of PyTorch look for work before they sleep. By default it is 300,000 times: beside one other busy
process, on two cores, a training step of `rtn` took twenty seconds then in place of one."""


def run(app: typer.Typer) -> int:
    """Runs a command, or shows the help if none is given; the exit code.

    Bad input ends in one line on stderr, never in a traceback; a warning is a line, too. A pipe that nobody reads any
    more ends in silence.
    """
    keep_freed_memory()
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    warnings.showwarning = _warn
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # of files that it cannot decode we say it ourselves, in one line
    codecs.register_error("degrade.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="degrade.plain")
    stdout = sys.stdout
    try:
        code = _run(app)
        stdout.flush()
    except BrokenPipeError:
        return _unread()
    except SystemExit:
        if sys.stdout is stdout:  # of completion
            raise
        sys.stdout = stdout  # which Typer has muffled
        return _unread()
    return code


def _run(app: typer.Typer) -> int:
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        if code == INTERRUPTED:  # what Typer makes of Ctrl-C
            raise KeyboardInterrupt
    except DegradeError as error:
        return fail(str(error))
    except UsageError as error:
        return fail(error.format_message())
    except (KeyboardInterrupt, typer.Abort):
        return fail("interrupted; what was finished is kept", INTERRUPTED)
    except BrokenPipeError:
        raise
    except OSError as error:
        return fail(f"{error.filename or 'output'}: {error.strerror or error}")
    return code if isinstance(code, int) else 0


def _warn(message: Warning | str, *place: Any, **more: Any) -> None:
    errors.print("warning: " + " ".join(str(message).split()), style="yellow")


def fail(message: str, code: int = BAD_INPUT) -> int:
    """Says in one line on stderr what is wrong; the exit code."""
    errors.print("error: " + " ".join(message.split()), style="red")
    return code


def _unread() -> int:
    """Sends what is still to be written nowhere: Python flushes once more as it ends, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNREAD


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Puts letters that every console has in the place of those that this one lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = unicodedata.normalize("NFKD", error.object[error.start : error.end])
    plain = (
        PLAIN.get(letter, letter if letter.isascii() else "?")
        for letter in letters
        if not unicodedata.combining(letter)
    )
    return "".join(plain), error.end
