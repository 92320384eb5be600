"""How much more or less than the target's the colours of a prediction change over time."""

import math
from collections import deque
from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics._color import divergence, histograms
from degrade.benchmark.metrics.base import Frame, Metric
from degrade.core.types import Array

STEPS = (1, 2, 4)
"""Frames between those that are compared."""


class CDC:
    """Colour distribution consistency of a clip, fed frame by frame."""

    def __init__(self) -> None:
        self._recent: deque[Array | None] = deque(maxlen=max(STEPS))
        self._found: dict[int, list[float]] = {step: [] for step in STEPS}

    def update(self, shares: Array | None) -> None:
        """Takes the histograms (C, 256) of the next frame; None if it does not count."""
        for step, found in self._found.items():
            before = self._recent[-step] if len(self._recent) >= step else None
            if before is not None and shares is not None:
                found.append(divergence(before, shares))
        self._recent.append(shares)

    def result(self) -> float:
        """The mean over the steps; NaN if there are none of one length, as in clips of four frames."""
        return (
            float(np.mean([np.mean(found) for found in self._found.values()]))
            if all(self._found.values())
            else math.nan
        )


class CDCDifference(Metric):
    """Absolute difference of the colour distribution consistency (CDC) of prediction and target, × 10³; of a clip.

    CDC is the Jensen–Shannon divergence of the 8-bit histograms of frames 1, 2 and 4 apart, the mean over pairs,
    channels and the three distances. By itself it would reward grey, and it depends on size and grain. Clips of four
    frames and less have no value, nor have single frames; pairs with a key frame do not count. Source: Liu, Zhao, Chan,
    Wang, Loy, Qiao, Dong, "Temporally Consistent Video Colorization with Deep Feature Propagation and
    Self-regularization Learning", 2021.
    """

    label: ClassVar[str] = "|ΔCDC|"
    reference: ClassVar[str] = "alternating black and white, and the formula with SciPy's distance"
    unit: ClassVar[str] = "10⁻³"
    higher_is_better: ClassVar[bool] = False
    color: ClassVar[bool] = True
    of_clips: ClassVar[bool] = True

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._prediction, self._target = CDC(), CDC()

    def update(self, frame: Frame) -> float:
        """NaN: a frame has no value of its own."""
        (target,) = frame.get("target")
        self._prediction.update(None if frame.given else histograms(frame.prediction))
        self._target.update(None if frame.given else frame.once("histograms", lambda: histograms(target)))
        return math.nan

    def result(self) -> float:
        """× 10³, or NaN."""
        return 1000 * abs(self._prediction.result() - self._target.result())
