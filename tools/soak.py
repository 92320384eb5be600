"""Generates many clips in one run and reports rate, memory and open files over time, and what was left behind.

    python tools/soak.py [clips] [workers]

2,000 clips of 4 frames unless said; Linux only.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from scale import spec

from degrade.dataset.generate import generate
from degrade.dataset.verify import verify
from degrade.spec import parse


def main(clips: int = 2000, workers: int = 1) -> None:
    """Runs and prints a line for each tenth of the clips."""
    raw = spec(f"count={clips}&frames=4&height=128&width=192")
    done, since, used = 0, time.perf_counter(), time.process_time()

    def finished(_: object) -> None:
        nonlocal done, since, used
        done += 1
        if done % max(1, clips // 10) == 0:
            now, cpu = time.perf_counter(), time.process_time()
            lines = Path("/proc/self/status").read_text().splitlines()
            memory = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
            files = len(os.listdir("/proc/self/fd"))
            rate, own = (max(1, clips // 10) / took for took in (now - since, cpu - used))
            print(
                f"{done} clips: {rate:.1f} a second, {own:.1f} a second of CPU time of this process, "
                f"{int(memory) / 1024:.0f} MiB, {files} open files",
                flush=True,
            )
            since, used = now, cpu

    before = set(os.listdir(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory() as folder:
        generate(parse(raw), Path(folder) / "out", workers=workers, finished=finished)
        print(f"{len(verify(Path(folder) / 'out'))} files too many, missing or changed, as verify finds")
    print(f"{len(set(os.listdir(tempfile.gettempdir())) - before)} temporary files left")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
