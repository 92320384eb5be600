"""Average precision of a model's own damage mask."""

import math
from typing import ClassVar

import numpy as np

from degrade.benchmark.metrics._detection import DetectionMetric
from degrade.core.types import Array


class MaskAP(DetectionMetric):
    """Whether a model's mask finds the defects: average precision over all pixels of a clip.

    Precision is averaged over recall, Σ (R_n − R_{n−1})·P_n, over 4,096 thresholds. Positive are pixels whose damage
    shows (alpha above 0.1), negative are those without any; the faint rim between counts for neither.
    """

    label: ClassVar[str] = "mask AP"
    reference: ClassVar[str] = "the definition, threshold by threshold"

    @staticmethod
    def value(counts: Array) -> float:
        """See `DetectionMetric.value`."""
        hits, alarms = np.cumsum(counts[:, ::-1], axis=1)
        if not hits[-1]:
            return math.nan
        precision = hits / np.maximum(hits + alarms, 1)
        return float(np.sum(np.diff(hits, prepend=0) * precision) / hits[-1])
