"""What the C library does with memory that is freed, and what the processor's cache holds."""

import ctypes
import math
import os
import sys
from collections.abc import Iterator

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
KEPT = 1 << 30
"""Bytes of freed memory that a process keeps at most, about."""
CACHED = 1 << 18
"""Numbers of which a processor's cache holds a few arrays."""


def keep_freed_memory() -> None:
    """Lets the GNU C library keep what is freed for what is made next; for processes that make many pictures.

    By itself it gives arrays of a picture's size back to the system, from where the next one comes page by page: at
    1080p in colour that takes a third of the time. Does nothing with other C libraries, nor where the environment
    says how memory is kept (``MALLOC_TRIM_THRESHOLD_``, ``MALLOC_MMAP_THRESHOLD_``, ``GLIBC_TUNABLES``).
    """
    own = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
    if sys.platform != "linux" or any(name in os.environ for name in own):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            library.mallopt(option, KEPT)


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Cuts a picture, (H, W) or (H, W, C), into bands of rows; what is made of one on the way stays in the cache."""
    rows = max(1, CACHED // max(1, math.prod(shape[1:])))
    return (slice(top, top + rows) for top in range(0, shape[0], rows))
