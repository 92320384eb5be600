"""Tar files, written so that the same contents give the same bytes."""

import io
import tarfile
from collections.abc import Iterable
from typing import BinaryIO


def write(members: Iterable[tuple[str, bytes]], file: BinaryIO) -> None:
    """Writes a tar of names and contents, without times and owners."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
