"""`benchmark restore`. Heavy imports are left to the call."""

from functools import partial
from typing import Annotated, Any

import typer

from degrade.benchmark.cli_films import Config, Device, Frames, Out, Weights, make, models_that
from degrade.console import Quiet, tell
from degrade.core.errors import SpecError


def _models() -> list[str]:
    return models_that("restoration")


def restore(
    model: Annotated[
        str,
        typer.Option("--model", autocompletion=_models, help="A name of `benchmark ls`, or path/to/file.py:Name."),
    ],
    film: Annotated[str, typer.Option("--input", help="Video, folder of frames, or folder of these.")],
    out: Out,
    weights: Weights = None,
    config: Config = [],  # noqa: B006
    window: Annotated[int | None, typer.Option("--window", help="Frames restored at once.")] = None,
    tile: Annotated[
        str | None, typer.Option("--tile", help="Restore in tiles of so many pixels, for little memory; auto: as fits.")
    ] = None,
    masks: Annotated[
        str | None, typer.Option("--masks", help="What is to be filled, white: of a scanner's infrared, or painted.")
    ] = None,
    start: Annotated[int, typer.Option("--start", help="First frame to restore.")] = 0,
    stop: Annotated[int | None, typer.Option("--stop", help="Frame after the last to restore.")] = None,
    device: Device = "auto",
    fps: Annotated[
        float | None,
        typer.Option("--fps", help="Frames per second of the video; the film's own if not given, 24 of pictures."),
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
    from degrade.core.assignment import parse_assignment
    from degrade.models.base import restoring
    from degrade.sources import open_source

    source = open_source(film, on_damaged, curve, deinterlace)
    tell(source.line(copied=("sound", "timecode")), quiet=quiet)
    covers = None if masks is None else open_source(masks)
    if start or stop is not None:
        source, covers = Excerpt(source, start, stop), covers and Excerpt(covers, start, stop)
    network = with_weights(restoring, model, weights, dict(map(parse_assignment, config)))
    network = network.eval().to(choose_device(device))
    films = partial(
        restore_source,
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
    )
    make(model, source, lambda done, told: films(restored=done, told=told), quiet=quiet)


def _tile(text: str | None) -> Any:
    """What ``--tile`` says."""
    if text in (None, "auto"):
        return text
    if not text.isdecimal():
        raise SpecError(f"must be a number of pixels or auto, got {text!r}", "--tile")
    return int(text)
