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
BRIGHTEST = 80
"""Percentile of luma along a side by which a border is told: dark all along."""
FEWEST = 3
"""Shots for a falloff: one scene alone has lights and shadows of its own."""
STOPS = np.arange(0, 4.01, 0.05)
"""Candidates of the falloff."""


class Gate(Instrument):
    """Dark borders and their corners in thousandths of the height, and the stops of light lost half a diagonal away.

    A border is what stays dark from the frame's edge inwards in the mean of a shot, all along the side; the median over
    shots. The radius of its corners is told by the diagonal, where all four are dark. The falloff, as `vignette` draws
    it about the centre, is fitted to the mean of all shots within the borders, and its interval is wide: scenes are
    often darker, or lighter, at their sides. Fooled by letterboxes, by night scenes, and by skies.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        **{side: Quantity("thousandths of the height", f"dark border: frame_border.{side}") for side in SIDES},
        "corners": Quantity("thousandths of the height", "radius of dark corners: frame_border.radius"),
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
        across, down = (np.percentile(mean, BRIGHTEST, axis=axis) for axis in (0, 1))
        sides = [_border(profile) for profile in (across, across[::-1], down, down[::-1])]
        height, width = mean.shape
        inner = mean[sides[2] : height - sides[3], sides[0] : width - sides[1]]
        coarse = cv2.resize(inner, CELLS[::-1], interpolation=cv2.INTER_AREA)
        return {
            "sides": 1000 * np.array([*sides, _radius(inner)]) / height,
            "picture": np.log2(coarse + 0.02),
            "shape": np.array(mean.shape),
        }

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        sides = np.median([shot["sides"] for shot in shots], axis=0).tolist()
        found: dict[str, float | str] = dict(zip((*SIDES, "corners"), sides, strict=True))
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


def _radius(inner: Array) -> float:
    """Of the dark corners of what lies within the borders, in pixels."""
    side = min(inner.shape)
    corners = (inner, inner[:, ::-1], inner[::-1], inner[::-1, ::-1])
    return min(_border(corner[:side, :side].diagonal()) for corner in corners) / (1 - np.sqrt(0.5))
