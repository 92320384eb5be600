"""`degrade match`. Heavy imports are left to the call."""

from pathlib import Path
from typing import Annotated

import typer

from degrade.console import Json, Quiet, console, print_json, progress, tell


def match(
    film: Annotated[str, typer.Argument(help="Folder of frames or videos, video, or dataset.")],
    footage: Annotated[
        str | None, typer.Option("--footage", help="Clean footage to damage alike; built-in stills if not given.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The spec; <name of the film>.yaml if not given.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="An HTML page that shows film beside film.")] = None,
    frames: Annotated[int, typer.Option("--frames", min=1, help="At most so many frames of the film.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the spec.")] = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measures the damage of a film, writes the spec that makes more of it, and says how near it comes."""
    from rich.table import Table

    from degrade.core import atomic
    from degrade.core.errors import DatasetError
    from degrade.match import distances, page, spec_name
    from degrade.match import match as matching

    path = out or Path(f"{spec_name(film)}.yaml")
    for asked in filter(None, (path, report)):
        if asked.expanduser().is_dir():
            raise DatasetError(f"{asked}: is a folder; name a file")
        atomic.refuse_taken(asked.expanduser())
    with progress("frames", quiet=quiet) as bar:
        matched = matching(
            film,
            footage,
            seed=seed,
            limit=frames,
            opened=lambda source: tell(source.line(), quiet=quiet or as_json),
            started=lambda what, total: bar.add_task(what, total=total),
            seen=lambda count: bar.advance(bar.task_ids[-1], count),
        )
    atomic.write(path.expanduser(), matched.text)
    if report:
        atomic.write(report.expanduser(), page(matched, f"{film}, matched"))
    off = distances(matched.rows)
    if as_json:
        rows = [vars(row) for row in matched.rows]
        print_json({"spec": str(path), "distances": off, "readings": rows, "unmatched": list(matched.unmatched)})
        return
    table = Table("instrument", "quantity", "film", "render", "off by", "unit", box=None, header_style="dim")
    for row in (row for row in matched.rows if row.set):
        made, apart = (f"{row.made:.3g}", f"× {row.off:.2f}") if row.made is not None else ("–", "–")
        table.add_row(row.instrument, row.quantity, f"{row.film:.3g}", made, apart, row.unit)
    console.print(table)
    console.print("remaining: " + ", ".join(f"{instrument} × {factor:.2f}" for instrument, factor in off.items()))
    for line in matched.unmatched:
        console.print(f"not matched: {line}")
    console.print(f"spec: {path}" + (f"; report: {report}" if report else ""))
