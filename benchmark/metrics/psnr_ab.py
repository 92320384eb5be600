"""Peak signal-to-noise ratio of colour."""

from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics._color import ab
from degrade.benchmark.metrics._pixels import PSNR_CAP_DB, decibels
from degrade.benchmark.metrics.base import Frame, FrameMetric

PEAK = 255.0
"""Of a and b."""


class PSNRab(FrameMetric):
    """PSNR of a and b alone, peak 255, in CIELAB in floating point (D65), per frame; the mean over frames.

    Lightness, which colourisation is given, does not count. A frame identical to its target counts as 100 dB.
    """

    label: ClassVar[str] = "PSNR ab"
    reference: ClassVar[str] = "CIELAB by its definition, and OpenCV's in floating point"
    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = True
    digits: ClassVar[int] = 2
    bounds: ClassVar[tuple[float, float]] = (0, PSNR_CAP_DB)
    color: ClassVar[bool] = True

    def measure(self, frame: Frame) -> float:
        """dB."""
        (target,) = frame.get("target")
        wanted = frame.once("ab", lambda: ab(target))
        return decibels(np.square((ab(frame.prediction) - wanted) / PEAK))
