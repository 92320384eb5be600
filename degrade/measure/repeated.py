"""Frames that are shown twice, and frames that are lost."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.types import Array
from degrade.measure._motion import at_centre
from degrade.measure._pairs import AROUND, shown_twice
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

FASTEST = 0.004
"""Frame heights a frame: what a camera must move by, for lost frames to be told."""
FEWEST = 8
"""Steps of a shot."""


class Repeated(Instrument):
    """Share of frames that repeat the one before, that show nothing, and that are lost, as `frame_faults` does.

    A repeated frame differs from the one before by less than a quarter of what frames around do. A lost one shows
    as a step of the camera that is as long as two: only in shots whose camera moves steadily. Fooled by animation on
    twos, where every other frame repeats, by titles, and by cameras that stop and go.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "repeated": Quantity("", "share of frames that show the one before again: frame_faults.repeated"),
        "blank": Quantity("", "share of frames that show one tone: black_frames"),
        "missing": Quantity("", "share of frames that are lost: frame_faults.missing"),
    }

    def __init__(self) -> None:
        self.frames = self.blank = 0
        self.differences: list[float] = []
        self.steps: list[Array] = []

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        self.frames += 1
        self.blank += view.blank
        if view.difference is None:
            return
        self.differences.append(view.difference)
        if view.step is not None:
            self.steps.append(at_centre(view.step, view.small.shape)[:2])

    def close(self) -> Stats:
        """See `Instrument.close`."""
        repeated, told = (int(which.sum()) for which in shown_twice(np.array(self.differences)))
        missing, followed = _missing(np.array(self.steps).reshape(-1, 2))
        counts = self.frames, self.blank, repeated, told, missing, followed
        return {"counts": np.array(counts)}

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        frames, blank, repeated, told, missing, followed = np.sum([shot["counts"] for shot in shots], axis=0).tolist()
        return {
            "repeated": repeated / told if told else "too little moves",
            "blank": blank / frames,
            "missing": missing / followed if followed else "no camera that moves steadily",
        }


def _missing(steps: Array) -> tuple[int, int]:
    """How many steps are as long as two, and of how many it can be told."""
    if len(steps) < FEWEST:
        return 0, 0
    usual = np.stack([np.median(steps[max(0, i - AROUND) : i + AROUND + 1], axis=0) for i in range(len(steps))])
    speed = np.hypot(*usual.T)
    if np.median(speed) < FASTEST:
        return 0, 0
    length = (steps * usual).sum(axis=1) / np.maximum(speed, 1e-9) ** 2
    if np.median(abs(length - 1)) > 0.15:
        return 0, 0
    return int(((length > 1.7) & (length < 2.4) & (speed >= FASTEST)).sum()), len(steps)
