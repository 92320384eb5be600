"""WebDataset shards: one tar of a clip, a sample for each frame.

Members are ``<clip>/00000.gt.png``, ``<clip>/00000.lq.png``, ``<clip>/00000.mask.png`` and so on, frame after
frame, so WebDataset finds the sample ``<clip>/00000`` with the keys ``lq.png``, ``gt.png``, ``mask.png``.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from degrade.core.errors import SourceError


def pack(folders: dict[str, Path], clip: str, file: BinaryIO) -> None:
    """Writes a shard; the same frames give the same bytes.

    Args:
        folders: PNG files of the same names for each kind, ``lq``, ``gt``, ``mask`` …
        clip: Name of the clip.
        file: Open for writing.
    """
    frames = sorted(next(iter(folders.values())).iterdir())
    members = (
        (f"{clip}/{frame.stem}.{kind}.png", (folder / frame.name).read_bytes())
        for frame in frames
        for kind, folder in sorted(folders.items())
    )
    write(members, file)


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


def kind_of(member: str) -> str:
    """``lq`` for ``clip/00000.lq.png``, ``mask.dust`` for ``clip/00000.mask.dust.png``."""
    return member.rpartition("/")[2].removesuffix(".png").partition(".")[2]
