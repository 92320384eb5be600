"""Films side by side: how far the readings of the others are from the first one's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from degrade.measure._film import Film
from degrade.measure.base import Reading


@dataclass(frozen=True)
class Apart:
    """How far a reading is from another."""

    factor: float | None
    """By which it is larger, or smaller, below 1; none where the sign differs, only one is 0, or one has no value."""
    overlap: bool | None
    """Whether the 95% intervals overlap; none where one has none."""

    def text(self) -> str:
        """As a table has it."""
        factor = "–" if self.factor is None else f"× {self.factor:.2f}"
        return factor + {None: "", True: " overlap", False: " apart"}[self.overlap]


def apart(first: Reading, other: Reading) -> Apart:
    """How far the other is from the first."""
    factor = None
    if first.value is not None and other.value is not None:
        if first.value == other.value:
            factor = 1.0
        elif first.value * other.value > 0:
            factor = other.value / first.value
    overlap = None
    if first.low is not None and first.high is not None and other.low is not None and other.high is not None:
        overlap = first.low <= other.high and other.low <= first.high
    return Apart(factor, overlap)


def rows(films: Sequence[Film]) -> list[list[str]]:
    """A table: instrument, quantity, the reading of each film, of all but the first how far it is off, and the unit."""
    out = []
    for instrument, quantities in films[0].units.items():
        for name, quantity in quantities.items():
            first, *others = (film[instrument][name] for film in films)
            cells = [_shown(first)]
            for other in others:
                cells += [_shown(other), apart(first, other).text()]
            out.append([instrument, name, *cells, quantity.unit])
    return out


def to_json(films: Mapping[str, Film]) -> dict[str, Any]:
    """By film, JSON-ready; the readings of all but the first with ``factor`` and ``overlap`` of `Apart`."""
    first, out = next(iter(films.values())), {}
    for name, film in films.items():
        out[name] = film.to_json()
        for instrument, readings in out[name]["readings"].items() if film is not first else ():
            for quantity, entry in readings.items():
                entry |= vars(apart(first[instrument][quantity], film[instrument][quantity]))
    return out


def _shown(reading: Reading) -> str:
    return f"– {reading.reason}" if reading.value is None else reading.text()
