"""The contract of instruments: frames of a shot go in one by one, its statistics come out, many give the readings."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from degrade.core.types import Array
from degrade.measure._view import View

Stats = Mapping[str, Array]
"""What an instrument keeps of a shot: small arrays by name."""
Values = Mapping[str, float | str]
"""By quantity: its value, or why it could not be measured."""


class Quantity(NamedTuple):
    """What a reading is of."""

    unit: str
    """In words; empty for shares and ratios."""
    about: str
    """What it is, and of which field of which op it is an estimate."""


@dataclass(frozen=True)
class Reading:
    """The value of a quantity over a film."""

    value: float | None
    """In the quantity's unit; none if it could not be measured."""
    low: float | None = None
    """Lower end of the 95% interval, from a bootstrap over shots; none if there are fewer than three."""
    high: float | None = None
    """Upper end."""
    reason: str = ""
    """Why there is no value."""

    def text(self, interval: bool = True) -> str:
        """The value in three digits, with its interval if there is one and it is wanted."""
        if self.value is None:
            return "–"
        known = interval and self.low is not None
        return f"{self.value:.3g}" + (f" ({self.low:.3g} – {self.high:.3g})" if known else "")


class Instrument(ABC):
    """One property of film. An instance sees one shot; see `degrade.measure._film` for how shots become readings.

    A new instrument is one file in ``degrade/measure``, whose docstring says what it measures, in which unit,
    and how it is fooled.
    """

    quantities: ClassVar[Mapping[str, Quantity]]
    """What it reads, by name."""
    nothing: ClassVar[str] = "no shot to go by"
    """Why there is no reading where no shot gave any statistics."""

    @abstractmethod
    def see(self, view: View) -> None:
        """The next frame of the shot. What is kept of it must be small: a few numbers, never its pixels for long."""

    @abstractmethod
    def close(self) -> Stats | None:
        """The shot has ended: what is to be kept of it, or nothing if it had nothing to measure."""

    @classmethod
    @abstractmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """Every quantity over one or more shots."""
