"""PSNR of what no defect touched."""

from typing import ClassVar

from degrade.benchmark.metrics._pixels import decibels, squared_error
from degrade.benchmark.metrics.base import Frame, FrameMetric, Need, untouched


class PSNROutside(FrameMetric):
    """PSNR over the pixels that no contaminant touched (alpha 0), per frame; blur, noise and compression remain.

    At most 100 dB, which is what an untouched pixel scores if it is left alone.
    """

    label: ClassVar[str] = "PSNR outside"
    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = True
    digits: ClassVar[int] = 2
    needs: ClassVar[tuple[Need, ...]] = ("target", "mask")

    def measure(self, frame: Frame) -> float:
        """dB, or NaN."""
        target, mask = frame.get("target", "mask")
        outside = untouched(mask)
        return decibels(squared_error(frame.prediction[outside], target[outside]))
