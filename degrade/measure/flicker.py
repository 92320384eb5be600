"""Flicker: exposure that varies from frame to frame, by chance and with the turn of a crank."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from scipy import linalg, stats

from degrade.core.types import Array
from degrade.measure import _tracks
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

SMALLEST = 0.0005
"""Stops that are told from none."""
FEWEST = 8
"""Frames of a shot."""
PERIODS = 1 / np.linspace(1 / 20, 1 / 4, 49)
"""Frames a cycle that are looked for."""
CHANCE = 1e-3
"""That a regular part is told where there is none, about."""


class Flicker(Instrument):
    """Exposure in stops of coded values, as `flicker` and `periodic_flicker` draw it.

    The median over the picture of the change since the frame before, movement made good, summed up. Its random
    part is fitted as an Ornstein–Uhlenbeck process; what changes smoothly is the scene's. A regular part of 4 to 20
    frames a cycle is told where a sine explains more than chance would. Fooled by lamps that flicker in the scene,
    by an automatic iris, and by a mover that fills the frame. Where the picture clips at white nothing is seen.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "std": Quantity("stops", "standard deviation of the random part: flicker.std"),
        "memory": Quantity("frames", "after which its autocorrelation has fallen to 1/e: flicker.correlation"),
        "periodic": Quantity("stops", "amplitude of the regular part, 0 if there is none: periodic_flicker.amplitude"),
        "period": Quantity("frames", "of its cycle: periodic_flicker.period"),
    }
    nothing: ClassVar[str] = f"no shot of {FEWEST} frames or more that show anything"

    def __init__(self) -> None:
        self.track = [0.0]
        self.shown = 0

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.before is None:
            return
        step = 0.0
        if view.change is not None and not np.isnan(view.change).all():
            step = float(np.nanmedian(view.change))
            self.shown += 1
        self.track.append(self.track[-1] + step)

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if self.shown < FEWEST - 1:
            return None
        track = np.array(self.track)
        random = _tracks.evidence(track, SMALLEST)
        gain, power = _sines(track, *_tracks.fit([random], SMALLEST))
        own = _turns(len(track), PERIODS[np.argmax(gain)])
        return {"random": random, "gain": gain, "power": power, "rest": _tracks.evidence(track, SMALLEST, own)}

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        gain = np.sum([shot["gain"] for shot in shots], axis=0)
        best = int(np.argmax(gain))
        regular = gain[best] > stats.chi2.isf(CHANCE / len(PERIODS), 2 * len(shots))
        power = float(np.mean([shot["power"][best] for shot in shots]))
        regular = bool(regular and power > 0)
        random = _tracks.fit([shot["rest" if regular else "random"] for shot in shots], SMALLEST)
        return {
            "std": random.std,
            "memory": random.memory if random.std else "no flicker",
            "periodic": float(np.sqrt(power)) if regular else 0.0,
            "period": float(PERIODS[best]) if regular else "no regular part",
        }


def _turns(frames: int, period: float) -> Array:
    """Sine and cosine, (T, 2)."""
    angle = 2 * np.pi * np.arange(frames) / period
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


def _sines(track: Array, std: float, memory: float) -> tuple[Array, Array]:
    """What a sine of each period explains of a track beyond its random part: squares over those of chance, and the
    squared amplitude less what chance adds to it; (P,) each."""
    frames = len(track)
    base = np.stack([np.ones(frames), np.linspace(-1, 1, frames)], axis=1)
    free = linalg.null_space(base.T)
    covariance = max(std, SMALLEST) ** 2 * free.T @ _tracks.machine(frames, memory) @ free
    lower = linalg.cholesky(covariance, lower=True)
    waves = np.concatenate([_turns(frames, period) for period in PERIODS], axis=1)
    white = linalg.solve_triangular(lower, free.T @ np.column_stack([track, waves]), lower=True)
    gain, power = np.zeros((2, len(PERIODS)))
    for i in range(len(PERIODS)):
        pair = white[:, 1 + 2 * i : 3 + 2 * i]
        inverse = np.linalg.pinv(pair.T @ pair)
        weights = inverse @ (pair.T @ white[:, 0])
        gain[i] = weights @ (pair.T @ white[:, 0])
        power[i] = weights @ weights - np.trace(inverse)
    return gain, power
