"""What the commands that make films of films share: options, and the run. Heavy imports are left to the call."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degrade.console import console, errors, progress

if TYPE_CHECKING:
    from degrade.sources import Source

Out = Annotated[Path, typer.Option("--out", help="*.mkv (lossless), *.mov (ProRes), *.mp4, or a folder of pictures.")]
Frames = Annotated[str, typer.Option("--frames", help="Of a folder: png, tiff or dpx.")]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights", help="Of models that learn, .safetensors or .pth; bundled ones if not given; none: its own."
    ),
]
Config = Annotated[list[str], typer.Option("--set", help="key=value for the model, such as flow=raft.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1 ...; auto takes a GPU if any.")]


def models_that(kind: str) -> list[str]:
    """Names of the models of a kind, and of other packages', whose cards are not read."""
    from degrade import models

    return [name for name, card in models.cards().items() if card is None or card.kind == kind]


def make(
    model: str,
    source: "Source",
    films: Callable[[Callable[[int], object], Callable[[str], object]], list[Path]],
    *,
    quiet: bool,
) -> None:
    """Makes films under a bar, and prints where they are.

    Args:
        model: Names the bar.
        source: What they are made of.
        films: ``films(done, told)`` makes them; it calls ``done`` with numbers of frames, and ``told`` with lines.
        quiet: Show neither.
    """
    with progress("frames", quiet=quiet) as bar:
        task = bar.add_task(model, total=sum(sequence.frames for sequence in source.sequences()))
        written = films(
            lambda frames: bar.advance(task, frames),
            lambda line: None if quiet else errors.print(line),
        )
    for path in written:
        console.print(str(path))
