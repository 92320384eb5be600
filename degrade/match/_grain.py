"""Grain of a film's strength at each level: noise that is the same at all, and grain that follows density."""

import itertools
import math
from collections.abc import Mapping

import numpy as np
from scipy import optimize

from degrade.core.types import Array
from degrade.match._ways import Ratio
from degrade.measure import Film, Reading
from degrade.measure._flat import LEVELS
from degrade.ops._light import GAMMA
from degrade.ops.grain import APERTURE_MM2, BASE, FRAME_MM

NOISE, DENSE = ("grain", "sigma"), ("dense_grain", "granularity")
BINS = list(itertools.pairwise(LEVELS))


class GrainLevels:
    """`noise` and `grain` whose variances add up to the film's at each level, as well as two that are not negative can.

    Args:
        height: Of the frames, by which granularity becomes levels.
    """

    instrument = "grain"
    strong = NOISE, DENSE
    way = Ratio()
    keys: Mapping[tuple[str, str], str] = {NOISE: "sigma", DENSE: "sigma"}

    def __init__(self, height: int) -> None:
        level = np.array([(low + high) / 2 for low, high in BINS])
        density = math.sqrt(APERTURE_MM2) * height / FRAME_MM["16mm"] / 1000
        spread = 255 * level * np.sqrt(BASE - GAMMA * np.log10(level)) * math.log(10) / GAMMA * density
        self.shapes = np.stack([np.ones(len(BINS)), spread**2], axis=1)

    def start(self, film: Film, own: Film) -> Mapping[tuple[str, str], float]:
        """See `Part.start`."""
        clump = film["grain"]["clump"].value or 0.0
        kept = min(1.0, 1 / (4 * math.pi * max(clump, 0.05) ** 2))  # of the variance, once it is blurred
        wanted = self._excess(film, own)
        return {} if np.isnan(wanted).all() else self._fitted(wanted, kept)

    def turned(
        self, now: Mapping[tuple[str, str], float], film: Film, made: Film, own: Film, step: float
    ) -> Mapping[tuple[str, str], float]:
        """See `Part.turned`."""
        before = {key: now[key] for key in self.keys if key in now}
        wanted, got = self._excess(film, own), self._excess(made, own)
        both = ~np.isnan(wanted + got)
        given = float((self.shapes @ np.square(list(before.values())))[both].sum()) if before else 0.0
        if not given or not got[both].sum() > 0:
            return before
        new = self._fitted(wanted, float(got[both].sum()) / given)
        return {key: math.sqrt((1 - step) * before[key] ** 2 + step * new[key] ** 2) for key in before}

    def ends(self, key: tuple[str, str], value: float, reading: Reading) -> tuple[float, float]:
        """See `Part.ends`."""
        return self.way.ends(value, reading, 0)

    def _excess(self, film: Film, own: Film) -> Array:
        """Variance at each level beyond the footage's; NaN where the film does not tell."""
        seen, there = (
            np.array([_or_nan(one["grain"][f"sigma_{low:g}_{high:g}"].value) for low, high in BINS])
            for one in (film, own)
        )
        return np.asarray(np.maximum(seen**2 - np.nan_to_num(there) ** 2, 0))

    def _fitted(self, wanted: Array, kept: float) -> dict[tuple[str, str], float]:
        told = ~np.isnan(wanted)
        weight = 1 / (wanted[told] + 0.25)
        found, _ = optimize.nnls(kept * self.shapes[told] * weight[:, None], wanted[told] * weight)
        return {key: math.sqrt(value) for key, value in zip((NOISE, DENSE), found.tolist(), strict=True)}


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
