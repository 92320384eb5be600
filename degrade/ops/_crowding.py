"""How much of a frame defects may cover: values that would take minutes a frame are refused where they are read."""

import math

from degrade.core.errors import SpecError
from degrade.core.fields import Interval

MOST = 100
"""Square frame heights that one op may cover of a frame, one defect upon another."""


def check_crowding(name: str, count: Interval, area: float) -> None:
    """Refuses more defects of a size than can be painted in about a second.

    Args:
        name: Of the parameter that says how many a frame has.
        count: Its value.
        area: Mean area of a defect in square frame heights; what lies beyond the frame does not count.

    Raises:
        SpecError: They would cover more than `MOST`.
    """
    covered = count[1] * min(area, 2)
    if covered > MOST:
        raise SpecError(
            f"up to {count[1]:g} of such a size cover {covered:.0f} square frame heights of a frame; at most {MOST}",
            name,
        )


def mean_square(median: Interval, spread: float, greatest: float) -> float:
    """Mean of the squares of log-normal sizes, see `log_normal`, at the greatest median."""
    return min(median[1] ** 2 * math.exp(2 * spread**2), greatest**2)
