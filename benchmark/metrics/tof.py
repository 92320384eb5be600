"""tOF: difference between the optical flows of prediction and target."""

from typing import ClassVar

import cv2
import numpy as np

from degrade.benchmark.flow import luma
from degrade.benchmark.metrics.base import Frame, PairMetric
from degrade.core.types import Array


class TOF(PairMetric):
    """Distance between the optical flow of the prediction and that of the target, in pixels; mean over frame pairs.

    Flow is Farnebäck's with the settings of the authors' code. Source: Chu, Xie, Mayer, Leal-Taixé, Thuerey,
    "Learning Temporal Coherence via Self-Supervision for GAN-based Video Generation", SIGGRAPH 2020.
    """

    label: ClassVar[str] = "tOF"
    unit: ClassVar[str] = "px"
    higher_is_better: ClassVar[bool] = False

    def measure(self, before: Frame, frame: Frame) -> float:
        """Mean length of the difference, in pixels."""
        (here,), (there,) = before.get("target"), frame.get("target")
        wanted = frame.once("tof", lambda: _flow(here, there))
        stray = _flow(before.prediction, frame.prediction) - wanted
        return float(np.linalg.norm(stray, axis=-1).mean())


def _flow(here: Array, there: Array) -> Array:
    grey = (255 * luma(frame) for frame in (here, there))
    settings = {"pyr_scale": 0.5, "levels": 3, "winsize": 15, "iterations": 3, "poly_n": 5, "poly_sigma": 1.2}
    return cv2.calcOpticalFlowFarneback(*grey, None, **settings, flags=0)  # type: ignore[call-overload]
