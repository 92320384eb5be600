"""Over-correction: change where nothing was damaged."""

import math
from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics._pixels import sound
from degrade.benchmark.metrics.base import Frame, FrameMetric, Need


class OverCorrection(FrameMetric):
    """Mean absolute change of the pixels that were clean, in levels of 255.

    Clean is a pixel that no contaminant touched and that differs from its target by one 8-bit level at most. Doing
    nothing scores 0, so read it beside PSNR. Frames without clean pixels do not count.
    """

    label: ClassVar[str] = "over correction"
    reference: ClassVar[str] = "changes of known size"
    unit: ClassVar[str] = "1/255"
    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 2
    needs: ClassVar[tuple[Need, ...]] = ("target", "input", "mask")

    def measure(self, frame: Frame) -> float:
        """In levels of 255, or NaN."""
        clean = sound(frame)
        if not clean.any():
            return math.nan
        (given,) = frame.get("input")
        change = np.abs(frame.prediction[clean] - given[clean])
        return 255 * float(change.mean(dtype=np.float64))
