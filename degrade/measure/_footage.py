"""Footage that is measured: sequences of a source, or the damaged clips of a dataset."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.dataset.layout import DatasetFolder
from degrade.sources import Source, open_source
from degrade.storage import RECORD, locate

VALUES = 8_000_000
"""Pixels times channels that are read at once."""


@dataclass(frozen=True)
class Take:
    """A sequence, read from its first frame on."""

    frames: int
    block: int
    """Frames that are read at once."""
    read: Callable[[int, int], Array]

    def __iter__(self) -> Iterator[Array]:
        """Its frames, (H, W, C) uint8."""
        for start in range(0, self.frames, self.block):
            yield from self.read(start, min(start + self.block, self.frames))

    def part(self, start: int, stop: int) -> "Take":
        """Frames `start` to `stop` alone."""
        return Take(stop - start, self.block, lambda first, last: self.read(start + first, start + last))


def takes(
    film: str | Path | Source, limit: int | None = None, opened: Callable[[Source], object] = lambda source: None
) -> list[Take]:
    """All sequences.

    Args:
        film: Footage, or where it lies; or the folder or URL of a dataset, whose damaged frames are taken.
        limit: At most so many frames of each.
        opened: Called with the footage, unless it is a dataset.

    Raises:
        SourceError, DatasetError: There is none, or it is damaged.
    """
    if not isinstance(film, Source):
        if not str(film).startswith("builtin:") and (locate(film) / RECORD).is_file():
            dataset = DatasetFolder(film)
            return [
                _take(clip.frames, clip.height * clip.width, dataset.reader("lq", clip.id), limit)
                for clip in dataset.clips.values()
            ]
        film = open_source(film)
    opened(film)
    return [_take(s.frames, s.height * s.width, partial(film.read, s), limit) for s in film.sequences()]


def open_all(
    films: Sequence[str | Path | Source],
    limit: int | None = None,
    opened: Callable[[str, Source], object] = lambda film, source: None,
) -> dict[str, list[Take]]:
    """The sequences of several films, by what they are called; see `takes`.

    Raises:
        SourceError, DatasetError: One of them has none, is damaged, or is named twice.
    """
    names = [str(film) for film in films]
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise SourceError(f"{twice[0]}: named twice; films are measured beside others")
    return {name: takes(film, limit, partial(opened, name)) for name, film in zip(names, films, strict=True)}


def _take(frames: int, pixels: int, read: Callable[[int, int], Array], limit: int | None) -> Take:
    return Take(min(frames, limit or frames), max(1, VALUES // (3 * pixels)), read)
