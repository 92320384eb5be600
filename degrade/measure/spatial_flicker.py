"""Spatial flicker: exposure that varies from frame to frame in another way in every part of the picture."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.types import Array
from degrade.measure import _tracks
from degrade.measure._view import CELLS, View
from degrade.measure.base import Instrument, Quantity, Stats, Values

SMALLEST = 0.0005
"""Stops that are told from none."""
FEWEST = 8
"""Frames of a shot."""
ORDER = 2
"""Most half waves of a term, down and across together."""
WAVES = [(i, j) for i in range(ORDER + 1) for j in range(ORDER + 1 - i) if i or j]
LEAST = 0.4
"""Share of the picture that must be seen for its field to be told."""


class SpatialFlicker(Instrument):
    """A smooth field of stops that changes from frame to frame, as `spatial_flicker` draws it at its order of two.

    The change of a coarse picture since the frame before, movement made good, less its median, is fitted by low
    cosines; the amplitudes are summed up and taken for Ornstein–Uhlenbeck processes that share one strength and
    memory. Fooled by shadows and large movers, and by lines and dust that cover much; it reads as much as a
    hundredth of a stop where much moves.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "std": Quantity("stops", "standard deviation over frames and places: spatial_flicker.std"),
        "memory": Quantity("frames", "after which the autocorrelation has fallen to 1/e: spatial_flicker.correlation"),
    }
    nothing: ClassVar[str] = f"no shot of {FEWEST} frames or more of which enough is seen"

    def __init__(self) -> None:
        self.terms = [np.zeros(len(WAVES))]
        self.seen = 0

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.before is None:
            return
        step = None if view.change is None else _field(view.change)
        self.seen += step is not None
        self.terms.append(self.terms[-1] + (0 if step is None else step))

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if self.seen < max(FEWEST - 1, 0.8 * (len(self.terms) - 1)):
            return None
        return {"evidence": _tracks.evidence(np.array(self.terms), SMALLEST)}

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        found = _tracks.fit([shot["evidence"] for shot in shots], SMALLEST)
        return {"std": found.std * len(WAVES) ** 0.5, "memory": found.memory if found.std else "no flicker"}


def _cosines() -> Array:
    """The terms over the cells, each of unit mean square, (cells, K)."""
    down, across = ((np.arange(side) + 0.5) / side for side in CELLS)
    waves = [np.outer(np.cos(np.pi * i * down), np.cos(np.pi * j * across)).ravel() for i, j in WAVES]
    return np.stack([wave / np.sqrt((wave**2).mean()) for wave in waves], axis=1)


_TERMS = _cosines()


def _field(change: Array) -> Array | None:
    """Amplitudes of the terms that fit a change best, cells far off left out; none where too little is seen."""
    seen = ~np.isnan(change.ravel())
    if seen.mean() < LEAST:
        return None
    values = change.ravel()[seen]
    base = np.column_stack([np.ones(seen.sum()), _TERMS[seen]])
    weight = np.ones(len(values))
    found = np.zeros(base.shape[1])
    for _ in range(4):
        found = np.linalg.lstsq(base * weight[:, None], values * weight, rcond=None)[0]
        off = values - base @ found
        spread = 1.4826 * np.median(abs(off)) + 1e-4
        weight = 1 / (1 + (off / (2 * spread)) ** 2)  # the square root of Cauchy's weights squared
    return np.asarray(found[1:])
