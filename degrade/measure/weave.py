"""Weave: the film never settles in exactly the same place."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.measure import _tracks
from degrade.measure._motion import at_centre
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

SMALLEST = {"x": 0.02, "y": 0.02, "rotation": 0.002}
"""What is told from none, in the units of the readings."""
FEWEST = 12
"""Frames of a shot."""
RESTLESS = 1.7
"""Shots that move by more than so many times the lower quartile are left to the camera."""


class Weave(Instrument):
    """Where the picture lies: shifts in thousandths of the height, rotation in degrees, as `weave` draws them.

    The movement that most corners share since the frame before, summed up; an Ornstein–Uhlenbeck process and a
    smooth path, the camera's, are fitted to each axis, over the shots that move least. Fooled by cameras that are held
    by hand or ride on wheels in every shot, which shake as films do. A memory of much more than ten frames is hard to
    tell from a camera that drifts.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "x": Quantity("thousandths of the height", "standard deviation across the film: 1000 weave.x"),
        "y": Quantity("thousandths of the height", "standard deviation along the film: 1000 weave.y"),
        "rotation": Quantity("degrees", "standard deviation of the rotation: weave.rotation"),
        "memory_x": Quantity("frames", "after which the autocorrelation has fallen to 1/e: weave.correlation"),
        "memory_y": Quantity("frames", "the same along the film: weave.correlation_y"),
    }
    nothing: ClassVar[str] = f"no shot of {FEWEST} frames or more that can be followed"

    def __init__(self) -> None:
        self.path = [np.zeros(3)]
        self.followed = 0

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.before is None:
            return
        step = np.zeros(3)
        if view.step is not None:
            step = at_centre(view.step, view.small.shape) * [1000, 1000, 1]
            self.followed += 1
        self.path.append(self.path[-1] + step)

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if self.followed < max(FEWEST - 1, 0.8 * (len(self.path) - 1)):
            return None
        path = np.array(self.path)
        found = {axis: _tracks.evidence(path[:, i], SMALLEST[axis]) for i, axis in enumerate(SMALLEST)}
        own = [_tracks.fit([evidence], SMALLEST[axis]).std for axis, evidence in found.items()]
        return {**found, "own": np.array(own)}

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        x, y, rotation = (_fitted(shots, axis, i) for i, axis in enumerate(SMALLEST))
        still = "it does not move"
        return {
            "x": x.std,
            "y": y.std,
            "rotation": rotation.std,
            "memory_x": x.memory if x.std else still,
            "memory_y": y.memory if y.std else still,
        }


def _fitted(shots: Sequence[Stats], axis: str, i: int) -> _tracks.Fit:
    """Over the shots that move least: a camera that shakes can only add to what the machine does."""
    own = np.array([shot["own"][i] for shot in shots])
    still = own <= RESTLESS * np.percentile(own, 25) + SMALLEST[axis]
    return _tracks.fit([shot[axis] for shot, one in zip(shots, still, strict=True) if one], SMALLEST[axis])
