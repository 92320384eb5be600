"""OpenCV's threads, where processes are the unit of parallel work."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV uses one thread in the block."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


class _Pool:
    """Ends the pool of threads before a fork: a child has none of them, and would wait for them for ever."""

    threads = 1

    def end(self) -> None:
        self.threads = cv2.getNumThreads()
        cv2.setNumThreads(1)

    def begin(self) -> None:
        cv2.setNumThreads(self.threads)


if hasattr(os, "register_at_fork"):
    _pool = _Pool()
    os.register_at_fork(before=_pool.end, after_in_parent=_pool.begin)
