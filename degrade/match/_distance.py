"""How far a render is from its film, by each instrument, and what did not match."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from degrade.match._knobs import Part
from degrade.match._ways import Ratio, Share, Way
from degrade.measure import Film

NEAR = 1.25
"""Factor up to which two readings are the same."""
BESIDE: Sequence[tuple[str, str, Way]] = [
    ("tone", "clipped", Share()),
    ("softness", "edge_px", Ratio()),
    ("grain", "clump", Ratio()),
    ("dust", "elongation", Ratio()),
    ("dust", "out_of_focus", Share()),
    ("blocks", "across", Share()),
    ("blocks", "down", Share()),
    ("blocks", "combing", Share()),
]
"""Readings that no parameter is set by."""
UNKNOWN = "hair, dirt, gate_hair: no instrument reads them; they are as in film-medium"


@dataclass(frozen=True)
class Row:
    """A reading of a film beside that of the clean footage and of the render."""

    instrument: str
    quantity: str
    unit: str
    film: float
    clean: float | None
    made: float | None
    off: float | None
    """Factor between film and render, 1 or more; of shares 1 and the difference. None: the render tells nothing."""
    set: bool
    """Whether a parameter of the spec was set by it."""
    held: bool
    """Whether that was not corrected: what short clips tell of it is less sure than the film."""


def compared(parts: Sequence[Part], film: Film, clean: Film, made: Film) -> list[Row]:
    """All readings that the film tells, those that parameters are set by first."""
    known = {(part.instrument, quantity): (part.way, part.held) for part in parts for quantity in part.keys.values()}
    beside = {(instrument, quantity): (way, False) for instrument, quantity, way in BESIDE}
    rows = []
    for (instrument, quantity), (way, held) in (known | beside).items():
        values = [one[instrument][quantity].value for one in (film, clean, made)]
        wanted, own, got = values
        if wanted is None:
            continue
        off = None if got is None else way.off(wanted, got)
        unit = film.units[instrument][quantity].unit
        rows.append(Row(instrument, quantity, unit, wanted, own, got, off, (instrument, quantity) in known, held))
    return rows


def distances(rows: Sequence[Row]) -> dict[str, float]:
    """By instrument: the geometric mean of the factors of what was set and corrected, each at most ten."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.set and not row.held and row.off is not None:
            found.setdefault(row.instrument, []).append(math.log(min(row.off, 10)))
    return {instrument: float(np.exp(np.mean(logs))) for instrument, logs in found.items()}


def unmatched(parts: Sequence[Part], rows: Sequence[Row], film: Film) -> list[str]:
    """In words, what was not measured, what differs by more than a quarter, and what no instrument reads."""
    return [*_not_measured(parts, film), *_differing(rows), UNKNOWN]


def _not_measured(parts: Sequence[Part], film: Film) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for part in parts:
        for quantity in dict.fromkeys(part.keys.values()):
            if film[part.instrument][quantity].value is None:
                reasons.setdefault(f"{part.instrument}: {film[part.instrument][quantity].reason}", []).append(quantity)
    for reason, quantities in reasons.items():
        instrument, _, why = reason.partition(": ")
        yield f"{instrument} {', '.join(quantities)}: not measured: {why}"


def _differing(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        unit = f" {row.unit}" * bool(row.unit)
        if row.off is None:
            yield f"{row.instrument} {row.quantity}: {row.film:.3g}{unit} in the film, not told of the render"
        elif row.off > NEAR:
            made, why = row.made or 0.0, "; no parameter is set by it" if not row.set else ""
            why = "; set by the film alone" if row.held else why
            if row.clean is not None and row.set and made > row.film and row.clean >= row.film:
                why = f"; the clean footage alone has {row.clean:.3g}"
            yield f"{row.instrument} {row.quantity}: {row.film:.3g}{unit} in the film, {made:.3g} in the render{why}"
