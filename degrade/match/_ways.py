"""How a parameter of an op follows from a reading, and how it is corrected by what its render reads."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from degrade.measure import Reading

FASTEST = 3.0
"""Factor by which corrections change a parameter at most."""
FURTHEST = 100.0
"""Factor between two readings that is told, at most."""
NARROWEST, UNTOLD, WIDEST = 0.1, 0.25, 0.6
"""Half of a range as a share of its middle: at least; where the film gave no interval; at most."""


class Way(ABC):
    """From a reading to a parameter. `own` is what the clean footage alone reads."""

    @abstractmethod
    def start(self, film: float, own: float) -> float:
        """The parameter at first; 0 for no damage."""

    @abstractmethod
    def turned(self, now: float, film: float, made: float, own: float, step: float) -> float:
        """The parameter after a render under `now` read `made`; `step` is the share of the correction that is made."""

    def off(self, film: float, made: float) -> float:
        """By which factor two readings differ, 1 or more."""
        return 1 + abs(made - film)

    def ends(self, value: float, reading: Reading, wide: float) -> tuple[float, float]:
        """The range about a value: as wide as the reading is uncertain, half of it `wide` of the value or more."""
        half = wide or UNTOLD
        if reading.low is not None and reading.high is not None and reading.value:
            away = max(reading.high - reading.value, reading.value - reading.low) / reading.value
            half = min(max(away, wide or NARROWEST), WIDEST)
        return value * (1 - half), value * (1 + half)


@dataclass(frozen=True)
class Ratio(Way):
    """In proportion, once what the footage has of its own is taken off."""

    scale: float = 1.0
    """Parameter over reading."""
    own: int = 0
    """0: the footage adds nothing; 1: it adds to it; 2: as squares."""
    least: float = 0.0
    """Readings below it are none."""

    def start(self, film: float, own: float) -> float:
        """See `Way.start`."""
        return self.scale * self._rest(film, own)

    def turned(self, now: float, film: float, made: float, own: float, step: float) -> float:
        """See `Way.turned`."""
        wanted, got = self._rest(film, own), self._rest(made, own)
        if not wanted or not now:
            return self.start(film, own)
        return now * min(max(wanted / max(got, 1e-9), 1 / FASTEST), FASTEST) ** step

    def off(self, film: float, made: float) -> float:
        """See `Way.off`."""
        low, high = sorted(max(value, self.least) for value in (film, made))
        return min(high / low, FURTHEST) if low > 0 else 1.0 if high == 0 else FURTHEST

    def _rest(self, value: float, own: float) -> float:
        power = max(self.own, 1)
        value, own = max(value, 0), max(own, 0) if self.own else 0
        return max(value**power - own**power, 0) ** (1 / power) if value > self.least else 0.0


@dataclass(frozen=True)
class Squares(Ratio):
    """One part of several whose squares add up, none of which is amplified."""

    own: int = 2

    def turned(self, now: float, film: float, made: float, own: float, step: float) -> float:
        """See `Way.turned`."""
        return max(now**2 + step * self.scale**2 * (film**2 - made**2), 0) ** 0.5


@dataclass(frozen=True)
class Shift(Way):
    """In proportion to what is more, or less, than in the footage."""

    scale: float = 1.0
    least: float = 0.0
    """Values below it are none."""

    def start(self, film: float, own: float) -> float:
        """See `Way.start`."""
        return self._some(self.scale * (film - own))

    def turned(self, now: float, film: float, made: float, own: float, step: float) -> float:
        """See `Way.turned`."""
        return self._some(now + step * self.scale * (film - made))

    def _some(self, value: float) -> float:
        return value if value >= self.least else 0.0


@dataclass(frozen=True)
class Share(Way):
    """A share is what it reads, corrected by the difference."""

    def start(self, film: float, own: float) -> float:
        """See `Way.start`."""
        return min(max(film, 0.0), 1.0)

    def turned(self, now: float, film: float, made: float, own: float, step: float) -> float:
        """See `Way.turned`."""
        return min(max(now + step * (film - made), 0.0), 1.0)


def trust(wanted: float, made: Reading) -> float:
    """Share of a difference that is more than chance, by the interval of what was rendered."""
    if made.value is None or made.low is None or made.high is None:
        return 1.0
    difference, chance = (wanted - made.value) ** 2, ((made.high - made.low) / 3.92) ** 2
    return difference / (difference + chance) if difference else 0.0
