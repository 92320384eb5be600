"""Helper of the metrics on a model's own masks."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics.base import Frame, Metric, Need, damaged, untouched
from degrade.core.types import Array

LEVELS = 4096


class DetectionMetric(Metric):
    """What derives from how often a mask takes each value on damage and on sound pixels.

    A pixel is positive where damage shows (alpha above 0.1) and negative where there is none; the faint rim between
    counts for neither.
    """

    higher_is_better: ClassVar[bool] = True
    needs: ClassVar[tuple[Need, ...]] = ("mask", "predicted_mask")
    by_kind: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._counts = np.zeros((2, LEVELS), np.int64)

    def update(self, frame: Frame) -> float:
        """See `Metric.update`."""
        (found,) = frame.get("predicted_mask")
        counts = np.stack([_histogram(found[where, 0]) for where in (damaged(frame), untouched(frame))])
        self._counts += counts
        return self.value(counts)

    def result(self) -> float:
        """In [0, 1]; NaN if nothing is damaged."""
        return self.value(self._counts)

    @staticmethod
    @abstractmethod
    def value(counts: Array) -> float:
        """Of the numbers of positive and of negative pixels at each of `LEVELS` values of the mask, ascending."""


def _histogram(found: Array) -> Array:
    levels = np.rint(np.clip(found, 0, 1) * (LEVELS - 1)).astype(np.intp)
    return np.bincount(levels, minlength=LEVELS)
