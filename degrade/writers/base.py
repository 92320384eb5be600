"""The contract of writers: all or nothing."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from degrade.core.atomic import replacing
from degrade.core.errors import DatasetError
from degrade.core.types import Array

Pictures = Literal["png", "tiff", "dpx"]
"""Formats of the pictures in a folder."""

SUFFIXES: dict[str, str] = {"png": ".png", "tiff": ".tif", "dpx": ".dpx"}
"""Of the files of each."""


class Writer(ABC):
    """Writes frames of one shape under a temporary name beside `path`, and renames on close.

    After an exception inside the ``with`` block nothing is left.

    Raises:
        DatasetError: The disk is full or cannot be written, `path` is taken by a folder, or no frame came.
        ValueError: A frame is not uint8 or uint16, (H, W, 1) or (H, W, 3), or not as the first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path  # until the block is entered
        self._stack = ExitStack()
        self.shape: tuple[int, ...] = ()
        self.dtype: Any = None
        self.count = 0

    def write(self, frame: Array) -> None:
        """Appends a frame.

        Args:
            frame: (H, W, 1) grey or (H, W, 3) RGB; uint8 or uint16, over its full range, all the same.
        """
        if (
            frame.dtype not in (np.uint8, np.uint16)
            or frame.ndim != 3
            or frame.shape[2] not in (1, 3)
            or not frame.size
        ):
            raise ValueError(f"a frame is uint8 or uint16, (H, W, 1) or (H, W, 3), got {frame.dtype} {frame.shape}")
        if self.count and (frame.shape, frame.dtype) != (self.shape, self.dtype):
            was = f"the first was {self.shape} of {self.dtype}"
            raise ValueError(f"frame {self.count} is {frame.shape} of {frame.dtype}, {was}")
        self.shape, self.dtype = frame.shape, frame.dtype
        try:
            self._write(frame)
        except OSError as error:
            raise self._failed(error) from error
        self.count += 1

    @property
    def lost(self) -> int:
        """Packets of sound and the like that are damaged, and were not copied."""
        return 0

    @abstractmethod
    def _open(self) -> None:
        """Makes the temporary file or folder."""

    @abstractmethod
    def _write(self, frame: Array) -> None:
        """Appends a checked frame."""

    @abstractmethod
    def _close(self) -> None:
        """Writes what is outstanding and closes."""

    @abstractmethod
    def _abandon(self) -> None:
        """Closes whatever is open; must not fail."""

    def __enter__(self) -> Self:
        try:
            with ExitStack() as stack:
                if self.path.is_dir() and any(self.path.iterdir()):
                    raise DatasetError(f"{self.path}: the folder is not empty")
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.temporary = stack.enter_context(replacing(self.path))
                stack.callback(self._abandon)
                self._open()
                self._stack = stack.pop_all()
        except OSError as error:
            raise self._failed(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        try:
            with self._stack:
                if not self.count:
                    raise DatasetError(f"{self.path}: no frames to write")
                self._close()
        except OSError as failure:
            raise self._failed(failure) from failure

    def _failed(self, error: OSError) -> DatasetError:
        return DatasetError(f"{self.path}: cannot be written: {error.strerror or error}")
