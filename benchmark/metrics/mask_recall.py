"""Recall of a model's own damage mask at a fixed rate of false alarms."""

import math
from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics._detection import DetectionMetric
from degrade.core.types import Array

ALARMS = 0.001
"""False alarms that are allowed, per sound pixel."""


class MaskRecall(DetectionMetric):
    """Share of the damaged pixels that a model's mask finds, at the threshold that one sound pixel in 1,000 passes.

    Kinds of damage that cover more or less of a frame can be compared by it, unlike by average precision. Positive are
    pixels whose damage shows (alpha above 0.1), negative are those without any. Between two of 4,096 thresholds the
    share is interpolated.
    """

    label: ClassVar[str] = "mask recall"
    reference: ClassVar[str] = "the definition, on masks of known values"

    @staticmethod
    def value(counts: Array) -> float:
        """See `DetectionMetric.value`."""
        hits, alarms = np.cumsum(counts[:, ::-1], axis=1)
        if not hits[-1] or not alarms[-1]:
            return math.nan
        rates = np.concatenate(([0], alarms / alarms[-1]))
        return float(np.interp(ALARMS, rates, np.concatenate(([0], hits / hits[-1]))))
