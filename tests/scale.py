"""How `degrade generate` scales: two workers against one, and peak memory against the length of a clip.

    python tests/scale.py

Not collected by pytest; `test_memory.py` asserts the second.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from degrade.generate import generate
from degrade.spec import parse

PEAK = """
import json, sys
from pathlib import Path
from degrade.generate import generate
from degrade.spec import parse
generate(parse(json.loads(sys.argv[1])), Path(sys.argv[2]))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def spec(source: str, **fields: object) -> dict[str, object]:
    """A spec over built-in stills, grey, under `film-medium`."""
    from degrade import presets

    return {"source": source, "color": "grey", "pipeline": presets.read("film-medium"), **fields}


def peak_mib(frames: int, height: int, width: int) -> float:
    """Peak memory of a process that generates one clip, MiB; Linux only."""
    raw = spec(f"builtin:stills?count=1&frames={frames}&height={height}&width={width}")
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-c", PEAK, json.dumps(raw), f"{folder}/out"]
        return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout) / 1024


def seconds(workers: int) -> float:
    """Wall time of 48 clips of 48 frames, 368×640, start of the workers included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        generate(parse(spec("builtin:stills?count=48&height=368&width=640")), Path(folder) / "out", workers=workers)
        return time.perf_counter() - start


if __name__ == "__main__":
    one, two = seconds(1), seconds(2)
    print(f"2,304 frames of 640×368: {one:.1f} s with 1 worker, {two:.1f} s with 2: {one / two:.2f} times")
    short, long = peak_mib(50, 256, 384), peak_mib(1000, 256, 384)
    print(f"peak memory: {short:.0f} MiB for a clip of 50 frames, {long:.0f} MiB for 1,000")
