"""Memory does not grow with the length of a clip, but for what is drawn and kept."""

import tracemalloc
from pathlib import Path

import pytest
from scale import spec

from degrade.dataset import pairs
from degrade.dataset.generate import generate
from degrade.spec import parse


def test_peak_memory_of_generate_does_not_grow_with_the_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "CHUNK_VALUES", 16 * 64 * 96)
    peaks = []
    tracemalloc.start()
    try:
        for frames in (192, 48, 192):  # the first fills the caches
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            generate(parse(spec(f"count=1&frames={frames}&height=64&width=96", "steady")), tmp_path / str(len(peaks)))
            peaks.append((tracemalloc.get_traced_memory()[1] - before) / 2**20)
    finally:
        tracemalloc.stop()
    _, short, long = peaks
    assert long - short < 1  # MiB; what is drawn, 0.5 when measured; frames, targets and masks would be 10
