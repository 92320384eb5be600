"""Grain: noise that is new in every frame."""

import itertools
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.types import Array
from degrade.measure._flat import BANDS, LEVELS, PATCH, smoothed_out
from degrade.measure._pairs import shown_twice
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

EVERY = 3
"""Frames from one that is looked at to the next."""
FEWEST = 12
"""Patches that a level must have."""
FINEST = 0.25
"""Clumps, in pixels, below which nothing correlates that could tell their shape."""
BINS = list(itertools.pairwise(LEVELS))
STRAIGHTENED = 1.7
"""What makes up for what is smooth in a patch being taken from it, most of it from long clumps; for the spectrum that
`mottled_grain` begins with."""


class Grain(Instrument):
    """Standard deviation in 8-bit levels of what is new in a frame, in flat patches, by their level.

    A flat patch is looked for in the next frame, and half the variance of the difference is the grain's, so that
    texture of the scene, which moves along, does not count; frames shown twice are passed over. Its power spectrum and
    the correlation of neighbours tell the size and the shape of its clumps, which is that of all that blurs after it,
    too.
    Correlation of the channels tells silver from dye. Fooled by water, foliage and smoke, which are new in every frame;
    by codecs, which smooth flat parts or repeat their noise; by movement of fractions of a pixel, which reads up to a
    level in textured footage.
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
        "stretch": Quantity("", "length of the clumps along the film over that across it"),
        "layers": Quantity("", "correlation of red, green and blue: 1 silver or grey, 0 a grain for each dye"),
    }
    nothing: ClassVar[str] = "no flat patches that the next frame shows, too"

    def __init__(self) -> None:
        self.level: list[Array] = []
        self.variance: list[Array] = []
        self.sums: list[Array] = []  # of a pair of frames: power, neighbours, channels
        self.differences: list[float] = []
        self.at: list[int] = []  # of these, those of the pairs

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.difference is not None:
            self.differences.append(view.difference)
        if view.t % EVERY != 1 or view.pairs is None or view.before is None:
            return
        level, off, places = view.pairs
        self.at.append(len(self.differences) - 1)
        self.level.append(level)
        self.variance.append((off**2).mean(axis=(1, 2)))
        sums = np.sum([_shape(noise) for noise in off], axis=0)
        colours = [_correlation(view.before.frame[now], view.frame[later]) for now, later in places]
        self.sums.append(np.concatenate([sums, np.sum(colours, axis=0)]))

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        repeated = shown_twice(np.array(self.differences))[0][self.at]
        if repeated.all():
            return None
        level, variance = (
            np.concatenate([kept[i] for i in np.flatnonzero(~repeated)]) for kept in (self.level, self.variance)
        )
        bins = [255 * np.sqrt(variance[(level >= low) & (level < high)]) for low, high in BINS]
        sums = np.array(self.sums)[~repeated].sum(axis=0)
        return {
            "sigma": np.array([np.median(b) if b.size else 0.0 for b in bins]),
            "count": np.array([b.size for b in bins]),
            "power": sums[: len(BANDS)],
            "neighbours": sums[len(BANDS) : -2],
            "channels": sums[-2:],
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
        power = np.sum([shot["power"] for shot in shots], axis=0) / max(near[2], 1)
        along, across = (_clump(total / max(near[2], 1)) for total in near[:2])
        out: dict[str, float | str] = {
            "sigma": float(np.average(sigma[told], weights=total[told])),
            "clump": _clump(near[:2].mean() / max(near[2], 1)),
            "stretch": (along / across) ** STRAIGHTENED if min(along, across) > FINEST else "grain is too fine to tell",
            "layers": float(pairs[0] / pairs[1]) if pairs[1] else "a grey film",
        }
        out |= {
            f"sigma_{low:g}_{high:g}": float(sigma[i]) if told[i] else "too few flat patches of that level"
            for i, (low, high) in enumerate(BINS)
        }
        return out | {f"power_{low:g}_{high:g}": float(power[i]) for i, (low, high) in enumerate(BANDS)}


_AT = np.hypot(*np.meshgrid(np.fft.fftfreq(PATCH), np.fft.fftfreq(PATCH)))
_WINDOW = np.outer(np.hanning(PATCH), np.hanning(PATCH))
_RINGS = [(low <= _AT) & (high > _AT) for low, high in BANDS]


def _clump(beside: float) -> float:
    """Standard deviation of the Gaussian that gives white noise this correlation of neighbours: exp(-1/4σ²)."""
    return float(np.sqrt(-0.25 / np.log(min(beside, 0.999)))) if beside > 0.01 else 0.0


def _shape(noise: Array) -> Array:
    """Of a patch: power in each of the `BANDS` over its mean, correlation of neighbours along and across, and 1."""
    power = np.abs(np.fft.fft2(noise * _WINDOW)) ** 2
    bands = np.array([power[ring].mean() for ring in _RINGS])
    beside = np.array([(noise[1:] * noise[:-1]).mean(), (noise[:, 1:] * noise[:, :-1]).mean()])
    return np.array([*bands / max(bands.mean(), 1e-12), *beside / max((noise**2).mean(), 1e-12), 1])


def _correlation(now: Array, later: Array) -> Array:
    """Of the channels of what is new in a patch, and 1; zeros where there is one channel, or nothing new."""
    if now.shape[2] != 3:
        return np.zeros(2)
    flat = smoothed_out(np.moveaxis(now - later, 2, 0)).reshape(3, -1)
    norm = np.sqrt((flat**2).sum(axis=1))
    if norm.min() <= 1e-6:
        return np.zeros(2)
    return np.array([np.mean([flat[i] @ flat[j] / (norm[i] * norm[j]) for i, j in ((0, 1), (0, 2), (1, 2))]), 1])
