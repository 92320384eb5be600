"""`benchmark colorize`. Heavy imports are left to the call."""

from functools import partial
from typing import Annotated

import typer

from degrade.benchmark.cli_films import Config, Device, Frames, Out, Weights, make, models_that
from degrade.console import Quiet, tell


def _models() -> list[str]:
    return models_that("colorization")


def colorize(
    model: Annotated[
        str,
        typer.Option(
            "--model", autocompletion=_models, help="One that colours, of `benchmark ls`, or path/to/file.py:Name."
        ),
    ],
    film: Annotated[str, typer.Option("--input", help="Video, or folder of frames; grey, tinted or toned.")],
    out: Out,
    reference: Annotated[
        list[str],
        typer.Option(
            "--reference", help="frame=picture, as 120=key.png, counted from 0; or a picture of no known time."
        ),
    ] = [],  # noqa: B006
    weights: Weights = None,
    config: Config = [],  # noqa: B006
    device: Device = "auto",
    fps: Annotated[
        float | None, typer.Option("--fps", help="Frames per second of the video; the film's own if not given.")
    ] = None,
    frames: Frames = "png",
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Also write a picture of frames: grey, coloured, reference.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Colours a grey film by pictures of some of its frames, or of like things; cuts are found."""
    from degrade.benchmark.colorize import colorize_film, parse_reference
    from degrade.benchmark.entries import with_weights
    from degrade.benchmark.hardware import choose_device
    from degrade.core.assignment import parse_assignment
    from degrade.models._colorization import coloring
    from degrade.sources import open_source

    given = [parse_reference(text) for text in reference]
    source = open_source(film)
    tell(source.line(copied=("sound", "timecode")), quiet=quiet)
    network = with_weights(coloring, model, weights, dict(map(parse_assignment, config)))
    network = network.eval().to(choose_device(device))
    films = partial(colorize_film, network, source, given, out, fps=fps, pictures=frames, with_sheet=sheet)
    make(model, source, lambda done, told: films(colored=done, told=told), quiet=quiet)
