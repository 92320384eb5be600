"""What the blurs share."""

from typing import Literal

from degrade.core.errors import SpecError
from degrade.core.fields import Interval
from degrade.core.rng import Stream

Unit = Literal["height", "px"]

REACH = 0.1
"""Greatest standard deviation in frame heights."""


def check_reach(sigma: float, unit: Unit, where: str) -> None:
    """Refuses what leaves no picture, most often pixels taken for frame heights."""
    if unit == "height" and sigma > REACH:
        power = "²" if where == "variance" else ""
        most = REACH**2 if power else REACH
        raise SpecError(f"must not exceed {most:g} frame heights{power}; for pixels say unit: px", where)


def odd(sides: Interval | None, rng: Stream) -> int:
    """An odd kernel side out of a range, equally likely; 0 if there is no range."""
    if sides is None:
        return 0
    smallest, greatest = (int(side) // 2 for side in sides)
    return 2 * int(rng.generator("kernel").integers(smallest, greatest, endpoint=True)) + 1
