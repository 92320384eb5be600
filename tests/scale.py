"""How `degrade generate` scales: workers, memory, what writing costs.

    python tests/scale.py [workers] [memory] [write]

Not collected by pytest; `test_memory.py` asserts the second.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable

PEAK = """
import json, sys
from pathlib import Path
from degrade.generate import generate
from degrade.spec import parse
generate(parse(json.loads(sys.argv[1])), Path(sys.argv[2]))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""

SECONDS = """
import json, resource, sys, time
from pathlib import Path
from degrade.generate import generate
from degrade.spec import parse
spec = parse(json.loads(sys.argv[1]))
start = time.perf_counter()
generate(spec, Path(sys.argv[2]), workers=int(sys.argv[3]))
took = time.perf_counter() - start
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(took, sum(u.ru_utime + u.ru_stime for u in used))
"""

WORKLOADS = {
    "48 clips of 48 frames": "count=48&height=368&width=640",
    "12 clips of 48 frames": "count=12&height=368&width=640",
    "1 clip of 600 frames": "count=1&frames=600&height=368&width=640",
}


STEADY = [
    "noise",
    {"dust": {"per_frame": 30, "bursts": 0}},
    {"scratch": {"per_frame": 8, "lifetime": [1, 4]}},
    {"hair": {"per_frame": 0.5}},
    {"dirt": {"per_frame": 0.3}},
    "flicker",
    "weave",
]
"""As much damage on every frame whatever the seed, about that of `film-medium`."""


def spec(source: str, preset: str = "film-medium", **fields: object) -> dict[str, object]:
    """A spec over built-in stills, grey; under `STEADY` damage if the preset is ``steady``."""
    from degrade import presets

    pipeline = STEADY if preset == "steady" else presets.read(preset)
    return {"source": f"builtin:stills?{source}", "color": "grey", "pipeline": pipeline, **fields}


def run(script: str, raw: dict[str, object], *arguments: object) -> list[float]:
    """The numbers that a script prints which generates a spec in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-c", script, json.dumps(raw), f"{folder}/out", *map(str, arguments)]
        return [float(word) for word in subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()]


def peak_mib(frames: int, height: int, width: int, preset: str = "film-medium", seed: int = 0) -> float:
    """Peak memory of a process that generates one clip, MiB; Linux only."""
    return run(PEAK, spec(f"count=1&frames={frames}&height={height}&width={width}", preset, seed=seed))[0] / 1024


def workers(repeats: int = 3) -> None:
    """Two workers against one, one after the other, the best of each; start of the workers included."""
    print(f"640×368, film-medium, best of {repeats}; seconds of wall time (of CPU time)")
    for name, source in WORKLOADS.items():
        times: dict[int, list[list[float]]] = {1: [], 2: []}
        for _ in range(repeats):
            for count, seen in times.items():
                seen.append(run(SECONDS, spec(source), count))
        (one, alone), (two, both) = (map(min, zip(*times[count], strict=True)) for count in times)
        print(f"{name}: {one:.1f} ({alone:.1f}) with 1 worker, {two:.1f} ({both:.1f}) with 2: {one / two:.2f} times")


def memory(seeds: Iterable[int] = range(3)) -> None:
    """Peak memory of a short and of a long clip: mean over seeds, since what is drawn differs."""
    for preset in ("steady", "film-medium", "rtn-code"):
        short, long = (
            statistics.mean(peak_mib(frames, 256, 384, preset, seed) for seed in seeds) for frames in (50, 1000)
        )
        print(f"{preset}: {short:.0f} MiB at the peak for a clip of 50 frames, {long:.0f} MiB for 1,000")


def write() -> None:
    """What encoding costs of a run, and what other settings would: CPU time of lq and gt together, one thread."""
    import cv2
    import numpy as np

    import degrade
    from degrade.sources import open_source

    cv2.setNumThreads(1)
    source = open_source("builtin:stills?count=4&height=368&width=640")
    clips = [source.read(sequence, 0, 8)[..., :1] for sequence in source.sequences()]
    frames = [frame for clip in clips for frame in (*clip, *degrade.load("film-medium")(clip, seed=1).frames)]
    settings: dict[str, list[int]] = {"as written (OpenCV's default)": []}
    filters = {"up": cv2.IMWRITE_PNG_FILTER_UP, "sub": cv2.IMWRITE_PNG_FILTER_SUB, "fast": cv2.IMWRITE_PNG_FAST_FILTERS}
    for level in (1, 3, 6):
        settings[f"level {level}"] = [cv2.IMWRITE_PNG_COMPRESSION, level]
        for name, rows in filters.items():
            settings[f"level {level}, filter {name}"] = [
                cv2.IMWRITE_PNG_COMPRESSION, level, cv2.IMWRITE_PNG_FILTER, rows
            ]  # fmt: skip
    for name, options in settings.items():
        start = time.process_time()
        size = sum(cv2.imencode(".png", np.ascontiguousarray(frame), options)[1].size for frame in frames)
        took = time.process_time() - start
        pairs = len(frames) / 2
        print(f"PNG, {name}: {took / pairs * 1e3:.1f} ms, {size / pairs / 1e3:.0f} kB a pair of 640×368")


if __name__ == "__main__":
    parts = {"workers": workers, "memory": memory, "write": write}
    for part in sys.argv[1:] or parts:
        parts[part]()
