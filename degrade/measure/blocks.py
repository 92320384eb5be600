"""Blocks: what a codec left of its grid, and a picture's of its fields."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.types import Array
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

SIDE = 8
"""Of a block, in pixels."""
EVERY = 4
"""Frames from one that is looked at to the next."""
TOP = 0.1
"""Changes of luma above this are edges of the scene."""
FEWEST = 32
"""Side of a frame in pixels."""


class Blocks(Instrument):
    """How much more luma changes across the borders of blocks of 8 pixels than within them, and rows of fields.

    1 is no blocks, wherever the grid lies; the mean change at the phase of the grid that has most, over the mean of the
    others. Combing compares lines with those next to them and those two away: 0.5 to 1 in whole frames, above in
    interlaced ones that move. Fooled by frames that were resized after the codec, by fine horizontal stripes, and by
    patterns of the scene of that period.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "across": Quantity("", "vertical borders: change there over change elsewhere; jpeg, video_codec"),
        "down": Quantity("", "horizontal borders"),
        "combing": Quantity("", "change from line to line over that from line to second line: combing"),
    }
    nothing: ClassVar[str] = f"no frames of {FEWEST} pixels or more that show anything"

    def __init__(self) -> None:
        self.sums = np.zeros((2, SIDE, 2))
        self.lines = np.zeros(2)

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.t % EVERY or view.blank or min(view.grey.shape) < FEWEST:
            return
        for axis in (0, 1):
            step = abs(np.diff(view.grey if axis else view.grey.T, axis=1))
            smooth = step < TOP
            change, count = np.where(smooth, step, 0).sum(axis=0), smooth.sum(axis=0)
            for phase in range(SIDE):
                self.sums[axis, phase] += [change[phase::SIDE].sum(), count[phase::SIDE].sum()]
        self.lines += [abs(view.grey[1:-1] - view.grey[2:]).mean(), abs(view.grey[2:] - view.grey[:-2]).mean()]

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        return {"sums": self.sums, "lines": self.lines} if self.lines[1] else None

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        sums = np.sum([shot["sums"] for shot in shots], axis=0)
        lines = np.sum([shot["lines"] for shot in shots], axis=0)
        return {"across": _excess(sums[1]), "down": _excess(sums[0]), "combing": float(lines[0] / lines[1])}


def _excess(sums: Array) -> float:
    mean = sums[:, 0] / np.maximum(sums[:, 1], 1)
    best = int(np.argmax(mean))
    return float(mean[best] / max(np.delete(mean, best).mean(), 1e-9))
