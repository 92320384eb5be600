"""Memory does not grow with the length of a clip, but for the numbers of its trace."""

import sys

import pytest
from scale import peak_mib


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_peak_memory_of_generate_does_not_hold_the_clip() -> None:
    height, width = 128, 192
    one_copy = 800 * height * width * 4 / 2**20  # MiB of the further frames, as float32
    assert peak_mib(1000, height, width) - peak_mib(200, height, width) < one_copy / 4
