"""Tar files, written so that the same contents give the same bytes."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from degrade.core.errors import SourceError


def write(members: Iterable[tuple[str, bytes]], file: BinaryIO) -> None:
    """Writes a tar of names and contents, without times and owners."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def read(path: Path) -> Iterator[tuple[str, bytes]]:
    """All members, names and contents, in their order.

    Raises:
        SourceError: The file cannot be read, or is cut off or damaged.
    """
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                yield member.name, stream.read() if stream else b""
    except (OSError, tarfile.TarError) as error:
        raise SourceError(f"{path}: {getattr(error, 'strerror', None) or 'damaged shard'}") from error
