"""`benchmark colorize`. Heavy imports are left to the call."""

from pathlib import Path
from typing import Annotated

import typer

from degrade.console import Quiet, console, errors, progress, tell
from degrade.core.assignment import parse_assignment

Frames = Annotated[str, typer.Option("--frames", help="Of a folder: png, tiff or dpx.")]


def _models() -> list[str]:
    from degrade import models

    return [name for name, card in models.cards().items() if card is None or card.kind == "colorization"]


def colorize(
    model: Annotated[
        str,
        typer.Option(
            "--model", autocompletion=_models, help="One that colours, of `benchmark ls`, or path/to/file.py:Name."
        ),
    ],
    film: Annotated[str, typer.Option("--input", help="Video, or folder of frames; grey, tinted or toned.")],
    out: Annotated[
        Path, typer.Option("--out", help="*.mkv (lossless), *.mov (ProRes), *.mp4, or a folder of pictures.")
    ],
    reference: Annotated[
        list[str],
        typer.Option(
            "--reference", help="frame=picture, as 120=key.png, counted from 0; or a picture of no known time."
        ),
    ] = [],  # noqa: B006
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights", help="Of models that learn, .safetensors or .pth; bundled ones if not given; none: its own."
        ),
    ] = None,
    config: Annotated[list[str], typer.Option("--set", help="key=value for the model, such as flow=raft.")] = [],  # noqa: B006
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1 ...; auto takes a GPU if any.")] = "auto",
    fps: Annotated[
        float | None, typer.Option("--fps", min=1, help="Frames per second of the video; the film's own if not given.")
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
    from degrade.models._colorization import coloring
    from degrade.sources import open_source

    given = [parse_reference(text) for text in reference]
    source = open_source(film)
    tell(source.line(copied=("sound", "timecode")), quiet=quiet)
    network = with_weights(coloring, model, weights, dict(map(parse_assignment, config)))
    network = network.eval().to(choose_device(device))
    with progress("frames", quiet=quiet) as bar:
        task = bar.add_task(model, total=sum(sequence.frames for sequence in source.sequences()))
        written = colorize_film(
            network,
            source,
            given,
            out,
            fps=fps,
            pictures=frames,
            with_sheet=sheet,
            colored=lambda frames: bar.advance(task, frames),
            told=lambda line: None if quiet else errors.print(line, markup=False),
        )
    for path in written:
        console.print(str(path), markup=False)
