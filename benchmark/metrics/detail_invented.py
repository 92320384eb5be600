"""Detail invented: what a model adds of its own."""

from typing import ClassVar

from degrade.benchmark.metrics._detail import Detail, DetailMetric


class DetailInvented(DetailMetric):
    """Energy of fine detail that is in neither the target nor the damage, percent of the target's.

    The rest of the split that `detail_lost` describes: texture that a model makes up, edges out of place, grain of
    other frames. Damage that is left does not count, nor what a blur takes away. Frames without detail do not count.
    """

    label: ClassVar[str] = "detail invented"

    @staticmethod
    def share(of: Detail) -> float:
        """That which is invented."""
        return of.invented
