"""Frames out of the shards that `degrade.writers.shard` writes."""

import functools
import tarfile
from pathlib import Path

import numpy as np

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources.pictures import decode_picture


def read_frames(shard: Path, kind: str, start: int, stop: int) -> Array:
    """Frames `start` to `stop` of one kind.

    Args:
        shard: The tar file.
        kind: ``lq``, ``gt``, ``mask`` …
        start: Index of the first frame.
        stop: Index after the last.

    Returns:
        (N, H, W, 3) uint8 RGB.

    Raises:
        SourceError: The file is missing or damaged, or has no such frame.
    """
    members, frames = _members(shard), []
    with shard.open("rb") as file:
        for t in range(start, stop):
            name = f"{shard.stem}/{t:05d}.{kind}.png"
            if name not in members:
                raise SourceError(f"{shard}: holds no {name}")
            offset, size = members[name]
            file.seek(offset)
            frames.append(decode_picture(file.read(size), f"{shard}: {name}"))
    return np.stack(frames)


@functools.lru_cache(maxsize=64)
def _members(shard: Path) -> dict[str, tuple[int, int]]:
    """Where each member lies, offset and size; read once for all frames of a clip."""
    try:
        with shard.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            return {member.name: (member.offset_data, member.size) for member in tar}
    except (OSError, tarfile.TarError) as error:
        raise SourceError(f"{shard}: {getattr(error, 'strerror', None) or 'damaged shard'}") from error
