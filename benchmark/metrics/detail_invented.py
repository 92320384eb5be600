"""Detail invented: what a model adds of its own."""

from typing import ClassVar

from degrade.benchmark.metrics._detail import detail
from degrade.benchmark.metrics.base import Frame, FrameMetric, Need


class DetailInvented(FrameMetric):
    """Energy of fine detail that is in neither the target nor the damage, percent of the target's.

    The rest of the split that `detail_lost` describes: texture that a model makes up, edges out of place, grain of
    other frames. Damage that is left does not count, nor what a blur takes away. Frames without detail do not count.
    """

    label: ClassVar[str] = "detail invented"
    reference: ClassVar[str] = "least squares in every window; blurs, textures and noise of known share"
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 1
    needs: ClassVar[tuple[Need, ...]] = ("target", "input")

    def measure(self, frame: Frame) -> float:
        """In percent, or NaN."""
        return 100 * detail(frame).invented
