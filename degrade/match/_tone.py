"""Tone: the curve and the fogs that give clean footage the quantiles of a film."""

from collections.abc import Mapping

import numpy as np
from scipy import optimize

from degrade.core.types import Array
from degrade.match._ways import Ratio
from degrade.measure import Film, Reading
from degrade.ops._light import GAMMA
from degrade.ops.base_fog import NEGATIVE_RANGE

Key = tuple[str, str]
CONTRAST, MIDDLE, VEIL, BASE = KEYS = (
    ("tone_curve", "contrast"),
    ("tone_curve", "middle"),
    ("veil", "density"),
    ("base", "density"),
)
LOW, HIGH, NEUTRAL = (0.4, 0.15, 0, 0), (2.5, 0.85, 1, 1), (1, 0.5, 0.02, 0.02)
LEAST = 0.01
"""Density of a fog; what is below is none."""
STIFF = 0.01
"""What a parameter's step from neutral costs, as a deviation of a quantile: where quantiles say little, it stays."""


class Tone:
    """`tone_curve` and two of `base_fog`, fitted to black, white and both quarters: monotone curves move quantiles."""

    instrument = "tone"
    held = False
    strong = VEIL, BASE
    way = Ratio()
    keys: Mapping[Key, str] = {CONTRAST: "contrast", MIDDLE: "level", VEIL: "black", BASE: "white"}

    def start(self, film: Film, own: Film) -> Mapping[Key, float]:
        """See `Part.start`."""
        wanted, there = _quantiles(film), _quantiles(own)
        return {} if wanted is None or there is None else _fitted(there, wanted)

    def turned(self, now: Mapping[Key, float], film: Film, made: Film, own: Film, step: float) -> Mapping[Key, float]:
        """See `Part.turned`."""
        wanted, got, there = map(_quantiles, (film, made, own))
        if wanted is None or got is None or there is None or CONTRAST not in now:
            return {key: now[key] for key in KEYS if key in now}
        expected = _curve(there, [now[key] for key in KEYS])
        # What blur, flicker and dust do to the quantiles is taken off those that are aimed at.
        return _fitted(there, wanted + step * (expected - got))

    def ends(self, key: Key, value: float, reading: Reading) -> tuple[float, float]:
        """See `Part.ends`."""
        return self.way.ends(value, reading, 0.05)


def _quantiles(film: Film) -> Array | None:
    found = [film["tone"][name].value for name in ("black", "quarter", "three_quarters", "white")]
    black, low, high, white = found
    if black is None or low is None or high is None or white is None:
        return None
    return np.array([black, black + low * (white - black), black + high * (white - black), white])


def _curve(values: Array, parameters: list[float]) -> Array:
    """Coded values through the ops, one after the other."""
    contrast, middle, veil, base = parameters
    values = np.clip(values, 1e-4, 1 - 1e-4)
    light = middle / (1 - middle) * values**contrast
    values = light / (light + (1 - values) ** contrast)
    values = values + veil / NEGATIVE_RANGE * (1 - values)
    return np.asarray(values * (1 - (1 - 10 ** (-base / GAMMA)) * values))


def _fitted(there: Array, wanted: Array) -> dict[Key, float]:
    def off(parameters: Array) -> Array:
        away = STIFF * np.log([parameters[0], parameters[1] / (1 - parameters[1])])
        return np.concatenate([_curve(there, parameters.tolist()) - wanted, away, STIFF * parameters[2:]])

    found = optimize.least_squares(off, NEUTRAL, bounds=(LOW, HIGH)).x.tolist()
    return {
        key: value if key[0] == "tone_curve" or value >= LEAST else 0.0 for key, value in zip(KEYS, found, strict=True)
    }
