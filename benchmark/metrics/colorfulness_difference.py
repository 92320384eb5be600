"""How much paler or gaudier than the target a prediction is."""

from typing import ClassVar

from degrade.benchmark.metrics._color import colorfulness
from degrade.benchmark.metrics.base import Frame, FrameMetric


class ColorfulnessDifference(FrameMetric):
    """Absolute difference of the colourfulness of prediction and target, per frame; the mean over frames.

    Colourfulness is √(σ_rg² + σ_yb²) + 0.3·√(μ_rg² + μ_yb²), rg = R − G and yb = (R + G)/2 − B, on levels of 255: 0 is
    grey, 33 moderate, 82 high. Source: Hasler and Süsstrunk, "Measuring colourfulness in natural images", Proc. SPIE
    5007, 2003.
    """

    label: ClassVar[str] = "|Δcolourfulness|"
    reference: ClassVar[str] = "published values of photographs, and two halves of pure colours"
    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 2
    color: ClassVar[bool] = True

    def measure(self, frame: Frame) -> float:
        """On the scale of colourfulness."""
        (target,) = frame.get("target")
        return abs(colorfulness(frame.prediction) - frame.once("colorfulness", lambda: colorfulness(target)))
