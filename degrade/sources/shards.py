"""Pictures out of tar files, such as `degrade.writers.shard` writes."""

import functools
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources.pictures import decode_picture


def read_pictures(shard: Path, names: Sequence[str]) -> Array:
    """Pictures of one size out of a shard.

    Args:
        shard: The tar file.
        names: Of its members, one or more.

    Returns:
        (N, H, W, 3) uint8 RGB.

    Raises:
        SourceError: The file is missing or damaged, or has no such member.
    """
    members, pictures = _members(shard), []
    with shard.open("rb") as file:
        for name in names:
            if name not in members:
                raise SourceError(f"{shard}: holds no {name}")
            offset, size = members[name]
            file.seek(offset)
            pictures.append(decode_picture(file.read(size), f"{shard}: {name}"))
    return np.stack(pictures)


@functools.lru_cache(maxsize=64)
def _members(shard: Path) -> dict[str, tuple[int, int]]:
    """Where each member lies, offset and size; read once for all frames of a clip."""
    try:
        with shard.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            return {member.name: (member.offset_data, member.size) for member in tar}
    except (OSError, tarfile.TarError) as error:
        raise SourceError(f"{shard}: {getattr(error, 'strerror', None) or 'damaged shard'}") from error
