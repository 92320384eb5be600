"""False repair: sound pixels that a model changes for all to see."""

import math
from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics._pixels import sound
from degrade.benchmark.metrics.base import Frame, FrameMetric, Need

SEEN = 10 / 255
"""A change that is seen."""


class FalseRepair(FrameMetric):
    """Share of the sound pixels that change by more than 10 of 255 levels, percent.

    Sound is a pixel that no contaminant touched and that differs from its target by one 8-bit level at most. Beside
    `over_correction`, their mean change, it tells few large changes (content taken for damage) from many small ones
    (softened grain). Frames without sound pixels do not count.
    """

    label: ClassVar[str] = "false repair"
    reference: ClassVar[str] = "changes of known size"
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 2
    needs: ClassVar[tuple[Need, ...]] = ("target", "input", "mask")

    def measure(self, frame: Frame) -> float:
        """Percent, or NaN."""
        (given,) = frame.get("input")
        pixels = sound(frame)
        if not pixels.any():
            return math.nan
        change = np.abs(frame.prediction[pixels] - given[pixels]).max(-1)
        return 100 * float((change > SEEN).mean())
