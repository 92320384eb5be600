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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import yaml
from scipy import ndimage, optimize, stats

from degrade import presets
from degrade.core.errors import DegradeError
from degrade.core.op import Contaminant
from degrade.core.types import Array, ClipInfo, to_uint8
from degrade.dataset.pairs import fit
from degrade.ops.pipeline import Pipeline
from degrade.sources import open_source

HEIGHT, WIDTH, FRAMES = 368, 480, 48
LINES = 4 * HEIGHT
"""Height at which shapes are measured."""
SLOW = 6
"""What changes more slowly than a Gaussian of that many frames is the scene's, not the machine's."""
STILL = 0.6
"""A camera moves less than so many thousandths of the height."""
PATCH = 32
BESIDE = 4
"""Pixels between a line and what it is compared with."""
LATER = (1, 4, 16)
"""Frames after which a line is looked for again."""
FLAT = 0.0125
"""Of the level: what about an eighth of the films lies below."""
BANDS = ((0.03, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5))
"""Of the grain's spectrum, cycles per pixel."""
PATCHES = 1600
"""Of each kind of footage, at most."""
LEVELS = (0.08, 0.2, 0.35, 0.5, 0.65, 0.9)
PAGE = Path(__file__).with_name("realism.md")
MARKS = "<!-- measured -->\n", "<!-- end -->\n"


# ---- size and shape ----


def outline_measures(points: Array) -> tuple[float, float, float]:
    """Longest side, its ratio to the shorter one, and the share of its convex hull that a polygon (N, 2) fills."""
    points = np.asarray(points, np.float32)
    sides = np.sort(cv2.minAreaRect(points)[1]) + 1  # points are the middles of pixels
    hull = cv2.contourArea(cv2.convexHull(points))
    return float(sides[1]), float(sides[1] / sides[0]), cv2.contourArea(points) / hull if hull else 1.0


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


def filled(outline: Array) -> Array:
    """A polygon (N, 2) in pixels as a mask, uint8."""
    outline = outline - outline.min(axis=0) + 1
    canvas = np.zeros(np.ceil(outline.max(axis=0)[::-1]).astype(int) + 2, np.uint8)
    return cv2.fillPoly(canvas, [np.round(16 * outline).astype(np.int32)], 1, shift=4)


def parts_of(mask: Array) -> list[tuple[float, float, float]]:
    """Measures of each connected part of a mask (H, W), uint8."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [outline_measures(outline[:, 0]) for outline in outlines if len(outline) > 2]


def rendered(name: str, count: int = 2000) -> Array:
    """The same of a preset's dust and dirt, out of its masks: connected parts where alpha is above a tenth."""
    kinds = ("dust", "dirt", "texture")
    height = HEIGHT if name.startswith("rtn") else LINES  # RTN's sizes are in pixels, ours in frame heights
    width, found = height * WIDTH // HEIGHT, []
    pipeline = Pipeline(ops=tuple(op for op in damage(name).ops if _of(op, kinds)))
    for number in itertools.count():
        info = ClipInfo(frames=1, height=height, width=width, channels=1, id=str(number))
        layer = pipeline.render(np.full((1, height, width, 1), 0.5, np.float32), pipeline.draw(info, 0), 0)
        for label, mask in layer.masks.items():
            if label.rpartition("/")[2] in kinds:
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
        corners = cv2.goodFeaturesToTrack(cv2.GaussianBlur(one, (0, 0), 1.5), 300, 0.01, 8)
        step = np.zeros(3)
        if corners is not None and len(corners) >= 8:
            moved, found, _ = cv2.calcOpticalFlowPyrLK(one, other, corners, None)
            back, again, _ = cv2.calcOpticalFlowPyrLK(other, one, moved, None)
            kept = (found * again).ravel().astype(bool) & (abs(back - corners).max(axis=(1, 2)) < 0.5)
            matrix = None
            if kept.sum() >= 8:
                matrix, _ = cv2.estimateAffinePartial2D(corners[kept], moved[kept], ransacReprojThreshold=0.7)
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


class Grain(NamedTuple):
    """Flat patches of a clip, what is smooth in them taken away."""

    residual: Array
    """(N, PATCH, PATCH)."""
    later: Array
    """The same places one frame later."""
    level: Array
    """(N,) means of the patches."""
    level_later: Array
    """One frame later."""
    places: list[tuple[int, tuple[slice, slice]]]
    """Their frames, and where they lie in them."""


def grain(frames: Array, most: int = 400, every: int = 3) -> Grain:
    """Flat patches of every third frame, at most so many, evenly out of all; grain is too fine to count against them.

    What is flat is the same for all footage: blurred, a patch strays from its smooth part by less than `FLAT`.
    """
    places = [
        np.s_[y : y + PATCH, x : x + PATCH]
        for y in range(PATCH // 2, frames.shape[1] - PATCH, PATCH // 2)
        for x in range(PATCH // 2, frames.shape[2] - PATCH, PATCH // 2)
    ]
    found = []
    for t in range(0, len(frames) - 1, every):
        soft = cv2.GaussianBlur(frames[t], (0, 0), 2.5)
        level = np.array([frames[t][place].mean() for place in places])
        rough = smoothed_out(np.stack([soft[place] for place in places])).std(axis=(1, 2)) / (level + 0.1)
        flat = (rough < FLAT) & (level > LEVELS[0]) & (level < LEVELS[-1])
        found += [(t, places[i], level[i]) for i in np.flatnonzero(flat)]
    chosen = [found[i] for i in np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int)]
    at = [(t, place) for t, place, _ in chosen]
    now, later = (patches(frames, at, k) for k in (0, 1))
    level = np.array([one[2] for one in chosen])
    return Grain(smoothed_out(now), smoothed_out(later), level, later.mean(axis=(1, 2)), at)


def patches(frames: Array, at: list[tuple[int, tuple[slice, slice]]], later: int = 0) -> Array:
    """What lies at these places so many frames later, (N, PATCH, PATCH)."""
    return np.array([frames[t + later][place] for t, place in at]).reshape(-1, PATCH, PATCH)


_Y, _X = np.mgrid[-1 : 1 : PATCH * 1j, -1 : 1 : PATCH * 1j]
_SMOOTH = np.linalg.qr(np.stack([_X**i * _Y**j for i in range(4) for j in range(4 - i)], -1).reshape(PATCH**2, -1))[0]


def smoothed_out(patches: Array) -> Array:
    """Patches (N, PATCH, PATCH) less the polynomials of third order that fit them best."""
    flat = patches.reshape(-1, PATCH**2).astype(float)
    return (flat - flat @ _SMOOTH @ _SMOOTH.T).reshape(patches.shape)


def spectrum(residual: Array) -> Array:
    """Mean power of a mode in each of the `BANDS`, over the mean of them all; patches (N, PATCH, PATCH) → (N, 5)."""
    window = np.outer(np.hanning(PATCH), np.hanning(PATCH))
    power = np.abs(np.fft.fft2(residual * window)) ** 2
    at = np.hypot(*np.meshgrid(np.fft.fftfreq(PATCH), np.fft.fftfreq(PATCH)))
    bands = np.stack([power[:, (at >= low) & (at < high)].mean(axis=1) for low, high in BANDS], axis=1)
    return bands / np.maximum(bands.mean(axis=1, keepdims=True), 1e-12)


def correlation(one: Array, other: Array) -> Array:
    """Of each pair of patches, (N,)."""
    norm = np.sqrt((one**2).sum(axis=(1, 2)) * (other**2).sum(axis=(1, 2)))
    return (one * other).sum(axis=(1, 2)) / np.maximum(norm, 1e-12)


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


def lines(residual: Array, axis: int = 1) -> Array:
    """Contrast of each line that runs along an axis of flat patches (N, PATCH, PATCH), in levels; 0 elsewhere.

    A line is a mean along the whole patch that stands out by a level from what lies `BESIDE` it, on both sides.
    Light lines are positive, dark ones negative; (N, PATCH).
    """
    means = 255 * residual.mean(axis=axis)
    middle, left, right = means[:, BESIDE:-BESIDE], means[:, : -2 * BESIDE], means[:, 2 * BESIDE :]
    light, dark = middle - np.maximum(left, right), np.minimum(left, right) - middle
    contrast = np.pad(np.where(light > dark, light, -dark), ((0, 0), (BESIDE, BESIDE)))
    strength = np.maximum(np.pad(np.maximum(light, dark), ((0, 0), (BESIDE, BESIDE))), 0)
    peak = (strength > 1) & (strength == ndimage.maximum_filter1d(strength, 5, axis=1))
    return np.where(peak, contrast, 0)


def stay(first: Array, later: Array) -> Array:
    """Of each line of `first`, whether `later` has one of its sign within a pixel, half as strong at least."""
    patch, x = np.nonzero(first)
    line, beside = first[patch, x], np.pad(later, ((0, 0), (1, 1)))
    near = np.max([np.sign(line) * beside[patch, x + step] for step in (0, 1, 2)], axis=0, initial=0)
    return near >= abs(line) / 2


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


def features(found: Grain) -> Array:
    """What a patch looks like, (N, F): strength, spectrum, its direction, tails, and the step to the next frame."""
    now, later, step = found.residual, found.later, abs(np.log2((found.level_later + 0.02) / (found.level + 0.02)))
    std, after = (r.std(axis=(1, 2)) + 1e-4 for r in (now, later))
    z = now / std[:, None, None]
    neighbours = [correlation(now[:, dy:, dx:], now[:, : PATCH - dy, : PATCH - dx]) for dy, dx in _NEIGHBOURS]
    moments = [(z**3).mean(axis=(1, 2)), np.log((z**4).mean(axis=(1, 2))), np.log(abs(z).max(axis=(1, 2)))]
    time = [correlation(now, later), np.log(after / std), np.log(step + 1e-3)]
    return np.column_stack([np.log(std), np.log(spectrum(now) + 1e-3), *neighbours, *moments, *time])


_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 4), (4, 0))


def fitted(x: Array, y: Array, penalty: float = 1.0) -> Callable[[Array], Array]:
    """A logistic regression on features and their products; the returned function says how likely y is 1."""
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-6
    pairs = np.triu_indices(x.shape[1])

    def expand(x: Array) -> Array:
        z = np.clip((x - mean) / std, -4, 4)
        return np.column_stack([np.ones(len(z)), z, z[:, pairs[0]] * z[:, pairs[1]]])

    wide, sign = expand(x), 2 * y - 1
    share = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))

    def loss(w: Array) -> tuple[float, Array]:
        margin = sign * (wide @ w)
        slope = -share * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        value = (share * np.logaddexp(0, -margin)).sum() + penalty / 2 * (w[1:] @ w[1:])
        return value, wide.T @ slope + penalty * np.concatenate([[0], w[1:]])

    weights = optimize.minimize(loss, np.zeros(wide.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return lambda x: 1 / (1 + np.exp(-np.clip(expand(x) @ weights, -50, 50)))


class Told(NamedTuple):
    """How many patches were told rightly, and of how many, each held out once; (N, 2)."""

    films: Array
    clips: Array


def told_apart(real: list[Array], made: list[Array]) -> Told:
    """From features of each film and each clip; a film is held out at a time, and with it a share of the clips."""
    films, clips = np.zeros((len(real), 2)), np.zeros((len(made), 2))
    for held in range(len(real)):
        fold = np.arange(len(made)) % len(real) == held
        kept = [f for i, f in enumerate(real) if i != held], [f for f, out in zip(made, fold, strict=True) if not out]
        x = np.concatenate([*kept[0], *kept[1]])
        judge = fitted(x, np.repeat([1, 0], [sum(map(len, part)) for part in kept]))
        films[held] = (judge(real[held]) > 0.5).sum(), len(real[held])
        for i in np.flatnonzero(fold):
            clips[i] = (judge(made[i]) <= 0.5).sum(), len(made[i])
    return Told(films, clips)


def accuracy(told: Told, films: Array | slice = np.s_[:], clips: Array | slice = np.s_[:]) -> Array:
    """Balanced accuracy over the films and clips that are named: (...,) for indices (..., N)."""
    sums = [part[chosen].sum(axis=-2) for part, chosen in zip(told, (films, clips), strict=True)]
    return np.mean([right_of[..., 0] / right_of[..., 1] for right_of in sums], axis=0)


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
        held = [accuracy(one, np.array([k]), np.arange(k, len(one.clips), len(real))) for k in range(len(real))]
        less = f"{accuracy(told[measure]) - accuracy(one):.0%} ({_interval(spread[measure] - spread[name])})"
        whole = f"**{accuracy(one):.0%}** ({_interval(spread[name])})"
        rows.append([name, whole, "–" if name == measure else less, ", ".join(f"{h:.0%}" for h in held)])
    return table(["", "told from real film", f"less than {measure} by", "by the film held out"], rows)


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


def damaged(name: str, clips: list[Array]) -> list[Array]:
    """The clips under a preset."""
    pipeline = damage(name)
    return [pipeline(clip[..., None], seed=1, clip_id=str(i)).frames[..., 0] for i, clip in enumerate(clips)]


def report(data: Path, names: list[str], limit: int) -> str:
    """All tables, as Markdown."""
    clean = read(data / "clips", limit)
    groups = {"real films": read(data / "films"), "clean clips": clean}
    groups |= {f"`{name}`": damaged(name, clean) for name in names}
    still = [i for i, clip in enumerate(clean) if max(track(axis).std for axis in position(unit(clip)).T[:2]) < STILL]
    steady = {n: clips if n == "real films" else [clips[i] for i in still] for n, clips in groups.items()}
    exposures = {name: [exposure(unit(clip)) for clip in clips] for name, clips in groups.items()}
    paths = {name: [position(unit(clip)) for clip in clips] for name, clips in steady.items()}
    flat = {name: [grain(unit(clip), PATCHES // len(clips)) for clip in clips] for name, clips in groups.items()}
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
    absent = [f for f in ("films", "clips", "textures/filmdamage/scans") if not (asked.data / f).is_dir()]
    if absent:
        print(f"{asked.data} has no {', '.join(absent)}: give the folder with --data", file=sys.stderr)
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
