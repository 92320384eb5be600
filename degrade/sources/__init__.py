"""Clean footage: folders of frames, video files, pictures, and the built-in moving stills."""

from pathlib import Path

from degrade.core.errors import SourceError, unknown
from degrade.sources.base import Sequence, Source

__all__ = ["Sequence", "Source", "open_source"]


def open_source(spec: str | Path) -> Source:
    """Opens footage.

    Args:
        spec: ``builtin:stills`` (`degrade.sources.stills.Stills`), or the path of a folder, video or picture
            (`degrade.sources.files.Files`).

    Raises:
        SourceError: There is no such footage, or it is empty or damaged.
    """
    if isinstance(spec, str) and spec.startswith("builtin:"):
        name = spec.removeprefix("builtin:")
        if name != "stills":
            raise SourceError(unknown("built-in source", name, ["stills"]))
        from degrade.sources.stills import Stills

        return Stills()
    from degrade.sources.files import Files

    return Files(Path(spec).expanduser())
