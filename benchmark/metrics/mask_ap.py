"""Average precision of a model's own damage mask."""

import math
from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics.base import Frame, Metric, Need, damaged, untouched
from degrade.core.types import Array

LEVELS = 4096


class MaskAP(Metric):
    """Whether a model's mask finds the defects: average precision over all pixels of a clip.

    A pixel is positive where damage shows (alpha above 0.1) and negative where there is none; the faint
    rim between counts for neither. Precision is averaged over recall, Σ (R_n − R_{n−1})·P_n, over 4,096 thresholds.
    """

    label: ClassVar[str] = "mask AP"
    reference: ClassVar[str] = "the definition, threshold by threshold"
    higher_is_better: ClassVar[bool] = True
    needs: ClassVar[tuple[Need, ...]] = ("mask", "predicted_mask")

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._counts = np.zeros((2, LEVELS), np.int64)

    def update(self, frame: Frame) -> float:
        """See `Metric.update`."""
        mask, found = frame.get("mask", "predicted_mask")
        levels = np.rint(np.clip(found[..., 0], 0, 1) * (LEVELS - 1)).astype(np.intp)
        kinds = (damaged(mask), untouched(mask))
        counts = np.stack([np.bincount(levels[kind], minlength=LEVELS) for kind in kinds])
        self._counts += counts
        return _average_precision(counts)

    def result(self) -> float:
        """In [0, 1]; NaN if nothing is damaged."""
        return _average_precision(self._counts)


def _average_precision(counts: Array) -> float:
    """Of the numbers of positive and of negative pixels at each level."""
    hits, alarms = np.cumsum(counts[:, ::-1], axis=1)
    if not hits[-1]:
        return math.nan
    precision = hits / np.maximum(hits + alarms, 1)
    return float(np.sum(np.diff(hits, prepend=0) * precision) / hits[-1])
