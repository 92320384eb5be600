"""Generates many clips in one run and reports rate, memory and open files over time.

    python tests/soak.py [clips] [workers]

2,000 clips of 4 frames unless said; Linux only, not collected by pytest.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from scale import spec

from degrade.generate import generate
from degrade.spec import parse


def main(clips: int = 2000, workers: int = 1) -> None:
    """Runs and prints a line for each tenth of the clips."""
    raw = spec(f"count={clips}&frames=4&height=128&width=192")
    done, since = 0, time.perf_counter()

    def finished(_: object) -> None:
        nonlocal done, since
        done += 1
        if done % max(1, clips // 10) == 0:
            now = time.perf_counter()
            lines = Path("/proc/self/status").read_text().splitlines()
            memory = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
            files = len(os.listdir("/proc/self/fd"))
            rate = max(1, clips // 10) / (now - since)
            print(f"{done} clips: {rate:.1f} a second, {int(memory) / 1024:.0f} MiB, {files} open files", flush=True)
            since = now

    with tempfile.TemporaryDirectory() as folder:
        generate(parse(raw), Path(folder) / "out", workers=workers, finished=finished)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
