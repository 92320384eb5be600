"""Films that are too large for the memory."""

import errno
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np
import pytest
import torch

from degrade.benchmark import memory
from degrade.benchmark.memory import fitting_tile, for_want_of_memory, memory_left
from degrade.benchmark.restore import restore_source
from degrade.core.errors import SourceError, SpecError
from degrade.core.memory import keep_freed_memory
from degrade.models import ModelCard
from degrade.models.base import RestorationModel, Restored
from degrade.sources import FrameSequence, Source, open_source
from degrade.sources.stream import StreamInfo

SIZE = 200, 320


class Flat(Source):
    """Grey frames of 200×320 pixels."""

    def sequences(self):
        return [FrameSequence("film", 3, StreamInfo(*SIZE))]

    def read(self, sequence, start, stop, depth=8):
        return np.full((stop - start, *SIZE, 3), 90, np.uint8)

    def fingerprint(self, sequence):
        return ""


class Greedy(RestorationModel):
    """Takes a hundred bytes for each value, and fails for want of memory above an area."""

    card = ModelCard(summary="for tests", source="this test", window=2)

    def __init__(self, most=10**9, error=None):
        super().__init__()
        self.most, self.error, self.sizes = most, error, []

    def restore(self, frames, flows):
        height, width = frames.shape[-2:]
        self.sizes.append((height, width))
        if height * width > self.most:
            raise self.error
        return Restored(frames + torch.zeros(25, *frames.shape).add_(1)[0] * 0)


@pytest.mark.parametrize(
    ("error", "whether"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: 12"), True),
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("std::bad_alloc"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_memory_does_not_suffice(error, whether):
    assert for_want_of_memory(error) is whether


def test_opencv_says_it_its_own_way():
    with pytest.raises(cv2.error) as caught:
        cv2.resize(np.zeros((2, 2), np.uint8), (2**30, 2**30))
    assert for_want_of_memory(caught.value)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")])
def test_one_line_says_what_helps(tmp_path, error):
    with pytest.raises(SourceError) as caught:
        restore_source(Greedy(1, error), Flat(), tmp_path / "out")
    cure = "give --tile auto, or a smaller --tile or --window"
    assert str(caught.value) == f"out of memory at 320×200 pixels, 2 frames at once; {cure}"
    assert not list(tmp_path.iterdir())
    with pytest.raises(SourceError, match=r"1 frames at once; give a smaller --window$"):
        restore_source(Greedy(1, error), Flat(), tmp_path / "out", window=1, tile="auto")
    with pytest.raises(ZeroDivisionError):
        restore_source(Greedy(1, ZeroDivisionError()), Flat(), tmp_path / "out")


def found(left):
    """The tile for 2000×3000 pixels where so many bytes are left."""
    memory.memory_left = lambda device: left
    return fitting_tile(Greedy(), 2000, 3000)


def test_as_much_as_fits(monkeypatch):
    """About 600 bytes a pixel are needed for two frames, and 70% of what is left are used.

    In a process of its own: one that has kept freed memory takes less than it needs.
    """
    cases = ((10**12, None, None), (2 * 10**9, 900, 1600), (1.2 * 10**9, 400, 960), (0, 128, 128))
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        tiles = list(fresh.map(found, [left for left, *_ in cases]))
    for tile, (_, least, most) in zip(tiles, cases, strict=True):
        assert tile is None if least is None else least <= tile <= most
        assert not tile or tile % 64 == 0
    monkeypatch.setattr(memory, "memory_left", lambda device: None)
    assert fitting_tile(Greedy(), 100, 128) is None
    with pytest.raises(SpecError, match="--tile: this system does not say how much memory there is"):
        fitting_tile(Greedy(), 2000, 3000)


def test_memory_that_a_process_has_kept_hides_nothing(monkeypatch):
    """A thread's freed memory stays its own, and is resident already when a model takes it."""
    monkeypatch.setattr(memory, "memory_left", lambda device: 2e9)
    keep_freed_memory()
    found = []

    def measure():
        held = [np.ones(2 * 10**7, np.uint8) for _ in range(2)]
        del held
        found.append(fitting_tile(Greedy(), 2000, 3000))

    thread = threading.Thread(target=measure)
    thread.start()
    thread.join()
    assert 900 <= found[0] <= 1600


def test_auto_restores_in_tiles_and_goes_on_with_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "memory_left", lambda device: 0.0)
    model = Greedy()

    def stop(frames):
        if frames:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_source(model, Flat(), tmp_path / "out", tile="auto", restored=stop)
    monkeypatch.setattr(memory, "memory_left", lambda device: 1e12)
    model.sizes.clear()
    restore_source(model, Flat(), tmp_path / "out", tile="auto")
    assert set(model.sizes) == {(128, 128)}
    pictures = open_source(tmp_path / "out")
    np.testing.assert_array_equal(pictures.read("out", 0, 3), Flat().read("film", 0, 3))
    model.sizes.clear()
    restore_source(model, Flat(), tmp_path / "other", tile="auto")
    assert SIZE in model.sizes


def test_what_is_left_falls_as_memory_is_taken():
    before = memory_left("cpu")
    if before is None:
        pytest.skip("this system does not say")
    held = torch.ones(2**28)  # a gibibyte
    after = memory_left("cpu")
    assert held[-1] == 1
    assert after < before < 2**50
