"""Clean footage: folders of frames, video files, pictures, and the built-in moving stills."""

import inspect
from pathlib import Path
from typing import cast, get_args

from degrade.core.errors import SourceError, shown, unknown
from degrade.sources.base import Deinterlace, FrameSequence, OnDamaged, Source
from degrade.sources.curves import CURVES, Curve
from degrade.storage import locate, reaching

__all__ = ["FrameSequence", "OnDamaged", "Source", "open_source"]


def open_source(
    spec: str | Path,
    on_damaged: OnDamaged | str | None = None,
    curve: Curve | str | None = None,
    deinterlace: Deinterlace | str | None = None,
) -> Source:
    """Opens footage.

    Args:
        spec: ``builtin:stills`` (`degrade.sources.stills.Stills`), with arguments as in
            ``builtin:stills?height=128&width=192``; ``builtin:lookalikes``
            (`degrade.sources.lookalikes.BuiltinLookalikes`); or the path or URL of a folder, video or picture
            (`degrade.sources.files.Files`).
        on_damaged: What is done where frames are damaged: ``error`` (if not given), ``repeat`` the frame before, or
            ``skip`` them. For the latter two, each frame is read once on opening.
        curve: By which densities, as film scanners store them, become display values: ``cineon``. Values are taken as
            they are stored if not given. Of no meaning for ``builtin:stills``.
        deinterlace: What is done with the fields of videos: ``none`` (if not given), ``bwdif`` makes a frame of each
            two, ``telecine`` finds the film again that runs at 24 frames in 30.

    Raises:
        SourceError: There is no such footage, or it is empty or damaged.
    """
    how = on_damaged or "error"
    if how not in get_args(OnDamaged):
        raise SourceError(unknown("way with damaged frames", how, get_args(OnDamaged)))
    if curve not in (None, *CURVES):
        raise SourceError(unknown("curve", str(curve), CURVES))
    fields = deinterlace or "none"
    if fields not in get_args(Deinterlace):
        raise SourceError(unknown("deinterlacer", fields, get_args(Deinterlace)))
    if isinstance(spec, str) and spec.startswith("builtin:"):
        name, _, arguments = spec.removeprefix("builtin:").partition("?")
        if name not in ("stills", "lookalikes"):
            raise SourceError(unknown("built-in source", name, ["stills", "lookalikes"]))
        from degrade.sources.lookalikes import BuiltinLookalikes
        from degrade.sources.stills import Stills

        made = {"stills": Stills, "lookalikes": BuiltinLookalikes}[name]
        return made(**_integers(name, arguments, tuple(inspect.signature(made).parameters)))
    from degrade.sources.files import Files

    place = locate(spec)
    try:
        with reaching(place, SourceError):
            return Files(place, cast(OnDamaged, how), cast(Curve | None, curve), cast(Deinterlace, fields))
    except OSError as error:
        raise SourceError(f"{error.filename or place}: {error.strerror or error}") from error


def _integers(name: str, arguments: str, known: tuple[str, ...]) -> dict[str, int]:
    """``height=128&width=192`` as numbers."""
    values = {}
    for argument in filter(None, arguments.split("&")):
        key, _, value = argument.partition("=")
        if key not in known:
            raise SourceError(unknown(f"argument of builtin:{name}", key, known))
        if not (value.isdecimal() and len(value) < 10):
            raise SourceError(f"builtin:{name}: {key} must be a whole number of up to 9 digits, got {shown(value)}")
        values[key] = int(value)
    return values
