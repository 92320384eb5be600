"""Freed memory is kept, unless the environment says how memory is to be kept."""

import os
import subprocess
import sys

import pytest

CODE = """
import resource, numpy as np
from degrade.core.memory import keep_freed_memory
keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    pictures = [np.ones((1080, 1920, 3), np.float32) for _ in range(4)]
work()
before = faults()
for _ in range(5):
    work()
print(faults() - before)
"""


def faults(**environment: str) -> int:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=own | environment
    )
    return int(done.stdout)


@pytest.mark.skipif(
    "glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or "") if sys.platform == "linux" else True,
    reason="not the GNU C library",
)
def test_pictures_come_out_of_memory_that_was_freed() -> None:
    """Hardly a page has to be asked for again."""
    assert faults() < 0.1 * faults(MALLOC_TRIM_THRESHOLD_="1000")
