"""Detail lost: what a model smears."""

from typing import ClassVar

from degrade.benchmark.metrics._detail import Detail, DetailMetric


class DetailLost(DetailMetric):
    """How much of the energy of the target's fine detail is missing, percent.

    Detail is the luma less its blur by 2 pixels. In every window (Gaussian, 8 pixels) the prediction's is split by
    least squares into a share of the target's, a share of what the damage has added to the input, and a rest; what
    lacks from the whole of the first is lost, weighed by its energy. Frames without detail do not count.
    """

    label: ClassVar[str] = "detail lost"

    @staticmethod
    def share(of: Detail) -> float:
        """That which is lost."""
        return of.lost
