"""Every figure on speed that README.md and docs/speed.md have: one thread, one core.

    python tools/speed.py --write                        # all tables, put into both; ten minutes
    python tools/speed.py --write --note 'idle machine'  # and what the machine did beside
    python tools/speed.py --tables presets stages --preset film-heavy --size 640x368

Times are CPU time of this process, in milliseconds a frame, as the median over clips of 7 frames and, in brackets,
the least and the most. In memory: drawing, rendering with one mask, the sharpened target, to 8 bit. What stands
in one table was timed by turns, clip by clip, and ratios are those of the same clip. Each clip is done once
before it is timed, so that templates and sprites have been made.
"""

import argparse
import cProfile
import os
import platform
import pstats
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import speed_chains as chains
from skimage import data

from degrade import presets
from degrade.core.memory import keep_freed_memory
from degrade.core.rng import at
from degrade.core.types import Array, ClipInfo, to_uint8
from degrade.ops import AtScale, Pipeline, registry
from degrade.target import sharpen

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
import oracles_photographic
import oracles_quality as oracle

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs/speed.md")
FRAMES = 7
SIZES = {"256x256": (256, 256), "640x368": (368, 640), "1920x1080": (1080, 1920)}
CLIPS = {"256x256": 10, "640x368": 10, "1920x1080": 6}
KINDS = {1: "grey", 3: "colour"}

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

Work = Callable[[int], Any]
"""Does clip number so-and-so."""


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


def by_turns(works: dict[str, Work], clips: int) -> dict[str, list[float]]:
    """Milliseconds a frame of each, for each clip; all do a clip before any does the next."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for clip in range(clips):
        for work in works.values():
            work(clip)
        for name, work in works.items():
            times[name].append(milliseconds(lambda work=work, clip=clip: work(clip)) / FRAMES)
    return times


def spread(values: Sequence[float], sign: str = "") -> str:
    """Median, least and most."""
    return f"{_short(statistics.median(values))}{sign} ({_short(min(values))}–{_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def ratios(upper: Iterable[float], lower: Iterable[float]) -> list[float]:
    """Clip by clip."""
    return [one / other for one, other in zip(upper, lower, strict=True)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """As Markdown."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def pair(pipeline: Pipeline, clip: Array) -> Work:
    """Makes a training pair out of a clip, its number being the id."""
    frames, height, width, channels = clip.shape

    def work(number: int) -> Any:
        info = ClipInfo(frames=frames, height=height, width=width, channels=channels, id=str(number))
        damaged = pipeline.render(clip, pipeline.draw(info, 0), 0, masks="union")
        return to_uint8(damaged.frames), to_uint8(sharpen(clip))

    return work


def preset_table(asked: argparse.Namespace) -> str:
    """Every preset in grey and in colour."""
    rows = []
    for name in asked.preset:
        cells = [f"`{name}`"]
        for size in asked.size:
            works = {kind: pair(presets.load(name), footage(*SIZES[size], c)) for c, kind in KINDS.items()}
            times = by_turns(works, CLIPS[size])
            more = ratios(times["colour"], times["grey"])
            cells += [spread(times["grey"]), spread(times["colour"]), f"{statistics.median(more):.1f}"]
        rows.append(cells)
    return table(["", *(f"{size} {what}" for size in asked.size for what in ("grey", "colour", "×"))], rows)


def chain_table(asked: argparse.Namespace) -> str:
    """`rtn-code` beside the limit, the plain way and other libraries, in grey."""
    rows: dict[str, list[str]] = {}
    for size in asked.size:
        clip = footage(*SIZES[size], 1)
        levels, pipeline = to_uint8(clip), presets.load("rtn-code")
        works: dict[str, Work] = {
            "`rtn-code`": pair(pipeline, clip),
            "limit: its steps by the fastest primitives, 8 bit": lambda _, levels=levels: chains.limit(levels),
            "plain: the same in float64, SciPy": lambda n, clip=clip, pipeline=pipeline: chains.plain(
                pipeline, clip, n
            ),
            **{name: lambda _, run=run, levels=levels: run(levels) for name, run in chains.others().items()},
        }
        times = by_turns(works, max(2, CLIPS[size] // (1 if size == "256x256" else 2)))
        for name, taken in times.items():
            beside = spread(ratios(taken, times["`rtn-code`"]), " ×")
            rows.setdefault(name, [name]).extend((spread(taken), beside))
    return table(["", *(f"{size}{what}" for size in asked.size for what in (" ms", ", of `rtn-code`"))], rows.values())


def stage_table(asked: argparse.Namespace) -> str:
    """Where the time goes, in grey; the profiler's own time is in it."""
    spent: dict[str, dict[str, float]] = {}
    columns = [f"`{name}` {size}" for name in asked.preset for size in asked.size]
    for column, (name, size) in zip(columns, ((n, s) for n in asked.preset for s in asked.size), strict=True):
        work, clips = pair(presets.load(name), footage(*SIZES[size], 1)), CLIPS[size]
        for clip in range(clips):
            work(clip)
        for stage, ms in where(work, clips).items():
            spent.setdefault(stage, {})[column] = ms
    order = sorted(spent, key=lambda stage: -max(spent[stage].values()))
    return table(["", *columns], ([stage, *(_short(spent[stage].get(c, 0)) for c in columns)] for stage in order))


def where(work: Work, clips: int) -> dict[str, float]:
    """Milliseconds a frame of the functions that do the work."""
    profile = cProfile.Profile(time.process_time)
    for clip in range(clips):
        profile.runcall(work, clip)
    spent: dict[str, float] = {}
    for (file, _, function), (_, _, _, total, callers) in pstats.Stats(profile).stats.items():
        stem = Path(file).stem
        if "degrade/ops/" in file and function in ("render_frame", "paint", "move", "carry"):
            inner = sum(by[3] for caller, by in callers.items() if caller[2] in ("render_frame", "carry"))
            total -= inner if function == "render_frame" else 0  # of a blur's own `carry`
            name = {"_blur": "gaussian_blur", "_sprites": "dirt"}.get(stem, stem)
            name = f"{name}, masks" if function == "carry" else name
        elif (stem, function) in (("target", "sharpen"), ("at_scale", "_resize"), ("pipeline", "draw")):
            name = {"sharpen": "sharpened target", "_resize": "resampling", "draw": "drawing"}[function]
        else:
            continue
        spent[name] = spent.get(name, 0) + 1e3 * total / clips / FRAMES
    return spent


def op_table(asked: argparse.Namespace) -> str:
    """Every op by its defaults, and the plain float64 way where the tests have one; the slowest first."""
    lines: list[tuple[float, list[str]]] = []
    for name in asked.op or [*registry.names(), "sharpened target"]:
        cells, slowest = [f"`{name}`" if name in registry else name], 0.0
        for size in asked.size:
            for channels in KINDS:
                taken, plain = time_op(name, footage(*SIZES[size], channels), max(2, CLIPS[size] // 2))
                slowest = max(slowest, statistics.median(taken))
                cells += [spread(taken), spread(ratios(plain, taken), " ×") if plain else ""]
        lines.append((slowest, cells))
    kinds = [f"{size} {kind}{what}" for size in asked.size for kind in KINDS.values() for what in ("", ", plain")]
    return table(["", *kinds], (cells for _, cells in sorted(lines, key=lambda line: -line[0])))


def time_op(name: str, clip: Array, clips: int) -> tuple[list[float], list[float]]:
    """Milliseconds a frame of an op, and of its oracle if it has one."""
    if name == "sharpened target":
        times = by_turns({"op": lambda _: sharpen(clip), "plain": lambda _: [oracle.sharpen(f) for f in clip]}, 2)
        return times["op"], times["plain"]
    op = AtScale(scales=(0.5,), filters=("bicubic",)) if name == "at_scale" else registry.get(name)()
    info = ClipInfo(frames=FRAMES, height=clip.shape[1], width=clip.shape[2], channels=clip.shape[3])
    pipeline = Pipeline(ops=(op,))
    draws = [pipeline.draw(info, seed) for seed in range(clips)]
    works: dict[str, Work] = {"op": lambda i: pipeline.render(clip, draws[i], 0)}
    if name in ORACLES:
        works["plain"] = lambda i: [ORACLES[name](clip[0], draws[i].steps[0]["params"]) for _ in range(FRAMES)]
    times = by_turns(works, clips)
    return times["op"], times.get("plain", [])


TABLES = {"presets": preset_table, "chains": chain_table, "stages": stage_table, "ops": op_table}


def machine(note: str) -> str:
    """What the figures were taken on."""
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, OpenCV {cv2.__version__}"
    cores = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} of which this run makes 1"
    return f"{versions}; {platform.machine()}, {cores}, one thread, CPU time{'; ' + note if note else ''}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--preset", nargs="+", choices=presets.names(), default=presets.names())
    parser.add_argument("--op", nargs="+", help="only these ops")
    parser.add_argument("--size", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--clips", type=int, help="at most so many of each size")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md and docs/speed.md")
    parser.add_argument("--note", default="", help="what is to be said of the machine")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    keep_freed_memory()  # as the commands do
    for size in CLIPS if asked.clips else ():
        CLIPS[size] = min(CLIPS[size], asked.clips)
    made = {"machine": machine(asked.note)}
    print(made["machine"])
    for name in asked.tables:
        made[name] = TABLES[name](narrowed(name, asked))
        print(f"\n{made[name]}", flush=True)
    if asked.write:
        for page in PAGES:
            page.write_text(filled(page.read_text("utf-8"), made, some=page.name == "README.md"), "utf-8")


def narrowed(name: str, asked: argparse.Namespace) -> argparse.Namespace:
    """A table's own choice where none was made: the page has room for no more."""
    own = argparse.Namespace(**vars(asked))
    if asked.size == list(SIZES):
        own.size = {"presets": ["640x368", "1920x1080"], "stages": ["640x368", "1920x1080"], "ops": ["640x368"]}.get(
            name, asked.size
        )
    if asked.preset == presets.names() and name == "stages":
        own.preset = ["rtn-code", "film-heavy"]
    return own


def filled(text: str, made: dict[str, str], *, some: bool) -> str:
    """A page with its figures, each between a mark such as ``<!-- speed: presets -->`` and ``<!-- end -->``.

    Args:
        text: The page.
        made: The tables, by name.
        some: Of a table only the lines that the page has already, as README.md; otherwise all.
    """

    def fill(found: re.Match[str]) -> str:
        name, before = found[1], found[2]
        if name not in made:
            return found[0]
        lines = made[name].splitlines()
        kept = [line for line in lines[2:] if not some or f"\n| {line.split('|')[1].strip()} |" in before]
        return f"<!-- speed: {name} -->\n" + "\n".join([*lines[:2], *kept]) + "\n<!-- end -->"

    return re.sub(r"<!-- speed: (\w+) -->(.*?)\n<!-- end -->", fill, text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
