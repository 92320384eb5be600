"""Shots: how long they are, and how still the camera stands."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.measure._motion import at_centre
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

STILL = 0.002
"""Frame heights a frame, of slow movement."""


class Shots(Instrument):
    """Length of shots in frames, and the share of them whose camera stands still.

    A cut is where the coarse picture correlates with neither of its neighbours before. Flicker, black and torn
    frames are none. Fooled by dissolves and fades, which it takes for one shot, and by a few frames of very fast
    movement, which it takes for a cut; shots of more than 128 frames count as several.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "length": Quantity("frames", "median length of a shot"),
        "still": Quantity("", "share of shots whose camera moves by less than 0.2% of the height a frame"),
    }

    def __init__(self) -> None:
        self.frames = 0
        self.path = [np.zeros(2)]

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        self.frames += 1
        if view.step is not None:
            self.path.append(self.path[-1] + at_centre(view.step, view.small.shape)[:2])

    def close(self) -> Stats:
        """See `Instrument.close`."""
        path = np.array(self.path)
        span = min(8, len(path) - 1)
        speed = np.median(np.hypot(*(path[span:] - path[:-span]).T)) / span if span else 0.0
        return {"frames": np.array(self.frames), "speed": np.array(speed)}

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        return {
            "length": float(np.median([shot["frames"] for shot in shots])),
            "still": float(np.mean([shot["speed"] < STILL for shot in shots])),
        }
