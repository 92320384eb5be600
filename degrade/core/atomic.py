"""Files and folders that are there whole, or not at all."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from degrade.core.errors import DatasetError


def taken(path: Path) -> bool:
    """Whether there is a file, or a folder that holds something."""
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def refuse_url(path: Path) -> None:
    """Raises DatasetError for a URL where a local path is needed; `Path` has made one slash of its two."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
        raise DatasetError(f"{path}: is a URL; name a local file or folder")


def refuse_taken(path: Path) -> None:
    """Raises DatasetError if there is something already, or for a URL."""
    refuse_url(path)
    if taken(path):
        raise DatasetError(f"{path}: is there already; name another file or folder")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A free name beside `path`; the file or folder made there takes the place of `path` at the end of the block.

    After an error in the block nothing of it is left, and what was at `path` before stays as it is. An OSError that
    names no file, as that of a full disk, gets the name of `path`.

    Args:
        path: On a local disk, in a folder that is there; if a folder itself, empty.
    """
    temporary = path.with_name(f".{path.name}.part")
    _discard(temporary)  # of a run that was killed
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        _discard(temporary)


def write(path: Path, content: bytes | str | Callable[[Path], object]) -> None:
    """Writes a file, and makes its folder if needed; what was there stays whole until the new one is.

    Args:
        path: On a local disk.
        content: Bytes, text (as UTF-8), or what writes a file of the name that it is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        if callable(content):
            content(temporary)
        else:
            # Names of files that are no UTF-8 are escaped, as JSON does.
            temporary.write_bytes(content.encode(errors="backslashreplace") if isinstance(content, str) else content)


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
