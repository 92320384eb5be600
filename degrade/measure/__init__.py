"""Instruments that read the damage of a film off its frames, one file each.

Example:
    >>> from degrade.measure import measure
    >>> film = measure("builtin:stills?count=1&frames=4&height=64&width=96", ["tone"])
    >>> 0 < film["tone"]["level"].value < 1
    True
"""

from degrade.measure._against import Against, Verdict, against, against_all
from degrade.measure._beside import Apart, apart, rows, to_json
from degrade.measure._cutting import cuts
from degrade.measure._film import Film, measure, measure_all, registry
from degrade.measure.base import Instrument, Quantity, Reading

__all__ = [
    "Against",
    "Apart",
    "Film",
    "Instrument",
    "Quantity",
    "Reading",
    "Verdict",
    "against",
    "against_all",
    "apart",
    "cuts",
    "measure",
    "measure_all",
    "registry",
    "rows",
    "to_json",
]
