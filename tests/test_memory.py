"""Memory does not grow with the length of a clip, but for a little that is drawn and kept."""

import sys

import pytest
from scale import peak_mib


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_peak_memory_of_generate_does_not_grow_with_the_clip() -> None:
    short, long = (peak_mib(frames, 128, 192, "steady") for frames in (120, 800))
    assert long - short < 16  # MiB; what is drawn and the caches, 10.5 when measured; the frames would be 64
