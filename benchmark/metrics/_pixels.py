"""Helpers shared by the metrics on pixels."""

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics.base import Frame, FrameMetric, Need, untouched
from degrade.core.types import Array

PSNR_CAP_DB = 100.0
"""Identical pictures have an infinite PSNR, which would make every mean infinite. 8 bits end at 59 dB."""


CLEAN = 1.5 / 255
"""Greatest difference of a sound pixel from its target: one 8-bit level, with room for rounding."""


def sound(frame: Frame) -> Array:
    """Where nothing is to be restored, (H, W) bool: no damage at all, and the target's value."""
    target, given = frame.get("target", "input")
    return np.asarray(untouched(frame) & (np.abs(given - target) <= CLEAN).all(-1))


class SoundChange(FrameMetric):
    """How sound pixels change, which are those that no contaminant touched and that differ from their target by one
    8-bit level at most; frames without any do not count."""

    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 2
    needs: ClassVar[tuple[Need, ...]] = ("target", "input", "mask")

    @staticmethod
    @abstractmethod
    def value(change: Array) -> float:
        """Of absolute changes (N, C) of N pixels, N > 0."""

    def measure(self, frame: Frame) -> float:
        """`value`, or NaN."""
        (given,) = frame.get("input")
        pixels = sound(frame)
        return self.value(np.abs(frame.prediction[pixels] - given[pixels])) if pixels.any() else math.nan


def decibels(squares: Array) -> float:
    """PSNR of the mean of squared errors, data range 1, at most `PSNR_CAP_DB`; NaN of no pixels."""
    if not squares.size:
        return math.nan
    error = float(squares.mean(dtype=np.float64))
    return PSNR_CAP_DB if error <= 10 ** (-PSNR_CAP_DB / 10) else -10 * math.log10(error)


def squared_error(prediction: Array, target: Array) -> Array:
    """(H, W, C) float64."""
    return np.asarray(np.square(np.subtract(prediction, target, dtype=np.float64)))


class RegionPSNR(FrameMetric):
    """PSNR over some of a frame's pixels, as the damage mask says; frames without any do not count."""

    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = True
    digits: ClassVar[int] = 2
    bounds: ClassVar[tuple[float, float]] = (0, PSNR_CAP_DB)
    needs: ClassVar[tuple[Need, ...]] = ("target", "mask")

    @staticmethod
    @abstractmethod
    def region(frame: Frame) -> Array:
        """Which pixels, (H, W) bool."""

    def measure(self, frame: Frame) -> float:
        """dB, or NaN."""
        (target,) = frame.get("target")
        chosen = self.region(frame)
        return decibels(squared_error(frame.prediction[chosen], target[chosen]))
