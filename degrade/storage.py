"""Where datasets and footage lie: a path, or a URL of fsspec such as ``s3://bucket/reels``.

What stands for a path at a URL has pathlib's methods; these are the few things that differ.
"""

import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from degrade.core import atomic
from degrade.core.errors import DatasetError, DegradeError, SpecError

RECORD, MANIFEST, UNFINISHED = "dataset.json", "manifest.csv", ".generating"
"""What tells the folder of a dataset: its record and its table, and while it is being written, the folder of what is
not finished."""


def locate(place: str | Path) -> Path:
    """A path or URL as an object with pathlib's methods.

    Raises:
        SpecError: What the URL needs is not installed, or there is no such protocol or user (``~somebody``).
    """
    if not is_remote(place):
        try:
            return Path(place).expanduser()
        except RuntimeError as error:
            raise SpecError(f"no such user: {error}", str(place)) from error
    try:
        from upath import UPath

        found: Any = UPath(str(place))
        found.fs  # noqa: B018  # where the protocol's package is asked for
    except ImportError as error:
        raise SpecError(f"needs the extra `remote`, and the protocol's own package ({error})", str(place)) from error
    except ValueError as error:
        raise SpecError(f"no such protocol: {error}", str(place)) from error
    return found


def is_remote(place: str | Path) -> bool:
    """Whether it is a URL."""
    return "://" in str(place)


@contextmanager
def reaching(place: Path, kind: type[DegradeError] = DatasetError) -> Iterator[None]:
    """Whatever the packages behind a URL raise, each its own exceptions, becomes one line that names the URL."""
    try:
        yield
    except Exception as error:
        modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
        if not is_remote(place) or not any(name.startswith("fsspec.") for name in modules):
            raise
        raise kind(f"{place}: {error}") from error


def make_folder(place: Path) -> None:
    """Makes a folder and those above it, if not there; a bucket has none, and is not made for a mistyped name."""
    if is_remote(place):
        from upath.implementations.cloud import CloudPath

        if isinstance(place, CloudPath):
            return
    place.mkdir(parents=True, exist_ok=True)


def move(path: Path, place: Path) -> None:
    """Moves a local file or folder to where it replaces what is there."""
    make_folder(place.parent)
    remove(place)
    if is_remote(place):
        there: Any = place
        there.fs.put(str(path), there.path, recursive=path.is_dir())
        remove(path)
    else:
        os.replace(path, place)


def put(data: bytes, place: Path) -> None:
    """Writes a file at once: it is there with all of its bytes, or not at all."""
    if is_remote(place):
        place.write_bytes(data)
    else:
        atomic.write(place, data)


def forget_listings(place: Path) -> None:
    """Has a URL's folders listed anew, which fsspec keeps."""
    if is_remote(place):
        there: Any = place
        there.fs.invalidate_cache()


def remove(path: Path) -> None:
    """Deletes a file or folder, if there."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
    elif is_remote(path):
        there: Any = path
        there.fs.rm(there.path, recursive=True)
    else:
        shutil.rmtree(path)
