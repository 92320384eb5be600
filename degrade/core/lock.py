"""One run at a time in a folder."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from degrade.core import atomic
from degrade.core.errors import DatasetError

HOLDER = "holder.json"
"""Beside the lock, says who holds it."""


@contextmanager
def hold(lock: Path, place: Path) -> Iterator[None]:
    """Keeps other runs out of a folder for the length of the block; the system lets go of what a killed run held.

    Args:
        lock: A file on a local disk or a network disk that locks; its folder is made if needed. The block may delete
            it, or the folder, at its end.
        place: The folder that it stands for, for people.

    Raises:
        DatasetError: Another run is at work there.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    about = lock.with_name(HOLDER)
    try:
        held = FileLock(lock, timeout=0, thread_local=False).acquire()
    except Timeout:
        raise DatasetError(f"{place}: another run{_holder(about)} is at work there; wait for its end") from None
    with held:
        atomic.write(about, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        yield


def _holder(about: Path) -> str:
    try:
        known = json.loads(about.read_bytes())
        return f" (process {int(known['pid'])} on {known['host']!s:.60})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
