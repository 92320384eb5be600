"""PSNR of what was damaged."""

from typing import ClassVar

from degrade.benchmark.metrics._pixels import decibels, squared_error
from degrade.benchmark.metrics.base import Frame, FrameMetric, Need, damaged


class PSNRInside(FrameMetric):
    """PSNR over the pixels whose damage shows (alpha above 0.1), per frame; frames without any do not count.

    Says how well defects are filled, whatever happens elsewhere. At most 100 dB.
    """

    label: ClassVar[str] = "PSNR inside"
    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = True
    digits: ClassVar[int] = 2
    needs: ClassVar[tuple[Need, ...]] = ("target", "mask")

    def measure(self, frame: Frame) -> float:
        """dB, or NaN."""
        target, mask = frame.get("target", "mask")
        inside = damaged(mask)
        return decibels(squared_error(frame.prediction[inside], target[inside]))
