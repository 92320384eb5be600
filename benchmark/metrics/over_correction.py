"""Over-correction: change where nothing was damaged."""

from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics._pixels import SoundChange
from degrade.core.types import Array


class OverCorrection(SoundChange):
    """Mean absolute change of the pixels that were clean, in levels of 255.

    Clean is a pixel that no contaminant touched and that differs from its target by one 8-bit level at most. Doing
    nothing scores 0, so read it beside PSNR. Frames without clean pixels do not count.
    """

    label: ClassVar[str] = "over correction"
    reference: ClassVar[str] = "changes of known size"
    unit: ClassVar[str] = "1/255"
    bounds: ClassVar[tuple[float, float]] = (0, 255)

    @staticmethod
    def value(change: Array) -> float:
        """In levels of 255."""
        return 255 * float(change.mean(dtype=np.float64))
