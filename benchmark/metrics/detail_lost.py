"""Detail lost: what a model smears."""

from typing import ClassVar

from degrade.benchmark.metrics._detail import detail
from degrade.benchmark.metrics.base import Frame, FrameMetric, Need


class DetailLost(FrameMetric):
    """How much of the energy of the target's fine detail is missing, percent.

    Detail is the luma less its blur by 2 pixels. In every window (Gaussian, 8 pixels) the prediction's is split by
    least squares into a share of the target's, a share of what the damage has added to the input, and a rest; what
    lacks from the whole of the first is lost, weighed by its energy. Frames without detail do not count.
    """

    label: ClassVar[str] = "detail lost"
    reference: ClassVar[str] = "least squares in every window; blurs, textures and noise of known share"
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 1
    needs: ClassVar[tuple[Need, ...]] = ("target", "input")

    def measure(self, frame: Frame) -> float:
        """In percent, or NaN."""
        return 100 * detail(frame).lost
