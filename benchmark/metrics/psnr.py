"""Peak signal-to-noise ratio."""

from typing import ClassVar

from degrade.benchmark.metrics._pixels import PSNR_CAP_DB, decibels, squared_error
from degrade.benchmark.metrics.base import Frame, FrameMetric


class PSNR(FrameMetric):
    """Peak signal-to-noise ratio per frame, data range 1, over all pixels and channels; the mean over frames.

    A frame identical to its target counts as 100 dB.
    """

    label: ClassVar[str] = "PSNR"
    reference: ClassVar[str] = "scikit-image's `peak_signal_noise_ratio`"
    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = True
    digits: ClassVar[int] = 2
    bounds: ClassVar[tuple[float, float]] = (0, PSNR_CAP_DB)

    def measure(self, frame: Frame) -> float:
        """dB."""
        (target,) = frame.get("target")
        return decibels(squared_error(frame.prediction, target))
