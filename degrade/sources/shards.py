"""Pictures out of tar files, such as `degrade.writers.shard` writes."""

import functools
import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources.base import Depth
from degrade.sources.pictures import decode_picture, describe_file


def read_members(shard: Path, names: Sequence[str], depth: Depth = 8) -> Array:
    """Pictures of one size out of a shard.

    Args:
        shard: The tar file.
        names: Of its members, one or more.
        depth: As of `Source.read`.

    Returns:
        (N, H, W, 3) RGB, uint8 or uint16.

    Raises:
        SourceError: The file is missing or damaged, has no such member, or one of another size.
    """
    members, pictures = _members(shard), []
    with shard.open("rb") as file:
        for name in names:
            if name not in members:
                raise SourceError(f"{shard}: holds no {name}")
            offset, size = members[name]
            file.seek(offset)
            pictures.append(decode_picture(file.read(size), f"{shard}: {name}", depth))
            if pictures[-1].shape != pictures[0].shape:
                raise SourceError(f"{shard}: {name} is of another size than {names[0]}")
    return np.stack(pictures)


def contents(shard: Path) -> Iterator[tuple[str, bytes]]:
    """All members, names and bytes, in their order.

    Raises:
        SourceError: The file is missing or damaged, or holds something else than files.
    """
    with _opened(shard) as tar:
        for member in _plain(tar):
            stream = tar.extractfile(member)
            yield member.name, stream.read() if stream else b""


def member_names(shard: Path) -> list[str]:
    """Names of all members, in their order.

    Raises:
        SourceError: The file is missing or damaged, or holds something else than files.
    """
    return list(_members(shard))


def member_size(shard: Path, name: str) -> tuple[int, int]:
    """Height and width of a picture in a shard, from its header alone.

    Raises:
        SourceError: Not a picture.
    """
    offset, size = _members(shard)[name]
    with shard.open("rb") as file:
        file.seek(offset)
        about, _ = describe_file(io.BytesIO(file.read(size)), f"{shard}: {name}")
    return about.height, about.width


def _members(shard: Path) -> dict[str, tuple[int, int]]:
    """Where each member lies, offset and size; read once for all frames of a clip, while the file stays the same."""
    try:
        state = shard.stat()
    except OSError as error:
        raise SourceError(f"{shard}: {error.strerror or error}") from error
    return _read_members(shard, state.st_size, state.st_mtime)


@functools.lru_cache(maxsize=64)
def _read_members(shard: Path, size: int, time: float) -> dict[str, tuple[int, int]]:
    with _opened(shard) as tar:
        return {member.name: (member.offset_data, member.size) for member in _plain(tar)}


@contextmanager
def _opened(shard: Path) -> Iterator[tarfile.TarFile]:
    try:
        with shard.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            yield tar
    except (OSError, tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
        raise SourceError(f"{shard}: {getattr(error, 'strerror', None) or 'damaged shard'}") from error


def _plain(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """All members; raises TarError for links, folders, and files that claim more bytes than they have."""
    for member in tar:
        if not member.isreg() or member.issparse():
            raise tarfile.TarError(f"{member.name} is no plain file")
        yield member
