"""`benchmark restore`. Heavy imports are left to the call."""

from pathlib import Path
from typing import Annotated, Any

import typer

from degrade.benchmark.cli_colorize import Frames
from degrade.console import Quiet, console, errors, progress, tell
from degrade.core.assignment import parse_assignment
from degrade.core.errors import SpecError


def _models() -> list[str]:
    from degrade import models

    return [name for name, card in models.cards().items() if card is None or card.kind == "restoration"]


def restore(
    model: Annotated[
        str,
        typer.Option("--model", autocompletion=_models, help="A name of `benchmark ls`, or path/to/file.py:Name."),
    ],
    film: Annotated[str, typer.Option("--input", help="Video, folder of frames, or folder of these.")],
    out: Annotated[
        Path, typer.Option("--out", help="*.mkv (lossless), *.mov (ProRes), *.mp4, or a folder of pictures.")
    ],
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights", help="Of models that learn, .safetensors or .pth; bundled ones if not given; none: its own."
        ),
    ] = None,
    config: Annotated[list[str], typer.Option("--set", help="key=value for the model, such as flow=raft.")] = [],  # noqa: B006
    window: Annotated[int | None, typer.Option("--window", help="Frames restored at once.")] = None,
    tile: Annotated[
        str | None, typer.Option("--tile", help="Restore in tiles of so many pixels, for little memory; auto: as fits.")
    ] = None,
    masks: Annotated[
        str | None, typer.Option("--masks", help="What is to be filled, white: of a scanner's infrared, or painted.")
    ] = None,
    start: Annotated[int, typer.Option("--start", help="First frame to restore.")] = 0,
    stop: Annotated[int | None, typer.Option("--stop", help="Frame after the last to restore.")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1 ...; auto takes a GPU if any.")] = "auto",
    fps: Annotated[
        float | None,
        typer.Option(
            "--fps", min=1, help="Frames per second of the video; the film's own if not given, 24 of pictures."
        ),
    ] = None,
    on_damaged: Annotated[
        str, typer.Option("--on-damaged", help="Of frames: error, repeat (the one before), or skip.")
    ] = "error",
    curve: Annotated[
        str | None, typer.Option("--curve", help="Of scans that hold densities: cineon makes display values of them.")
    ] = None,
    deinterlace: Annotated[
        str, typer.Option("--deinterlace", help="Of videos made of fields: none, bwdif, or telecine (back to 24).")
    ] = "none",
    frames: Frames = "png",
    sheet: Annotated[bool, typer.Option("--sheet", help="Also write a picture of frames before and after.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep films that are there already; what was interrupted goes on anyway.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Restores a real film of any length."""
    from degrade.benchmark.entries import with_weights
    from degrade.benchmark.excerpt import Excerpt
    from degrade.benchmark.hardware import choose_device
    from degrade.benchmark.restore import restore_source
    from degrade.models.base import restoring
    from degrade.sources import open_source

    source = open_source(film, on_damaged, curve, deinterlace)
    tell(source.line(copied=("sound", "timecode")), quiet=quiet)
    covers = None if masks is None else open_source(masks)
    if start or stop is not None:
        source, covers = Excerpt(source, start, stop), covers and Excerpt(covers, start, stop)
    network = with_weights(restoring, model, weights, dict(map(parse_assignment, config)))
    network = network.eval().to(choose_device(device))
    with progress("frames", quiet=quiet) as bar:
        task = bar.add_task(model, total=sum(sequence.frames for sequence in source.sequences()))
        written = restore_source(
            network,
            source,
            out,
            window=window,
            tile=_tile(tile),
            masks=covers,
            fps=fps,
            pictures=frames,
            with_sheet=sheet,
            resume=resume,
            restored=lambda frames: bar.advance(task, frames),
            told=lambda line: None if quiet else errors.print(line, markup=False),
        )
    for path in written:
        console.print(str(path), markup=False)


def _tile(text: str | None) -> Any:
    """What ``--tile`` says."""
    if text in (None, "auto"):
        return text
    if not text.isdecimal():
        raise SpecError(f"must be a number of pixels or auto, got {text!r}", "--tile")
    return int(text)
