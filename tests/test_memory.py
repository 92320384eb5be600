"""Memory does not grow with the length of a clip."""

import sys

import pytest
from scale import peak_mib


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_peak_memory_of_generate_is_flat() -> None:
    assert peak_mib(1000, 128, 192) < 1.12 * peak_mib(50, 128, 192)
