"""How `degrade generate` scales: workers, memory, what writing costs; how fast PyTorch is fed.

    python tools/scale.py [workers] [memory] [write] [overlap] [shards] [loader]

`tests/dataset/test_memory.py` asserts that memory does not grow with a clip.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PEAK = """
import json, sys
from pathlib import Path
from degrade.dataset.generate import generate
from degrade.spec import parse
generate(parse(json.loads(sys.argv[1])), Path(sys.argv[2]))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""

SECONDS = """
import json, resource, sys, time
from pathlib import Path
from degrade.dataset.generate import generate
from degrade.spec import parse
spec = parse(json.loads(sys.argv[1]))
start = time.perf_counter()
generate(spec, Path(sys.argv[2]), workers=int(sys.argv[3]))
took = time.perf_counter() - start
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(took, sum(u.ru_utime + u.ru_stime for u in used))
"""

WAITED = """
import json, sys, time
from pathlib import Path
from degrade.dataset.generate import generate
from degrade.spec import parse
from degrade.writers import png
def queued():
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
encode, encoding = png.encode, 0.0
def timed(*arguments):
    global encoding
    start = time.process_time()
    done = encode(*arguments)
    encoding += time.process_time() - start
    return done
png.encode = timed
wall, used, queue = time.perf_counter(), time.process_time(), queued()
generate(parse(json.loads(sys.argv[1])), Path(sys.argv[2]))
print(time.perf_counter() - wall, time.process_time() - used, queued() - queue, encoding)
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
    """Two workers against one, start included, and what the machine gives two runs that share nothing."""
    print(f"640×368, film-medium, best of {repeats}; seconds of wall time (of CPU time)")
    for name, source in WORKLOADS.items():
        kinds: dict[str, list[list[float]]] = {"1 worker": [], "2 workers": [], "two runs at once": []}
        for _ in range(repeats):
            kinds["1 worker"].append(run(SECONDS, spec(source), 1))
            kinds["2 workers"].append(run(SECONDS, spec(source), 2))
            with ThreadPoolExecutor(2) as pool:
                both = list(pool.map(lambda raw: run(SECONDS, raw, 1), [spec(source)] * 2))
            kinds["two runs at once"].append([max(took for took, _ in both), sum(used for _, used in both)])
        (one, alone), (two, shared), (twice, apart) = (map(min, zip(*seen, strict=True)) for seen in kinds.values())
        print(f"{name}: {one:.1f} ({alone:.1f}) with 1 worker, {two:.1f} ({shared:.1f}) with 2: {one / two:.2f} times")
        print(
            f"    two runs at once: {twice:.1f} ({apart:.1f}), {2 * one / twice:.2f} times the work of one", flush=True
        )


def memory(seeds: Iterable[int] = range(3)) -> None:
    """Peak memory of a short and of a long clip: mean over seeds, since what is drawn differs."""
    for preset in ("steady", "film-medium", "rtn-code"):
        short, long = (
            statistics.mean(peak_mib(frames, 256, 384, preset, seed) for seed in seeds) for frames in (50, 1000)
        )
        print(f"{preset}: {short:.0f} MiB at the peak for a clip of 50 frames, {long:.0f} MiB for 1,000")


def overlap() -> None:
    """What a worker waits for other than the processor, which another thread could use meanwhile; Linux only."""
    wall, used, queue, encoding = run(WAITED, spec("count=4&frames=24&height=368&width=640"))
    print("96 frames of 640×368, film-medium, one worker")
    print(f"{used:.1f} s of CPU time, of which PNG {encoding:.1f}; {wall - used - queue:.2f} s waiting for the disk")


READERS = {
    "png": "everything",
    "png, by OpenCV": "everything",
    "tiff": "most image software",
    "ffv1": "FFmpeg, and players built on it",
}


def write(clips: int = 4, length: int = 8) -> None:
    """What it costs to write a pair, lq and gt, by format: CPU time, median over clips; one thread, by turns."""
    import cv2
    import numpy as np

    import degrade
    from degrade.core.types import to_uint8
    from degrade.sources import open_source
    from degrade.writers import open_writer

    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:

        def opencv(frames: Any, out: Path) -> None:
            out.mkdir()
            for i, frame in enumerate(frames):
                (out / f"{i:05d}.png").write_bytes(cv2.imencode(".png", frame[..., ::-1])[1].tobytes())

        def project(frames: Any, out: Path, **pictures: Any) -> None:
            with open_writer(str(out), **pictures) as writer:
                for frame in frames:
                    writer.write(frame)

        ways: dict[str, Callable[[Any, Path], None]] = {
            "png": project,
            "png, by OpenCV": opencv,
            "tiff": lambda frames, out: project(frames, out, pictures="tiff"),
            "ffv1": lambda frames, out: project(frames, out.with_suffix(".mkv")),
        }
        cells: dict[str, list[str]] = {name: [] for name in ways}
        kinds = [(height, width, channels) for height, width in ((368, 640), (1080, 1920)) for channels in (1, 3)]
        for height, width, channels in kinds:
            times: dict[str, list[float]] = {name: [] for name in ways}
            sizes: dict[str, list[int]] = {name: [] for name in ways}
            source = open_source(f"builtin:stills?count={clips}&height={height}&width={width}")
            for sequence in source.sequences():
                clip = source.read(sequence, 0, length)[..., :channels]
                made = to_uint8(degrade.load("film-medium")(clip, seed=1).frames)
                for name, way in ways.items():
                    out = Path(folder, f"{sequence.id}-{height}-{channels}-{name}")
                    used, _ = seconds(lambda out=out, way=way, clip=clip, made=made: [
                        way(frames, out.with_name(out.name + kind)) for frames, kind in ((clip, "gt"), (made, "lq"))
                    ])  # fmt: skip
                    times[name].append(used / length * 1e3)
                    files = [path for path in Path(folder).rglob("*") if path.is_file()]
                    sizes[name].append(sum(path.stat().st_size for path in files) // length)
                    for path in files:
                        path.unlink()
            for name in ways:
                cells[name] += [f"{np.median(times[name]):.1f} ms", f"{np.median(sizes[name]) / 1e3:.0f} kB"]
        heads = [f"{width}×{height} {'grey' if channels == 1 else 'colour'}" for height, width, channels in kinds]
        print("| | " + " | | ".join(heads) + " | | who reads it |\n|---|" + "--:|" * len(kinds) * 2 + "---|")
        for name, row in cells.items():
            print(f"| {name} | " + " | ".join(row) + f" | {READERS[name]} |")


def shards(clips: int = 8, frames: int = 16) -> None:
    """Size of a dataset in shards and in folders, and what reading it back costs: samples in random order."""
    from degrade.adapters.torch import PairedClips
    from degrade.dataset.generate import generate
    from degrade.spec import parse

    print(f"{clips} clips of {frames} frames of 640×368, samples of 7 frames, CPU time of one process (wall time)")
    with tempfile.TemporaryDirectory() as folder:
        pairs = {}
        for layout in ("png", "webdataset", "ffv1"):
            out = Path(folder, layout)
            raw = spec(f"count={clips}&frames={frames}&height=368&width=640", output={"frames": layout})
            generate(parse(raw), out)
            files = [path.stat() for path in (out / "train").rglob("*") if path.is_file()]
            held, taken = sum(file.st_size for file in files), 512 * sum(file.st_blocks for file in files)
            print(f"{layout}: {len(files)} files, {held / 1e6:.1f} MB, {taken / 1e6:.1f} MB on the disk")
            pairs[layout] = PairedClips(out, frames=7, samples=32, crop=(256, 256))
        times: dict[str, list[tuple[float, float]]] = {layout: [] for layout in pairs}
        for _ in range(3):
            for layout, dataset in pairs.items():
                times[layout].append(seconds(lambda dataset=dataset: [dataset[i] for i in range(len(dataset))]))
        first = min(times["png"])[0]
        for layout, dataset in pairs.items():
            used, took = (min(both) / len(dataset) for both in zip(*times[layout], strict=True))
            ratio = min(times[layout])[0] / first
            print(f"{layout}: {1e3 * used:.1f} ms a sample ({1e3 * took:.1f}), {ratio:.2f} times that of folders")


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """CPU time of this process and wall time."""
    used, start = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - used, time.perf_counter() - start


class Recut:
    """Samples of clean cuts, degraded by another chain than the package's: as a `Dataset`."""

    def __init__(self, cuts: Any, apply: Callable[[Any, str], Any]) -> None:
        self.cuts, self.apply = cuts, apply

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, index: int) -> dict[str, Any]:
        from torch import from_numpy

        sample = self.cuts[index]
        frames = sample["gt"].numpy().transpose(0, 2, 3, 1)
        return sample | {"lq": from_numpy(self.apply(frames, sample["clip"]).transpose(0, 3, 1, 2))}


def plain_chain(frames: Any, name: str) -> Any:
    """A cut under RTN's degradation, the plain way."""
    from degrade import ClipInfo, presets

    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    import oracles_rtn

    count, height, width, _ = frames.shape
    info = ClipInfo(frames=count, height=height, width=width, channels=1, id=name)
    return oracles_rtn.degrade(frames, presets.load("rtn-code").draw(info, 0).steps)


def nearest_chain(frames: Any, _: str) -> Any:
    """A cut under those of albumentations' transforms that come nearest to RTN's degradation, frame by frame."""
    import albumentations as A
    import numpy as np

    names = ("GaussianBlur", "Downscale", "GaussNoise", "ImageCompression", "RandomBrightnessContrast")
    chain = A.Compose([getattr(A, name)(p=1) for name in names])
    levels = (255 * frames + 0.5).astype(np.uint8)
    return np.stack([chain(image=frame)["image"] for frame in levels]).astype(np.float32) / 255


def loader(samples: int = 32) -> None:
    """Samples of 7×256×256 out of PNG footage of 640×368, beside other chains on the same cuts."""
    import cv2
    import torch
    from torch.utils.data import DataLoader

    from degrade import presets
    from degrade.adapters.torch import DegradedClips, collate
    from degrade.sources import open_source
    from degrade.spec import parse
    from degrade.writers import open_writer

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        footage = open_source("builtin:stills?count=4&frames=12&height=368&width=640")
        for sequence in footage.sequences():
            with open_writer(f"{folder}/{sequence.id}") as writer:
                for frame in footage.read(sequence, 0, sequence.frames):
                    writer.write(frame)

        def clips(pipeline: object, cut_first: bool = False) -> DegradedClips:
            raw = {"source": folder, "color": "grey", "pipeline": pipeline}
            return DegradedClips(parse(raw), samples=samples, frames=7, crop=(256, 256), cut_first=cut_first)

        cuts = clips([], cut_first=True)
        chains = {
            "reading and cutting alone": cuts,
            "rtn-code": clips(presets.read("rtn-code")),
            "rtn-code, cut first": clips(presets.read("rtn-code"), cut_first=True),
            "film-medium": clips(presets.read("film-medium")),
            "film-medium, cut first": clips(presets.read("film-medium"), cut_first=True),
            "rtn-code the plain way": Recut(cuts, plain_chain),
            "albumentations": Recut(cuts, nearest_chain),
        }
        used: dict[str, float] = {}
        for name, dataset in chains.items():
            for i in range(samples):  # templates, sprites and the footage are in memory afterwards
                dataset[i]
            used[name] = seconds(lambda dataset=dataset: [dataset[i] for i in range(samples)])[0] / samples
            more = used[name] - used["reading and cutting alone"]
            print(f"{name}: {1e3 * used[name]:.0f} ms of CPU time a sample, damage {1e3 * more:.0f}", flush=True)
        for name, dataset in chains.items():
            rates = []
            for workers in (1, 2):
                batches = DataLoader(dataset, 4, collate_fn=collate, num_workers=workers, persistent_workers=True)
                list(batches)  # starts the workers and fills their caches
                rates.append(samples / min(seconds(lambda batches=batches: list(batches))[1] for _ in range(3)))
            one, two = rates
            print(f"{name}: {one:.1f} samples a second with 1 worker, {two:.1f} with 2", flush=True)


if __name__ == "__main__":
    parts = {part.__name__: part for part in (workers, memory, write, overlap, shards, loader)}
    for part in sys.argv[1:] or parts:
        parts[part]()
