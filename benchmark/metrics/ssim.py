"""Structural similarity."""

from typing import ClassVar

import cv2
import numpy as np

from degrade.benchmark.metrics.base import Frame, FrameMetric
from degrade.core.errors import SourceError
from degrade.core.types import Array

SIDE, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


class SSIM(FrameMetric):
    """Structural similarity: Gaussian window 11×11 of σ 1.5, K1 0.01, K2 0.03, data range 1, valid region.

    The mean over pixels and channels, then over frames. Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality
    Assessment: From Error Visibility to Structural Similarity", IEEE TIP 2004.
    """

    label: ClassVar[str] = "SSIM"
    reference: ClassVar[str] = "scikit-image's `structural_similarity`; the paper's formula, window by window"
    higher_is_better: ClassVar[bool] = True
    digits: ClassVar[int] = 4
    bounds: ClassVar[tuple[float, float]] = (-1, 1)

    def measure(self, frame: Frame) -> float:
        """In [-1, 1]. Raises SourceError if a side is under 11 pixels."""
        (clean,) = frame.get("target")
        target = clean.astype(np.float64)
        height, width, _ = target.shape
        if min(height, width) < SIDE:
            raise SourceError(f"SSIM needs frames of {SIDE}×{SIDE} pixels or more, got {width}×{height}")
        y, yy = frame.once("ssim", lambda: (_mean(target), _mean(target * target)))
        prediction = frame.prediction.astype(np.float64)
        x, xx, xy = (_mean(moment) for moment in (prediction, prediction**2, prediction * target))
        likeness = (2 * x * y + C1) * (2 * (xy - x * y) + C2)
        likeness /= (x * x + y * y + C1) * (xx - x * x + yy - y * y + C2)
        return float(likeness.mean())


def _mean(picture: Array) -> Array:
    """The window's weighted mean wherever it lies within the picture, (H - 10, W - 10, C)."""
    kernel, rim = cv2.getGaussianKernel(SIDE, SIGMA, cv2.CV_64F), SIDE // 2
    height, width, channels = picture.shape
    filtered = cv2.sepFilter2D(picture, cv2.CV_64F, kernel, kernel).reshape(height, width, channels)
    return filtered[rim : height - rim, rim : width - rim]
