"""Grain: noise that is new in every frame."""

import itertools
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.types import Array
from degrade.measure._flat import BANDS, LEVELS, PATCH, flat_places, smoothed_out
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

EVERY = 3
"""Frames from one that is looked at to the next."""
MOST = 60
"""Patches of a frame."""
REACH = 2
"""Pixels around where the movement of the picture leads that a patch is looked for in the next frame."""
FEWEST = 12
"""Patches that a level must have."""
BINS = list(itertools.pairwise(LEVELS))


class Grain(Instrument):
    """Standard deviation in 8-bit levels of what is new in a frame, in flat patches, by their level.

    A flat patch is looked for in the next frame, and half the variance of the difference is the grain's, so that
    texture of the scene, which moves along, does not count. Its power spectrum and the correlation of neighbours
    tell the size of its clumps, which is that of all that blurs after it, too. Correlation of the channels tells
    silver from dye. Fooled by water, foliage and smoke, which are new in every frame; by codecs, which smooth flat
    parts or repeat their noise; by movement of fractions of a pixel, which reads up to a level in textured footage.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "sigma": Quantity("levels of 255", "median over the levels that the film shows: noise.sigma"),
        **{
            f"sigma_{low:g}_{high:g}": Quantity("levels of 255", f"the same where luma is {low:g} to {high:g}")
            for low, high in BINS
        },
        "clump": Quantity("pixels", "standard deviation of a Gaussian that blurs white noise to the same correlation"),
        **{
            f"power_{low:g}_{high:g}": Quantity("", f"power of a mode of {low:g} to {high:g} c/px, of all bands' mean")
            for low, high in BANDS
        },
        "layers": Quantity("", "correlation of red, green and blue: 1 silver or grey, 0 a grain for each dye"),
    }
    nothing: ClassVar[str] = "no flat patches that the next frame shows, too"

    def __init__(self) -> None:
        self.level: list[Array] = []
        self.variance: list[Array] = []
        self.power = np.zeros(len(BANDS))
        self.neighbours = np.zeros(2)
        self.channels = np.zeros(2)
        self.waiting: tuple[list[tuple[slice, slice]], Array] | None = None

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if self.waiting is not None and view.before is not None:
            self._compare(view.before, view, *self.waiting)
        self.waiting = None
        if view.t % EVERY == 0 and not view.blank:
            places, level = flat_places(view.grey)
            if places:
                chosen = np.unique(np.linspace(0, len(places) - 1, min(MOST, len(places))).round().astype(int))
                self.waiting = [places[i] for i in chosen], level[chosen]

    def _compare(self, one: View, other: View, places: list[tuple[slice, slice]], level: Array) -> None:
        if other.blank:
            return
        kept = []
        for place, brightness in zip(places, level, strict=True):
            there = _shifted(place, one, other)
            if there is None:
                continue
            now, later = smoothed_out(one.grey[place][None])[0], _windows(other.grey, there)
            off = smoothed_out(now - later)
            variance = (off**2).mean(axis=(1, 2)) / 2
            best = int(np.argmin(variance))
            kept.append((brightness, variance[best]))
            self._shape(off[best] / np.sqrt(2))
            if one.frame.shape[2] == 3:
                self._colour(one.frame[place], there[best], other)
        if kept:
            found = np.array(kept)
            self.level.append(found[:, 0])
            self.variance.append(found[:, 1])

    def _shape(self, noise: Array) -> None:
        window = np.outer(np.hanning(PATCH), np.hanning(PATCH))
        power = np.abs(np.fft.fft2(noise * window)) ** 2
        bands = np.array([power[ring].mean() for ring in _RINGS])
        self.power += bands / max(bands.mean(), 1e-12)
        beside = (noise[:, 1:] * noise[:, :-1]).mean() + (noise[1:] * noise[:-1]).mean()
        self.neighbours += [beside / 2 / max((noise**2).mean(), 1e-12), 1]

    def _colour(self, now: Array, there: tuple[slice, slice], other: View) -> None:
        off = np.stack([smoothed_out((now - other.frame[there])[None, ..., c])[0] for c in range(3)])
        flat = off.reshape(3, -1)
        norm = np.sqrt((flat**2).sum(axis=1))
        if norm.min() > 1e-6:
            pairs = [flat[i] @ flat[j] / (norm[i] * norm[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
            self.channels += [np.mean(pairs), 1]

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if not self.level:
            return None
        level, sigma = np.concatenate(self.level), 255 * np.sqrt(np.concatenate(self.variance))
        bins = [sigma[(level >= low) & (level < high)] for low, high in BINS]
        return {
            "sigma": np.array([np.median(b) if b.size else 0.0 for b in bins]),
            "count": np.array([b.size for b in bins]),
            "power": self.power,
            "neighbours": self.neighbours,
            "channels": self.channels,
        }

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        count = np.array([shot["count"] for shot in shots], float)
        sums = (np.array([shot["sigma"] for shot in shots]) * count).sum(axis=0)
        total = count.sum(axis=0)
        sigma = sums / np.maximum(total, 1)
        told = total >= FEWEST
        if not told.any():
            return dict.fromkeys(cls.quantities, "too few flat patches")
        near, pairs = (np.sum([shot[name] for shot in shots], axis=0) for name in ("neighbours", "channels"))
        power = np.sum([shot["power"] for shot in shots], axis=0) / max(near[1], 1)
        out: dict[str, float | str] = {
            "sigma": float(np.average(sigma[told], weights=total[told])),
            "clump": _clump(near[0] / max(near[1], 1)),
            "layers": float(pairs[0] / pairs[1]) if pairs[1] else "a grey film",
        }
        out |= {
            f"sigma_{low:g}_{high:g}": float(sigma[i]) if told[i] else "too few flat patches of that level"
            for i, (low, high) in enumerate(BINS)
        }
        return out | {f"power_{low:g}_{high:g}": float(power[i]) for i, (low, high) in enumerate(BANDS)}


_AT = np.hypot(*np.meshgrid(np.fft.fftfreq(PATCH), np.fft.fftfreq(PATCH)))
_RINGS = [(low <= _AT) & (high > _AT) for low, high in BANDS]


def _clump(beside: float) -> float:
    """Standard deviation of the Gaussian that gives white noise this correlation of neighbours: exp(-1/4σ²)."""
    return float(np.sqrt(-0.25 / np.log(min(beside, 0.999)))) if beside > 0.01 else 0.0


def _shifted(place: tuple[slice, slice], one: View, other: View) -> list[tuple[slice, slice]] | None:
    """Where a patch may lie in the next frame, some whole pixels about its movement; none beyond the border."""
    scale = one.height / one.small.shape[0]
    rows, columns = place
    y, x = rows.start, columns.start
    if other.step is not None:
        middle = np.array([x, y]) + PATCH / 2
        dx, dy = (scale * (other.step @ [*(middle / scale), 1]) - middle).round().astype(int)
        x, y = x + int(dx), y + int(dy)
    height, width = other.grey.shape
    if not (REACH <= y <= height - PATCH - REACH and REACH <= x <= width - PATCH - REACH):
        return None
    steps = range(-REACH, REACH + 1)
    return [np.s_[y + i : y + i + PATCH, x + j : x + j + PATCH] for i in steps for j in steps]


def _windows(grey: Array, places: list[tuple[slice, slice]]) -> Array:
    return np.stack([grey[place] for place in places])
