"""False repair: sound pixels that a model changes for all to see."""

from typing import ClassVar

from degrade.benchmark.metrics._pixels import SoundChange
from degrade.core.types import Array

SEEN = 10 / 255
"""A change that is seen."""


class FalseRepair(SoundChange):
    """Share of the sound pixels that change by more than 10 of 255 levels, percent.

    Sound is a pixel that no contaminant touched and that differs from its target by one 8-bit level at most. Beside
    `over_correction`, their mean change, it tells few large changes (content taken for damage) from many small ones
    (softened grain). Frames without sound pixels do not count.
    """

    label: ClassVar[str] = "false repair"
    reference: ClassVar[str] = "changes of known size"
    unit: ClassVar[str] = "%"
    bounds: ClassVar[tuple[float, float]] = (0, 100)

    @staticmethod
    def value(change: Array) -> float:
        """Percent."""
        return 100 * float((change.max(-1) > SEEN).mean())
