"""The gate: what the frame's border hides, and how light falls off towards it."""

import functools
from collections.abc import Mapping, Sequence
from typing import ClassVar

import cv2
import numpy as np

from degrade.core.types import Array
from degrade.measure._view import CELLS, View
from degrade.measure.base import Instrument, Quantity, Stats, Values
from degrade.ops._geometry import radius2
from degrade.ops._light import GAMMA

SIDES = ("left", "right", "top", "foot")
DARK = 0.08
"""Luma of a border."""
WIDEST = 0.2
"""Share of a side that a border may take."""
FEWEST = 3
"""Shots for a falloff: one scene alone has lights and shadows of its own."""
STOPS = np.arange(0, 4.01, 0.05)
"""Candidates of the falloff."""


class Gate(Instrument):
    """Dark borders on each side in thousandths of the height, and the stops of light lost half a diagonal away.

    A border is what stays dark from the frame's edge inwards in the mean of a shot, the median over shots. The
    falloff, as `vignette` draws it about the centre, is fitted to the mean of all shots within the borders, and its
    interval is wide: scenes are often darker, or lighter, at their sides. Fooled by letterboxes, by night scenes, and
    by skies.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        **{side: Quantity("thousandths of the height", f"dark border, {side}") for side in SIDES},
        "falloff": Quantity("stops", "light lost half a diagonal away: vignette.falloff"),
    }
    nothing: ClassVar[str] = "all frames are blank"

    def __init__(self) -> None:
        self.sum: Array | None = None
        self.frames = 0

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if not view.blank:
            self.sum = view.small.astype(np.float64) if self.sum is None else self.sum + view.small
            self.frames += 1

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if self.sum is None:
            return None
        mean = self.sum / self.frames
        sides = [_border(mean.mean(axis=0)), _border(mean.mean(axis=0)[::-1]),
                 _border(mean.mean(axis=1)), _border(mean.mean(axis=1)[::-1])]  # fmt: skip
        height, width = mean.shape
        inner = mean[sides[2] : height - sides[3], sides[0] : width - sides[1]]
        coarse = cv2.resize(inner, CELLS[::-1], interpolation=cv2.INTER_AREA)
        return {
            "sides": 1000 * np.array(sides) / height,
            "picture": np.log2(coarse + 0.02),
            "shape": np.array(mean.shape),
        }

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        sides = np.median([shot["sides"] for shot in shots], axis=0).tolist()
        found: dict[str, float | str] = dict(zip(SIDES, sides, strict=True))
        if len(shots) < FEWEST:
            return found | {"falloff": f"fewer than {FEWEST} shots"}
        mean = np.mean([shot["picture"] for shot in shots], axis=0)
        height, width = shots[0]["shape"]
        misfits = np.var(mean + _falloffs(int(height), int(width)), axis=(1, 2))
        return found | {"falloff": float(STOPS[int(np.argmin(misfits))])}


@functools.lru_cache(maxsize=8)
def _falloffs(height: int, width: int) -> Array:
    """What each of the `STOPS` takes off the logarithm of the coarse picture, (S, 24, 32)."""
    distance = cv2.resize(radius2((height, width)), CELLS[::-1], interpolation=cv2.INTER_AREA)
    return np.stack([2 / GAMMA * np.log2(1 + distance * (2 ** (stops / 2) - 1)) for stops in STOPS])


def _border(profile: Array) -> int:
    """Pixels from the beginning of a profile that are dark, if what follows is not."""
    light = np.flatnonzero(profile > DARK)
    return int(light[0]) if light.size and light[0] <= WIDEST * len(profile) else 0
