"""How near the presets come to real film: prints every number in docs/realism.md.

    python docs/realism.py --data DATA            # minutes; the tables, as Markdown
    python docs/realism.py --data DATA --write    # and puts them into docs/realism.md

DATA holds ``films`` (folders of frames of damaged film), ``clips`` (clean footage, any tree of folders and
videos) and ``textures/filmdamage/scans`` (polygons drawn around the damage of scans, JSON, with
``scan_masks``). All is seen grey at 480×368, and what is made is rounded to 8 bit as the films are.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import yaml
from scipy import ndimage, stats

from degrade import presets
from degrade.core.errors import DegradeError
from degrade.core.op import Contaminant
from degrade.core.types import Array, ClipInfo, to_uint8
from degrade.dataset.pairs import fit
from degrade.measure._against import PATCHES, flat_patches
from degrade.measure._flat import BANDS, LEVELS, PATCH, Place, correlation, smoothed_out, spectrum
from degrade.measure._judge import Grain, Told, accuracy, features, told_apart
from degrade.measure._lines import lines, stay
from degrade.measure._motion import affine
from degrade.measure._shapes import filled, parts_of
from degrade.ops.pipeline import Pipeline
from degrade.sources import open_source

HEIGHT, WIDTH, FRAMES = 368, 480, 48
LINES = 4 * HEIGHT
"""Height at which shapes are measured."""
SLOW = 6
"""What changes more slowly than a Gaussian of that many frames is the scene's, not the machine's."""
STILL = 0.6
"""A camera moves less than so many thousandths of the height."""
LATER = (1, 4, 16)
"""Frames after which a line is looked for again."""
PAGE = Path(__file__).with_name("realism.md")
MARKS = "<!-- measured -->\n", "<!-- end -->\n"


# ---- size and shape ----


def annotated(folder: Path) -> list[Array]:
    """Measures of dust and dirt on each scan, (N, 3), sizes in frame heights; the polygons drawn as masks are."""
    scans = []
    for path in sorted(folder.glob("*.json")):
        marks = [m for m in json.loads(path.read_text()).values() if m["label"]["name"] in ("Dust", "Dirt")]
        outlines = [np.array([[p["x"], p["y"]] for p in mark["points"]]) for mark in marks if len(mark["points"]) > 2]
        mask = cv2.imread(str(folder.parent / f"scan_masks/scan_{int(path.stem)}.png"), cv2.IMREAD_GRAYSCALE)
        scale = np.concatenate(outlines)[:, 0].max() / np.nonzero(mask)[1].max()
        height = mask.shape[0] * (4 if scale > 3.5 else 8 / 3)  # the masks are reductions by these factors
        drawn = [part for outline in outlines for part in parts_of(filled(outline * LINES / height))]
        scans.append(np.array(drawn) / [LINES, 1, 1])
    return scans


def rendered(name: str, count: int = 2000) -> Array:
    """The same of a preset's dust and dirt, out of its masks: connected parts where alpha is above a tenth."""
    kinds = ("dust", "dirt", "texture")
    height = HEIGHT if name.startswith("rtn") else LINES  # RTN's sizes are in pixels, ours in frame heights
    width, found = height * WIDTH // HEIGHT, []
    pipeline = Pipeline(ops=tuple(op for op in damage(name).ops if _of(op, kinds)))
    labels = {*kinds, *(op.id for op in pipeline.ops if isinstance(op, Contaminant))}
    for number in itertools.count():
        info = ClipInfo(frames=1, height=height, width=width, channels=1, id=str(number))
        layer = pipeline.render(np.full((1, height, width, 1), 0.5, np.float32), pipeline.draw(info, 0), 0)
        for label, mask in layer.masks.items():
            if label.rpartition("/")[2] in labels:
                found += parts_of((mask[0, ..., 0] > 0.1).astype(np.uint8))
        if len(found) >= count:
            return np.array(found[:count]) / [height, 1, 1]


def _of(op: object, kinds: tuple[str, ...]) -> bool:
    inner = getattr(op, "ops", ())
    return any(_of(one, kinds) for one in inner) or (isinstance(op, Contaminant) and type(op).__name__.lower() in kinds)


def shape_tables(folder: Path, names: list[str]) -> list[str]:
    scans = annotated(folder)
    every = np.concatenate(scans)
    among = np.mean([distances(scan, np.concatenate(scans[:i] + scans[i + 1 :])) for i, scan in enumerate(scans)], 0)
    rows = [["scans", *_quartiles(every), "–", "–", "–", "–"], ["one scan against the others", *[""] * 3, *_two(among)]]
    for name in names:
        made = rendered(name)
        rows.append([f"`{name}`", *_quartiles(made), *_two(distances(made, every))])
    head = ["dust and dirt", "longest side, % of height", "length : width", "solidity"]
    return [
        f"{len(every):,} polygons of dust and dirt on {len(scans)} scans; medians with the 5th and 95th percentile, "
        "and Kolmogorov–Smirnov distances from all polygons (0 the same, 1 apart).",
        table([*head, "KS size", "KS size/median", "KS elongation", "KS solidity"], rows),
    ]


def distances(one: Array, other: Array) -> list[float]:
    """Kolmogorov–Smirnov distances of size, size over its median, elongation and solidity."""
    sizes, (long, solid) = (one[:, 0], other[:, 0]), ((one[:, i], other[:, i]) for i in (1, 2))
    relative = tuple(size / np.median(size) for size in sizes)
    return [float(stats.ks_2samp(*pair).statistic) for pair in (sizes, relative, long, solid)]


def _quartiles(measures: Array) -> list[str]:
    scaled = measures * [100, 1, 1]
    return ["{:.2f} ({:.2f}, {:.2f})".format(*np.percentile(column, (50, 5, 95))) for column in scaled.T]


# ---- flicker and weave ----


def exposure(frames: Array) -> Array:
    """Exposure of each frame (T,), in stops: the median change of a coarse picture, summed up."""
    coarse = np.stack([cv2.resize(f, (30, 23), interpolation=cv2.INTER_AREA) for f in frames])
    steps = np.diff(np.log2(coarse + 0.02), axis=0).reshape(len(frames) - 1, -1)
    return np.cumsum(np.concatenate([[0], np.median(steps, axis=1)]))


def position(frames: Array) -> Array:
    """Where the picture lies in each frame, (T, 3): x and y in thousandths of its height, angle in degrees."""
    levels, path = to_uint8(frames), [np.zeros(3)]
    middle = np.array([frames.shape[2], frames.shape[1]]) / 2
    for one, other in itertools.pairwise(levels):
        matrix, step = affine(one, other), np.zeros(3)
        if matrix is not None:
            shift = (matrix[:, :2] @ middle + matrix[:, 2] - middle) / frames.shape[1] * 1000
            step = np.array([*shift, np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))])
        path.append(path[-1] + step)
    return np.array(path)


class Track(NamedTuple):
    """What a track does besides its slow movement."""

    std: float
    lags: tuple[float, ...]
    """Autocorrelation one, two and four frames later."""
    shares: tuple[float, ...]
    """Of the power: below 1/8, 1/8 to 1/4, above 1/4 cycles per frame."""


def track(values: Array) -> Track:
    """See `Track`; values (T,)."""
    fast = values - ndimage.gaussian_filter1d(values, SLOW, mode="nearest")
    fast = fast - fast.mean()
    power = np.abs(np.fft.rfft(fast * np.hanning(fast.size))) ** 2
    at = np.fft.rfftfreq(fast.size)
    shares = [power[(at >= low) & (at < high)].sum() / max(power.sum(), 1e-12) for low, high in _THIRDS]
    norm = max(float(fast @ fast), 1e-12)
    return Track(float(fast.std()), tuple(float(fast[k:] @ fast[:-k]) / norm for k in (1, 2, 4)), tuple(shares))


_THIRDS = ((0, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1))


def track_table(what: str, groups: dict[str, list[Array]], digits: int) -> str:
    """Of tracks (T,) by what they are of."""
    rows = []
    for name, values in groups.items():
        tracks = [track(one) for one in values]
        spread = np.percentile([t.std for t in tracks], (50, 0, 100))
        middle = [np.median([getattr(t, part) for t in tracks], axis=0) for part in ("lags", "shares")]
        std = "{:.{d}f} ({:.{d}f} – {:.{d}f})".format(*spread, d=digits)
        rows.append([name, std, *_two(middle[0]), *[f"{share:.0%}" for share in middle[1]]])
    head = [what, "lag 1", "lag 2", "lag 4", "power < 1/8", "1/8 – 1/4", "> 1/4 cycles a frame"]
    return table(["", *head], rows)


# ---- grain ----


def patches(frames: Array, at: list[tuple[int, Place]], later: int = 0) -> Array:
    """What lies at these places so many frames later, (N, PATCH, PATCH)."""
    return np.array([frames[t + later][place] for t, place in at]).reshape(-1, PATCH, PATCH)


def grain_tables(flat: "Flat") -> list[str]:
    by_level, by_band = [], []
    for name, found in flat.items():
        level = np.concatenate([f.level for f in found])
        sigma = 255 * np.concatenate([f.residual.std(axis=(1, 2)) for f in found])
        bins = [sigma[(level >= low) & (level < high)] for low, high in itertools.pairwise(LEVELS)]
        by_level.append([name, *[f"{np.median(b):.1f}" if b.size >= 20 else "–" for b in bins]])
        bands = np.median(np.concatenate([spectrum(f.residual) for f in found]), axis=0)
        stays = np.median(np.concatenate([correlation(f.residual, f.later) for f in found]))
        by_band.append([name, *_two(bands), f"{stays:.2f}"])
    return [
        "Standard deviation of what is not smooth in flat patches, in 8-bit levels, by their mean:",
        table(["", *[f"{low:g} – {high:g}" for low, high in itertools.pairwise(LEVELS)]], by_level),
        "Its power spectrum (mean power of a mode over that of all bands; white noise is 0.9, then 1.0 throughout), "
        "and how much of it is still there one frame later (correlation):",
        table(["", *[f"{low:g} – {high:g} c/px" for low, high in BANDS], "one frame later"], by_band),
    ]


# ---- lines ----


def line_table(groups: "Groups", flat: "Flat") -> str:
    rows = []
    for name, clips in groups.items():
        down, across, left, count = [], 0, {k: [] for k in LATER}, 0
        for clip, found in zip(clips, flat[name], strict=True):
            at = [place for place in found.places if place[0] + LATER[-1] < len(clip)]
            here = smoothed_out(patches(unit(clip), at))
            first = lines(here)
            down.append(abs(first[first != 0]))
            across, count = across + np.count_nonzero(lines(here, axis=2)), count + len(at)
            for k in LATER:
                left[k].append(stay(first, lines(smoothed_out(patches(unit(clip), at, k)))))
        strength = np.percentile(np.concatenate(down), (50, 95))
        stays = [f"{np.concatenate(left[k]).mean():.0%}" for k in LATER]
        rows.append([name, *_two([sum(map(len, down)) / count, across / count]), *_one(strength), *stays])
    head = ["along the film", "across it", "contrast, median", "95th percentile"]
    return table(["", *head, *[f"there {k} later" for k in LATER]], rows)


# ---- real or made ----


def classifier_table(flat: "Flat", draws: int = 10_000) -> str:
    """With bootstrap intervals over films and clips, the same draws for all rows; the first preset is the measure."""
    described = {name: [features(one) for one in found] for name, found in flat.items()}
    real = described.pop("real films")
    told = {name: told_apart(real, made) for name, made in described.items()}
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(part), size=(draws, len(part))) for part in next(iter(told.values()))]
    spread = {name: accuracy(one, *drawn) for name, one in told.items()}
    measure = next(name for name in told if name.startswith("`"))
    rows = []
    for name, one in told.items():
        less = f"{accuracy(told[measure]) - accuracy(one):.0%} ({_interval(spread[measure] - spread[name])})"
        whole = f"**{accuracy(one):.0%}** ({_interval(spread[name])})"
        rows.append([name, whole, "–" if name == measure else less, ", ".join(f"{held:.0%}" for held in by_film(one))])
    return table(["", "told from real film", f"less than {measure} by", "by the film held out"], rows)


def by_film(told: Told) -> list[float]:
    """What was told of each film while it was held out, and of the clips that were with it."""
    films = len(told.films)
    return [float(accuracy(told, np.array([k]), np.arange(k, len(told.clips), films))) for k in range(films)]


def _interval(values: Array) -> str:
    return "{:.0%} – {:.0%}".format(*np.percentile(values, (2.5, 97.5)))


# ---- all of it ----

Groups = dict[str, list[Array]]
"""Clips (T, H, W) uint8 by what they are."""
Flat = dict[str, list[Grain]]
"""The same for their flat patches."""


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"


def _one(values: Iterable[float]) -> list[str]:
    return [f"{value:.1f}" for value in values]


def _two(values: Iterable[float]) -> list[str]:
    return [f"{value:.2f}" for value in values]


def unit(clip: Array) -> Array:
    """8 bit as float32 in [0, 1]."""
    return clip.astype(np.float32) / 255


def read(folder: Path, limit: int | None = None) -> list[Array]:
    """Clips of a folder, (T, HEIGHT, WIDTH) uint8, grey; spread evenly over those long enough if limited."""
    source = open_source(folder)
    chosen = [s for s in source.sequences() if s.frames >= FRAMES]
    if limit:
        chosen = [chosen[i] for i in np.linspace(0, len(chosen) - 1, min(limit, len(chosen))).round().astype(int)]
    return [np.stack([fit(f, HEIGHT, WIDTH, 1)[..., 0] for f in source.read(s, 0, FRAMES)]) for s in chosen]


def damage(name: str) -> Pipeline:
    """A preset, or a YAML file with a list of ops."""
    return Pipeline(ops=yaml.safe_load(Path(name).read_text())) if Path(name).is_file() else presets.load(name)


def damaged(pipeline: Pipeline, clips: list[Array], seed: int = 1) -> list[Array]:
    """The clips under a preset."""
    return [pipeline(clip[..., None], seed=seed, clip_id=str(i)).frames[..., 0] for i, clip in enumerate(clips)]


def flattest(clips: list[Array]) -> list[Grain]:
    """Flat patches of each clip, at most `PATCHES` of all."""
    return [flat_patches(clip, PATCHES // len(clips)) for clip in clips]


def lacking(data: Path, *folders: str) -> str:
    """Which of the folders are not there, in words; empty if all are."""
    absent = [folder for folder in folders if not (data / folder).is_dir()]
    return f"{data} has no {', '.join(absent)}: give the folder with --data" if absent else ""


def report(data: Path, names: list[str], limit: int) -> str:
    """All tables, as Markdown."""
    clean = read(data / "clips", limit)
    groups = {"real films": read(data / "films"), "clean clips": clean}
    groups |= {f"`{name}`": damaged(damage(name), clean) for name in names}
    still = [i for i, clip in enumerate(clean) if max(track(axis).std for axis in position(unit(clip)).T[:2]) < STILL]
    steady = {n: clips if n == "real films" else [clips[i] for i in still] for n, clips in groups.items()}
    exposures = {name: [exposure(unit(clip)) for clip in clips] for name, clips in groups.items()}
    paths = {name: [position(unit(clip)) for clip in clips] for name, clips in steady.items()}
    flat = {name: flattest(clips) for name, clips in groups.items()}
    weave = "{}, thousandths of the height: median (range)"
    parts = [
        "## Dust and dirt\n",
        *shape_tables(data / "textures/filmdamage/scans", names),
        "## Flicker\n",
        track_table("flicker, stops: median (range)", exposures, 3),
        "## Weave\n",
        f"Of the clean clips, the {len(still)} whose camera stands still.\n",
        *(
            track_table(weave.format(axis), {n: [path[:, i] for path in one] for n, one in paths.items()}, 2)
            for i, axis in enumerate("xy")
        ),
        "## Grain\n",
        *grain_tables(flat),
        "## Lines\n",
        "Thin lines through the flat patches, a patch; those across the film are a control:\n",
        line_table(groups, flat),
        "## Real or made\n",
        "With 95% intervals, films and clips drawn anew:\n",
        classifier_table(flat),
    ]
    return "\n".join(part if part.endswith("\n") else part + "\n" for part in parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of films, clips and textures")
    film = [name for name in presets.names() if name.startswith("film-")]
    parser.add_argument("--presets", nargs="+", default=["rtn-code", *film], help="names, or files of their kind")
    parser.add_argument("--clips", type=int, default=24, help="at most so many clean clips")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/realism.md")
    asked = parser.parse_args()
    if problem := lacking(asked.data, "films", "clips", "textures/filmdamage/scans"):
        print(problem, file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    for name in asked.presets:
        damage(name)  # errors before the work
    text = report(asked.data, asked.presets, asked.clips)
    print(text)
    if asked.write:
        before, _, rest = PAGE.read_text("utf-8").partition(MARKS[0])
        PAGE.write_text(before + MARKS[0] + text + MARKS[1] + rest.partition(MARKS[1])[2], "utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DegradeError as error:
        sys.exit(f"error: {error}")
