"""How fast presets and ops are: one thread, one core, beside the plain implementations.

    python tools/speed.py                                # every preset and every op, minutes
    python tools/speed.py --preset rtn-code              # and where its time goes, in grey
    python tools/speed.py --ops noise jpeg --size 640x368

Times are CPU time of this process, so that other work on the machine hardly counts. In memory: drawing,
rendering and the sharpened target. Written: the same, and both as PNG. Each clip is rendered once before
it is timed, so that templates and sprites have been made.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage import data

from degrade import presets
from degrade.core.rng import at
from degrade.core.types import Array, ClipInfo, to_uint8
from degrade.ops import AtScale, Pipeline, registry
from degrade.target import sharpen
from degrade.writers import open_writer

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
import oracles_photographic
import oracles_quality as oracle

FRAMES = 7
SIZES = {"256x256": (256, 256), "640x368": (368, 640), "1920x1080": (1080, 1920)}
CLIPS = {"256x256": 12, "640x368": 10, "1920x1080": 4}

LIMIT = {"256x256": 2.5, "640x368": 8.2, "1920x1080": 61.5}
"""Milliseconds a frame of a prototype that does the work of `rtn-code` by the fastest primitives known, on 8-bit
frames, with noise out of a bank and sharpening at quarter size, sharpened target included, in memory, grey, on one
thread: what there is to reach. Measured where this project was made, on another day than what is printed beside it."""

ORACLES: dict[str, Callable[[Array, Any], Array]] = {
    "gaussian_blur": lambda frame, p: oracle.gaussian_blur(frame, p.sigma_px[0], p.kernel_px),
    "anisotropic_blur": lambda frame, p: oracle.anisotropic_blur(
        frame, p.along_px2[0], p.across_px2[0], p.angle[0], p.kernel_px
    ),
    "noise": lambda frame, p: oracle.noise(frame, p.sigma[0], p.kind[0], at(p.key, 0)),
    "shot_noise": lambda frame, p: oracle.shot_noise(frame, p.photons, at(p.key, 0)),
    "jpeg": lambda frame, p: oracle.jpeg(frame, p.quality[0]),
    "exposure_jitter": lambda frame, p: oracle.exposure_jitter(frame, p.brightness[0], p.contrast[0]),
    "flicker": lambda frame, p: oracle.flicker(frame, p.stops[0]),
    "weave": lambda frame, p: oracle.weave(frame, p.x[0] * len(frame), p.y[0] * len(frame), p.degrees[0]),
    "at_scale": lambda frame, p: oracle.resize(
        oracle.resize(frame, len(frame) // 2, frame.shape[1] // 2, "bicubic"), *frame.shape[:2], "bicubic"
    ),
    **oracles_photographic.ORACLES,
}


def footage(height: int, width: int, channels: int) -> Array:
    """A photograph that moves by a pixel a frame, (FRAMES, height, width, channels)."""
    picture = cv2.resize(data.astronaut(), (width + FRAMES, height), interpolation=cv2.INTER_AREA)
    if channels == 1:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
    clip = np.stack([picture[:, t : t + width] for t in range(FRAMES)])
    return clip.astype(np.float32) / 255


def milliseconds(work: Callable[[], Any]) -> float:
    """CPU time of `work`."""
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def per_frame(work: Callable[[int], Any], clips: int) -> float:
    """Mean time of a frame over clips, each of which is done once before."""
    for clip in range(clips):
        work(clip)
    return sum(milliseconds(lambda clip=clip: work(clip)) for clip in range(clips)) / clips / FRAMES


def where(work: Callable[[int], Any], clips: int) -> str:
    """Milliseconds a frame of the functions that do the work, the slowest first."""
    profile = cProfile.Profile(time.process_time)
    for clip in range(clips):
        profile.runcall(work, clip)
    spent: dict[str, float] = {}
    for (file, _, function), (_, _, _, total, _) in pstats.Stats(profile).stats.items():
        if "degrade/ops/" in file and function in ("render_frame", "paint", "move"):
            name = Path(file).stem
        elif function in ("sharpen", "_resize", "draw") and file.endswith(
            ("degrade/target.py", "ops/at_scale.py", "ops/pipeline.py")
        ):
            name = {"sharpen": "target", "_resize": "resampling", "draw": "drawing"}[function]
        else:
            continue
        spent[name] = spent.get(name, 0) + 1e3 * total / clips / FRAMES
    return ", ".join(f"{name} {ms:.2f}" for name, ms in sorted(spent.items(), key=lambda one: -one[1]))


def rates(ms: float, size: str) -> str:
    height, width = SIZES[size]
    return f"{ms:9.2f} {1e3 / ms:9.1f} {height * width / ms / 1e3:8.1f}"


def time_preset(name: str, sizes: Iterable[str]) -> None:
    pipeline = presets.load(name)
    print(f"\n{name:34} ms/frame  frames/s  Mpixel/s   written: ms/frame")
    for size in sizes:
        for channels, colour in ((1, "grey"), (3, "colour")):
            clip = footage(*SIZES[size], channels)

            def pair(number: int, clip: Array = clip) -> tuple[Array, Array]:
                frames, height, width, channels = clip.shape
                info = ClipInfo(frames=frames, height=height, width=width, channels=channels, id=str(number))
                return pipeline.render(clip, pipeline.draw(info, 0), 0, masks="union").frames, sharpen(clip)

            with tempfile.TemporaryDirectory() as folder:

                def written(number: int, pair: Any = pair, folder: str = folder) -> None:
                    for kind, frames in zip(("lq", "gt"), pair(number), strict=True):
                        with open_writer(Path(folder, f"{time.monotonic_ns()}-{kind}")) as writer:
                            for frame in to_uint8(frames):
                                writer.write(frame)

                ms = per_frame(pair, CLIPS[size])
                on_disk = per_frame(written, max(1, CLIPS[size] // 3))
            note = ""
            if name == "rtn-code" and channels == 1:
                note = f"   {LIMIT[size] / ms:.0%} of the limit"
            print(f"  {size:>10} {colour:20} {rates(ms, size)} {on_disk:19.2f}{note}", flush=True)
            if channels == 1:
                print(f"             {where(pair, CLIPS[size])}", flush=True)


def time_op(name: str, sizes: Iterable[str]) -> None:
    op = AtScale(scales=(0.5,), filters=("bicubic",)) if name == "at_scale" else registry.get(name)()
    print(f"\n{name:34} ms/frame  frames/s  Mpixel/s   plain float64")
    for size in sizes:
        for channels, colour in ((1, "grey"), (3, "colour")):
            clip = footage(*SIZES[size], channels)
            info = ClipInfo(frames=FRAMES, height=clip.shape[1], width=clip.shape[2], channels=channels)
            pipeline = Pipeline(ops=(op,))
            draws = [pipeline.draw(info, seed) for seed in range(max(2, CLIPS[size] // 2))]
            ms = per_frame(lambda i, p=pipeline, c=clip, d=draws: p.render(c, d[i], 0), len(draws))
            note = ""
            if name in ORACLES and size != "1920x1080":
                params = [draw.steps[0]["params"] for draw in draws]
                plain = [milliseconds(lambda p=p, c=clip: ORACLES[name](c[0], p)) for p in params]
                note = f"{np.mean(plain):9.1f} = {np.mean(plain) / ms:.0f} ×"
            print(f"  {size:>10} {colour:20} {rates(ms, size)}   {note}", flush=True)


def time_target(sizes: Iterable[str]) -> None:
    print(f"\n{'sharpened target':34} ms/frame  frames/s  Mpixel/s   plain float64")
    for size in sizes:
        for channels, colour in ((1, "grey"), (3, "colour")):
            clip = footage(*SIZES[size], channels)
            ms = per_frame(lambda _, c=clip: sharpen(c), 3)
            plain = milliseconds(lambda c=clip: oracle.sharpen(c[0]))
            print(f"  {size:>10} {colour:20} {rates(ms, size)}   {plain:9.1f} = {plain / ms:.0f} ×", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", nargs="+", choices=presets.names(), help="only these presets")
    parser.add_argument("--ops", nargs="*", help="only these ops, all if none is named")
    parser.add_argument("--size", nargs="+", choices=SIZES, default=list(SIZES))
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"numpy {np.__version__}, OpenCV {cv2.__version__}, Python {sys.version.split()[0]}, one thread, CPU time")
    everything = asked.preset is None and asked.ops is None
    for name in asked.preset or (presets.names() if everything else ()):
        time_preset(name, asked.size)
    if everything or asked.ops is not None:
        time_target(asked.size)
        for name in asked.ops or [*registry.names(), "at_scale"]:
            time_op(name, asked.size)


if __name__ == "__main__":
    main()
