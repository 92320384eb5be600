"""A cache limited by bytes instead of entries, since pictures differ in size by orders of magnitude."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteCache(Generic[T]):
    """Keeps what was used last; safe under threads.

    Args:
        limit: Bytes kept; a single greater thing is still made, but not kept.
        size: Bytes of one thing.
    """

    def __init__(self, limit: int, size: Callable[[T], int]) -> None:
        self.limit, self.size = limit, size
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under the key, or what `make` makes; two threads may both make it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._total += self.size(made)
            while self._total > self.limit:
                self._total -= self.size(self._kept.popitem(last=False)[1])
        return made
