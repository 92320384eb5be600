"""Whether a film is grey, dyed or in colour, and in which dye."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from degrade.core.color import LUMA
from degrade.measure import Film
from degrade.ops.tinting import DYES, Dye

ONE_COLOUR = 0.06
"""Variety of the ratios of channels up to which a film has one colour."""
UNLIKE = 0.12
"""Of a ratio of channel and luma, beyond which a dye is not that of the film."""
STRENGTHS = np.linspace(0, 1, 41)[1:]


@dataclass(frozen=True)
class Dyed:
    """A dye of `tinting`."""

    dye: Dye
    strength: float


def colour(film: Film) -> tuple[Literal["grey", "rgb"], Dyed | None]:
    """What the spec's `color` is, and the dye of a black-and-white film that is tinted."""
    white, variety = [film["tint"][name].value for name in ("red", "green", "blue")], film["tint"]["variety"].value
    if variety is None or None in white:
        return "grey", None
    if variety > ONE_COLOUR:
        return "rgb", None
    found = min((_apart(dye, float(strength), white), dye, float(strength)) for dye in DYES for strength in STRENGTHS)
    return "rgb", Dyed(found[1], round(found[2], 3)) if found[0] < UNLIKE else None


def _apart(dye: Dye, strength: float, white: list[float | None]) -> float:
    seen = np.power(DYES[dye], strength)
    return float(abs(seen / (seen @ LUMA) - np.array(white, float)).max())
