"""What fits into memory, and what to do where it does not."""

import ctypes
import errno
import gc
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import cv2
import torch

from degrade.benchmark.hardware import peak_memory, reset_peak_memory
from degrade.core.errors import SourceError, SpecError
from degrade.models._stream import TILE_OVERLAP
from degrade.models.base import RestorationModel
from degrade.sources import FrameSequence

if sys.platform != "win32":
    import resource

Tile = int | Literal["auto"] | None
"""Longest side restored at once, pixels; None: whole frames; ``auto``: as much as fits."""

CONTAINER = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
"""Where Linux says how much a container may have and has, by version of its control groups."""

SAID = ("allocate memory", "not enough memory", "insufficient memory", "out of memory", "bad_alloc")
"""By PyTorch and OpenCV, where there is no memory."""

SHOWS = 4 * 2**20
"""Bytes that a tile must take for a difference to say something."""

LARGEST = 1024
"""Side of the largest tile that is measured, pixels."""

SHARE = 0.7
"""Of the memory that is left, what is used."""


@contextmanager
def explained(
    model: RestorationModel, films: Sequence[FrameSequence], window: int | None, tile: Tile
) -> Iterator[None]:
    """Turns whatever is raised for want of memory into one line that says what helps."""
    try:
        yield
    except Exception as error:
        if not for_want_of_memory(error):
            raise
        largest = max(films, key=lambda film: film.height * film.width)
        size = f"{largest.width}×{largest.height} pixels, {window or model.card.window} frames at once"
        cure = "a smaller --window" if tile == "auto" else "--tile auto, or a smaller --tile or --window"
        raise SourceError(f"out of memory at {size}; give {cure}") from error


def for_want_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory does not suffice; PyTorch, OpenCV and the system each have their own."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError | cv2.error) and any(words in str(error).lower() for words in SAID)


def fitting_tile(model: RestorationModel, height: int, width: int, window: int | None = None) -> int | None:
    """The longest side of tiles that fit into the memory that is left; None if whole frames do.

    What a model needs is measured on two small tiles, of which one has twice the other's side; it grows as their area
    does. Both are made larger until they show: they may be served from memory that the process has kept.

    Raises:
        SpecError: This system does not say how much memory there is.
    """
    frames, least = window or model.card.window, 2 * TILE_OVERLAP
    if max(height, width) <= least:
        return None
    device = str(next(model.parameters(), torch.empty(0)).device)
    left = memory_left(device)
    side, small, large = least, *(_needed(model, frames, times * least, device) for times in (1, 2))
    while small is not None and small < SHOWS and 4 * side <= min(LARGEST, max(height, width)):
        side, small, large = 2 * side, large, _needed(model, frames, 4 * side, device)
    if left is None or small is None or large is None:
        raise SpecError("this system does not say how much memory there is; give a number of pixels", "--tile")
    each = max((large - small) / (3 * side**2), 1)
    held = 4 * 4 * frames * 3 * height * width  # the frames and the restored ones, float, and a copy of both
    pixels = max(SHARE * left - held, 0) / each
    if height * width <= pixels:
        return None
    return max(int(math.sqrt(pixels)) // TILE_OVERLAP * TILE_OVERLAP, least)


@torch.no_grad()
def _needed(model: RestorationModel, frames: int, side: int, device: str) -> float | None:
    """Bytes that a model takes for a square of that side."""
    clip = torch.full((1, frames, 3, side, side), 0.5, device=device)
    model(clip[..., :32, :32])  # what is made once
    _give_back()
    before = peak_memory(device) if reset_peak_memory(device) else None
    model(clip)
    after = peak_memory(device)
    return None if before is None or after is None else max(after - before, 0) * 2**20


def _give_back() -> None:
    """Garbage, and what the C library keeps of freed memory, would hide what is taken next; others keep little."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def memory_left(device: str) -> float | None:
    """Bytes that can still be had, by the device, the system, and the limits of the process and its container."""
    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(device)
        return float(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if sys.platform == "win32" or not (about := _table("/proc/meminfo")):
        return None
    bounds = [about["MemAvailable"]]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        bounds.append(limit - _table("/proc/self/status")["VmSize"])
    for paths in CONTAINER:
        if all(path.is_file() for path in paths):
            most, used = (path.read_text().strip() for path in paths)
            bounds += [float(most) - float(used)] if most != "max" else []
    return max(min(bounds), 0.0)


def _table(path: str) -> dict[str, float]:
    """Bytes by name, of a table of the system; empty if there is none."""
    if not Path(path).exists():
        return {}
    rows = (line.split() for line in Path(path).read_text().splitlines())
    return {row[0].rstrip(":"): float(row[1]) * 1024 for row in rows if len(row) == 3 and row[2] == "kB"}
