"""Frames of one clip as they were written: a folder of pictures, a video, or members of a shard."""

from collections.abc import Callable, Sequence
from pathlib import Path

from degrade.core.errors import DatasetError
from degrade.core.types import Array
from degrade.dataset.records import ClipRecord
from degrade.sources import open_source
from degrade.sources.base import Depth, check_range
from degrade.sources.shards import member_size, read_members


def open_frames(
    path: Path, about: ClipRecord, members: Sequence[str] | None, depth: Depth
) -> Callable[[int, int], Array]:
    """Opens the frames of one kind for many windows; nothing is read of them before they are seen to be there.

    Args:
        path: Where they lie.
        about: The clip's row of the manifest.
        members: In a shard, the names of the frames, in order.
        depth: Bits of the values given, 8 or 16.

    Returns:
        A function that gives frames `start` to `stop`, (N, H, W, 3) uint8 or uint16.

    Raises:
        DatasetError: Number or size are not what the manifest says.
        SourceError: They are missing or damaged.
    """
    if members is None:
        source = open_source(path)
        there = [(sequence.frames, sequence.height, sequence.width) for sequence in source.sequences()]
    else:
        there = [(len(members), *member_size(path, members[0]))] if members else []
    if there != [(about.frames, about.height, about.width)]:
        found = ", ".join("{} frames of {}×{}".format(*one) for one in there[:2]) or "no frames"
        told = f"{about.frames} of {about.height}×{about.width}"
        raise DatasetError(f"{path}: {found}, where the manifest says {told}")
    if members is None:
        (sequence,) = source.sequences()
        return lambda start, stop: source.read(sequence, start, stop, depth)

    def frames(start: int, stop: int) -> Array:
        check_range(path, len(members), start, stop)
        return read_members(path, members[start:stop], depth)

    return frames
