"""The `degrade` command. Heavy imports are left to the commands that need them."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degrade.cli_match import match
from degrade.console import (
    PROBLEMS,
    Json,
    Quiet,
    Version,
    command_line,
    console,
    errors,
    fail,
    print_json,
    progress,
    run,
    tell,
)
from degrade.core.errors import SpecError, unknown

if TYPE_CHECKING:
    from degrade.core.op import Op
    from degrade.dataset.plan import Clip
    from degrade.sources import FrameSequence, Source
    from degrade.spec import Spec

app = command_line()


def _presets() -> list[str]:
    from degrade import presets

    return presets.names()


def _shown() -> list[str]:
    from degrade import ops, presets, textures

    return [*ops.registry.names(), *presets.names(), *textures.registry.names()]


def _instruments() -> list[str]:
    from degrade.measure import registry

    return registry.names()


SpecFile = Annotated[Path | None, typer.Option("--spec", help="YAML file; `degrade schema` prints what it may hold.")]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", help="Folder of frames or videos, video, picture, or builtin:stills."),
]
Preset = Annotated[
    str | None,
    typer.Option("--preset", autocompletion=_presets, help="A ready pipeline, in place of the spec's."),
]
Changes = Annotated[
    list[str],
    typer.Option("--set", help="key=value, such as clips.length=8 or pipeline.dust.per_frame=[1,4]."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="The integer that all randomness starts from.")]


@app.callback()
def _commands(version: Version = False) -> None:
    """Makes, shows and checks synthetic film damage."""


@app.command()
def generate(
    spec: SpecFile = None,
    source: SourceOption = None,
    out: Annotated[
        str | None, typer.Option("--out", help="Folder or URL for the dataset; out/<name> if not given.")
    ] = None,
    preset: Preset = None,
    change: Changes = [],  # noqa: B006
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes, each with one thread.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", help="Dask cluster to work on: tcp://host:8786, or local for one of --workers."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run of the same spec.")] = False,
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Turns clean footage into a paired dataset: damaged frames, ground truth, masks, traces, manifest."""
    from rich.table import Table

    from degrade.dataset.generate import generate as write
    from degrade.spec import load_spec
    from degrade.storage import locate

    loaded = load_spec(spec, preset=preset, changes=change, source=source, seed=seed)
    place = locate(out or Path("out") / loaded.name)

    sequences: list[FrameSequence] = []

    def open_told(footage: "Source") -> None:
        sequences.extend(footage.sequences())
        tell(footage.line(), quiet=quiet or as_json, within=console)

    def start(clips: "list[Clip]") -> None:
        _warn_of_empty_splits(loaded, clips)
        _warn_of_enlarging(sequences, clips)
        bar.add_task(loaded.name, total=sum(clip.frames for clip in clips))

    with progress("frames", quiet=quiet) as bar:
        summary = write(
            loaded,
            place,
            workers=workers,
            scheduler=scheduler,
            resume=resume,
            opened=open_told,
            started=start,
            advanced=lambda frames: bar.advance(bar.task_ids[0], frames),
        )
    if as_json:
        print_json({"dataset": str(place), **vars(summary)})
        return
    table = Table("op", "fired in", "of the clips", box=None, header_style="dim")
    for label, count in summary.fired.items():
        table.add_row(label, f"{count} clips", f"{count / summary.clips:.0%}")
    console.print(table)
    kept = f", {summary.resumed} of them from before" if summary.resumed else ""
    clips = "1 clip" if summary.clips == 1 else f"{summary.clips} clips"
    console.print(f"{clips}{kept}, {summary.frames} frames in {place}")
    if summary.mended:
        shown = ", ".join(summary.mended[:5]) + ("…" if len(summary.mended) > 5 else "")
        console.print(f"made again, as files were missing or damaged: {len(summary.mended)} ({shown})")


@app.command()
def preview(
    spec: SpecFile = None,
    source: SourceOption = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for sheet.png and clip.mp4.")] = Path("out/preview"),
    preset: Preset = None,
    change: Changes = [],  # noqa: B006
    seed: Seed = None,
    clips: Annotated[int, typer.Option("--clips", min=1, help="Clips on the sheet.")] = 3,
) -> None:
    """Shows a spec: a contact sheet (clean, damaged, mask) and a clip."""
    from degrade.preview import preview as show_pictures
    from degrade.spec import load_spec

    loaded = load_spec(spec, preset=preset, changes=change, source=source, seed=seed)
    for path in show_pictures(loaded, out, clips=clips, opened=lambda footage: tell(footage.line())):
        console.print(str(path))


@app.command()
def ls(as_json: Json = False) -> None:
    """Lists ops, presets and procedural textures, a line each."""
    from rich.table import Table

    from degrade import ops, presets, textures

    rows = [
        *((name, *_about(ops.registry.get, name, "op")) for name in ops.registry.names()),
        *((name, "preset", _about_preset(name)) for name in presets.names()),
        *((name, *_about(textures.registry.get, name, "texture")) for name in textures.registry.names()),
    ]
    if as_json:
        print_json([{"name": name, "kind": kind, "about": about} for name, kind, about in rows])
        return
    table = Table("name", "kind", "what it is", box=None, header_style="dim")
    for row in rows:
        table.add_row(*row)
    console.print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=_shown, help="An op, a preset, or a texture.")],
    out: Annotated[Path | None, typer.Option("--out", help="The picture; <NAME>.png if not given.")] = None,
) -> None:
    """Shows an op: its parameters with their ranges, and writes a picture of what it does."""
    from rich.table import Table

    from degrade import ops, presets, textures
    from degrade.core.atomic import refuse_taken, taken
    from degrade.preview import check_picture, save_picture
    from degrade.show import demonstrate, drawings, parameters

    path = out or Path(f"{name}.png")
    check_picture(path)
    if out:
        refuse_taken(out.expanduser())
    damage: Op | None = None
    if name in presets.names():
        console.print(presets.text(name))
        damage = presets.load(name)
    elif name in ops.registry:
        op = ops.registry.get(name)
        console.print(inspect.cleandoc(op.__doc__ or ""), end="\n\n")
        table = Table("parameter", "default", "allowed", "what it is", box=None, header_style="dim")
        for parameter in parameters(op):
            table.add_row(*parameter)
        console.print(table)
        damage = op()
    elif name in textures.registry:
        console.print(inspect.cleandoc(textures.registry.get(name).__doc__ or ""))
    else:
        known = {*ops.registry.names(), *presets.names(), *textures.registry.names()}
        raise SpecError(unknown("op, preset or texture", name, known))
    if taken(path):
        console.print(f"picture: {path} is there already, and stays as it is; name another by --out")
        return
    save_picture(path, demonstrate(damage) if damage else drawings(name))
    console.print(f"picture: {path}")


@app.command()
def schema() -> None:
    """Prints the JSON schema of a spec, for editors to complete and check."""
    import json

    from degrade.spec import json_schema

    print(json.dumps(json_schema(), indent=1))


@app.command("inspect")
def inspect_footage(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Folder of frames or videos, video, or picture.")],
    read: Annotated[
        bool, typer.Option("--read", help="Also read every frame, and name those that are damaged.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Says what footage is: what is read of it, passed over, assumed, dropped."""
    from degrade.inspect import damaged_frames, describe, report
    from degrade.sources import open_source

    footage = open_source(source)
    notes, sequences = footage.notes(), footage.sequences()
    if read:
        with progress("frames", quiet=quiet) as bar:
            task = bar.add_task("read", total=sum(sequence.frames for sequence in sequences))
            notes += damaged_frames(footage, lambda frames: bar.advance(task, frames))
    if as_json:
        print_json({"source": source, "sequences": list(map(describe, sequences)), "notes": list(map(vars, notes))})
    else:
        for row in report(sequences, notes):
            console.print(row)
    if any(note.kind == "damaged" for note in notes):
        raise typer.Exit(PROBLEMS)


@app.command()
def validate(
    spec: SpecFile = None,
    source: SourceOption = None,
    preset: Preset = None,
    change: Changes = [],  # noqa: B006
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Checks a spec, and reads its footage to the end, without making anything."""
    from degrade.dataset.footage import check_footage, stretches
    from degrade.dataset.plan import plan
    from degrade.spec import load_spec

    loaded = load_spec(spec, preset=preset, changes=change, source=source, seed=seed)
    footage = loaded.footage()
    tell(footage.line(), quiet=quiet or as_json)
    clips = plan(loaded, footage)
    for clip in clips[:1]:
        loaded.dry_run(clip.info())
    with progress("frames", quiet=quiet) as bar:
        task = bar.add_task("read", total=sum(stop - start for start, stop in stretches(clips).values()))
        check_footage(footage, clips, lambda frames: bar.advance(task, frames))
    _warn_of_empty_splits(loaded, clips)
    _warn_of_enlarging(footage.sequences(), clips)
    splits = {split: sum(clip.split == split for clip in clips) for split in loaded.splits}
    total, digest = sum(clip.frames for clip in clips), loaded.digest()
    if as_json:
        print_json({"clips": len(clips), "frames": total, "splits": splits, "spec_sha256": digest})
        return
    shares = ", ".join(f"{count} {split}" for split, count in splits.items())
    console.print(f"valid: {len(clips)} clips ({shares}), {total} frames; spec {digest[:12]}")


@app.command()
def verify(
    dataset: Annotated[str, typer.Argument(help="The dataset's folder or URL.")],
    rerender: Annotated[int, typer.Option("--rerender", min=0, help="Draw and render so many clips again.")] = 0,
    source: SourceOption = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Checks every byte of a dataset against its record, and a sample of clips by rendering them again."""
    from degrade.dataset.verify import verify as check

    with progress("clips", quiet=quiet) as bar:
        problems = check(
            dataset,
            rerender=rerender,
            source=source,
            opened=lambda footage: tell(footage.line(), quiet=quiet or as_json),
            started=lambda clips: bar.add_task("verify", total=clips),
            checked=lambda clip: bar.advance(bar.task_ids[0]),
        )
    if as_json:
        print_json({"dataset": dataset, "problems": problems})
    else:
        for problem in problems[:20]:
            console.print(problem)
        if not problems:
            console.print(f"{dataset}: complete and unchanged")
    if problems:
        fail(f"{dataset}: {len(problems)} problem{'s' * (len(problems) > 1)} found")
        raise typer.Exit(PROBLEMS)


@app.command(name="measure")
def measure_films(
    films: Annotated[list[str], typer.Argument(help="Films: folders of frames or videos, videos, or datasets.")],
    instruments: Annotated[
        list[str], typer.Option("--instrument", autocompletion=_instruments, help="One of them; all if not given.")
    ] = [],  # noqa: B006
    frames: Annotated[
        int | None, typer.Option("--frames", min=1, help="At most so many frames of each sequence.")
    ] = None,
    made: Annotated[
        list[str],
        typer.Option(
            "--against", help="Not the damage, but how well made footage, as a dataset, is told from the films."
        ),
    ] = [],  # noqa: B006
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measures the damage of films; of several, how far others are from the first, and whether intervals overlap."""
    from rich.table import Table

    from degrade.measure import measure_all, rows, to_json

    if made:
        if instruments:
            raise SpecError("goes without --against", "--instrument")
        _judge(films, made, frames, quiet, as_json)
        return
    with progress("frames", quiet=quiet) as bar:
        measured = measure_all(
            films,
            instruments or None,
            limit=frames,
            opened=lambda film, source: tell(f"{film}: {source.line()}", quiet=quiet or as_json),
            started=lambda film, total: bar.add_task(film, total=total),
            seen=lambda count: bar.advance(bar.task_ids[-1], count),
        )
    if as_json:
        print_json(to_json(measured))
        return
    first, *others = films
    beside = [column for film in others for column in (film, "off by")]
    table = Table("instrument", "quantity", first, *beside, "unit", box=None, header_style="dim")
    for row in rows(list(measured.values())):
        table.add_row(*row)
    console.print(table)


app.command()(match)


def _judge(films: list[str], made: list[str], frames: int | None, quiet: bool, as_json: bool) -> None:
    """`measure --against`: what each judge tells rightly of each that was made."""
    from rich.table import Table

    from degrade.measure import against_all

    with progress("frames", quiet=quiet) as bar:
        found = against_all(
            films,
            made,
            limit=frames,
            opened=lambda film, source: tell(f"{film}: {source.line()}", quiet=quiet or as_json),
            started=lambda what, total: bar.add_task(what, total=total),
            seen=lambda count: bar.advance(bar.task_ids[-1], count),
        )
    if as_json:
        print_json({name: one.to_json() for name, one in found.items()})
        return
    parts = [Path(part).name for part in next(iter(found.values())).left_out]
    table = Table("against", "judge", "told rightly", "95%", *parts, box=None, header_style="dim")
    for name, one in found.items():
        for verdict in one.verdicts:
            if verdict.right is None or verdict.interval is None:
                table.add_row(name, verdict.judge, "–", verdict.reason)
                continue
            span = " – ".join(f"{end:.0%}" for end in verdict.interval)
            cells = [f"{verdict.right:.0%}", span, *(f"{share:.0%}" for share in verdict.left_out)]
            table.add_row(name, verdict.judge, *cells)
    console.print(table)
    for name, one in found.items():
        real, other = one.patches
        console.print(f"{name}: {real} flat patches of films, {other} made; by chance 50% are told")
        film, high = one.heights
        if film != high:
            line = f"warning: {name} is {high} pixels high, the film {film}: patches are compared pixel by pixel"
            errors.print(line, style="yellow")


def _warn_of_enlarging(sequences: "list[FrameSequence]", clips: "list[Clip]") -> None:
    stored = {sequence.id: sequence for sequence in sequences}
    enlarged = {}
    for clip in clips:
        footage = stored[clip.sequence]
        if clip.height > footage.height or clip.width > footage.width:
            enlarged[clip.sequence] = f"{footage.width}×{footage.height} enlarged to {clip.width}×{clip.height}"
    if enlarged:
        name, how = next(iter(enlarged.items()))
        more = f" (and {len(enlarged) - 1} more)" if len(enlarged) > 1 else ""
        errors.print(
            f"warning: clips.size: {name!r} is {how}{more}: its clean frames lack the detail of their size",
            style="yellow",
        )


def _warn_of_empty_splits(spec: "Spec", clips: "list[Clip]") -> None:
    sequences, filled = {clip.sequence for clip in clips}, {clip.split for clip in clips}
    for split in (split for split in spec.splits if split not in filled):
        errors.print(
            f"warning: no clip is in {split!r}: splits take whole sequences, here {len(sequences)}; "
            f"bring more films or folders, or name those of a split, as splits.{split}: ['reel2*']",
            style="yellow",
        )


def _about(get: Callable[[str], type], name: str, kind: str) -> tuple[str, str]:
    """Kind and first line of an entry; of one that cannot be loaded, why."""
    try:
        entry = get(name)
    except SpecError as error:
        return kind, str(error)
    return getattr(entry, "family", kind), (entry.__doc__ or "").strip().partition("\n")[0]


def _about_preset(name: str) -> str:
    """What a preset is; of one that cannot be read, why."""
    from degrade import presets

    try:
        return presets.about(name)
    except SpecError as error:
        return str(error)


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    sys.exit(run(app))


if __name__ == "__main__":
    main()
