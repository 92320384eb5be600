"""Grain: strength at each level, and spectrum, as the film has them."""

import itertools
from collections.abc import Mapping

import numpy as np

from degrade.core.types import Array
from degrade.match._ways import FASTEST, Ratio, trust
from degrade.measure import Film, Reading
from degrade.measure._flat import BANDS, LEVELS

Key = tuple[str, str]
STRENGTH: Key = ("mottled_grain", "strength")
SIGMA: list[Key] = [("mottled_grain", f"sigma.{i}") for i in range(len(LEVELS) - 1)]
POWER: list[Key] = [("mottled_grain", f"power.{i}") for i in range(len(BANDS))]
STRETCH: Key = ("mottled_grain", "stretch")
BY_LEVEL = [f"sigma_{low:g}_{high:g}" for low, high in itertools.pairwise(LEVELS)]
BY_BAND = [f"power_{low:g}_{high:g}" for low, high in BANDS]
FAINTEST, LEAST = 0.05, 1e-3
"""Levels of 255, and relative power: what is below is none, and what is none stays as little."""


class Grain:
    """`mottled_grain`, whose curves have the bins of the instrument."""

    instrument = "grain"
    held = False
    strong = (STRENGTH,)
    way = Ratio()
    keys: Mapping[Key, str] = {
        STRENGTH: "sigma",
        **dict(zip(SIGMA, BY_LEVEL, strict=True)),
        **dict(zip(POWER, BY_BAND, strict=True)),
        STRETCH: "stretch",
    }

    def start(self, film: Film, own: Film) -> Mapping[Key, float]:
        """See `Part.start`."""
        if film["grain"]["sigma"].value is None:
            return {}
        excess = _filled(_excess(film, own))
        there = float(max(excess) > FAINTEST**2)
        power = np.maximum(_values(film, BY_BAND), LEAST).tolist()
        shape = film["grain"]["stretch"].value
        stretch = {} if shape is None else {STRETCH: shape}
        return {STRENGTH: there, **_named(SIGMA, np.sqrt(excess).tolist()), **_named(POWER, power), **stretch}

    def turned(self, now: Mapping[Key, float], film: Film, made: Film, own: Film, step: float) -> Mapping[Key, float]:
        """See `Part.turned`."""
        if made["grain"]["sigma"].value is None or STRENGTH not in now:
            return {key: now[key] for key in self.keys if key in now}
        before, wanted, got = np.array([now[key] for key in SIGMA]), _values(film, BY_LEVEL), _values(made, BY_LEVEL)
        steps = [step * trust(film["grain"][name].value or 0.0, made["grain"][name]) for name in BY_LEVEL]
        # Variances add up: rain, dust and what the footage has of its own stay as they are. A coded copy keeps a share.
        kept = np.clip(_excess(made, own) / np.maximum(before**2, FAINTEST**2), 1 / FASTEST, 1)
        more = np.where(np.isnan(got), 0, np.array(steps) * (wanted**2 - got**2) / kept)
        sigma = _filled(np.sqrt(np.maximum(before**2 + more, 0)))
        power = np.array([now[key] for key in POWER]) * _factor(_values(film, BY_BAND), _values(made, BY_BAND)) ** step
        stretch = {STRETCH: now[STRETCH]} if STRETCH in now else {}
        shape, rendered = (one["grain"]["stretch"].value for one in (film, made))
        if stretch and shape is not None and rendered is not None:
            stretch[STRETCH] = self.way.turned(now[STRETCH], shape, rendered, 0.0, step)
        return {STRENGTH: now[STRENGTH], **_named(SIGMA, sigma.tolist()), **_named(POWER, power.tolist()), **stretch}

    def ends(self, key: Key, value: float, reading: Reading) -> tuple[float, float]:
        """See `Part.ends`."""
        return self.way.ends(value, reading, 0)


def _named(keys: list[Key], values: list[float]) -> dict[Key, float]:
    return dict(zip(keys, values, strict=True))


def _values(film: Film, quantities: list[str]) -> Array:
    """NaN where the film does not tell."""
    found = (film["grain"][quantity].value for quantity in quantities)
    return np.array([np.nan if value is None else value for value in found])


def _excess(film: Film, own: Film) -> Array:
    """Variance at each level beyond the footage's."""
    return np.asarray(np.maximum(_values(film, BY_LEVEL) ** 2 - np.nan_to_num(_values(own, BY_LEVEL)) ** 2, 0))


def _factor(wanted: Array, got: Array) -> Array:
    return np.clip(np.maximum(wanted, LEAST) / np.maximum(got, LEAST), 1 / FASTEST, FASTEST)


def _filled(values: Array) -> Array:
    """What is not known is as at the nearest level that is."""
    known = np.flatnonzero(~np.isnan(values))
    nearest = [known[np.argmin(abs(known - i))] for i in range(len(values))] if known.size else []
    return values[nearest] if len(nearest) else np.ones(len(values))
