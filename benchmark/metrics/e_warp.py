"""Warping error: temporal inconsistency along the motion."""

import math
from typing import ClassVar, Literal

import numpy as np

from degrade.benchmark.flow import sample
from degrade.benchmark.metrics.base import Frame, Need, PairMetric
from degrade.core.errors import SourceError


class EWarp(PairMetric):
    """Warping error of neighbouring frames, Σ M·‖O_t − warp(O_{t+1})‖² / Σ M, RGB in [0, 1], × 10³.

    The flow and the mask M of pixels that stay in sight come from the clean footage (`degrade.benchmark.flow`), the
    same for every model. The norm is over the three channels; a grey frame counts as three equal ones.
    Blur lowers it, so it is shown beside that of the damaged input and of the target. Pairs without a
    single visible pixel do not count.

    Source: Lai, Huang, Wang, Shechtman, Yumer, Yang, "Learning Blind Video Temporal Consistency", ECCV 2018.
    """

    label: ClassVar[str] = "E_warp"
    unit: ClassVar[str] = "10⁻³"
    higher_is_better: ClassVar[bool] = False
    needs: ClassVar[tuple[Need, ...]] = ("motion",)
    beside: ClassVar[tuple[Literal["input", "target"], ...]] = ("input", "target")

    def measure(self, before: Frame, frame: Frame) -> float:
        """× 10³, or NaN."""
        if frame.motion is None:
            raise SourceError("E_warp needs the motion between the frames, which is not given")
        seen = frame.motion.visible
        if not seen.any():
            return math.nan
        change = before.prediction[seen] - sample(frame.prediction, frame.motion)
        return 1000 * 3 * float(np.mean(np.square(change), dtype=np.float64))
