"""Tinting: film dyed as a whole, or printed on coloured base."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._channels import scaled
from degrade.ops._drawn import choose
from degrade.ops._dyes import Dyed

Dye = Literal["amber", "yellow", "orange", "pink", "red", "green", "blue", "violet"]

DYES: dict[Dye, tuple[float, float, float]] = {
    "amber": (1.0, 0.78, 0.42),
    "yellow": (1.0, 0.92, 0.55),
    "orange": (1.0, 0.68, 0.38),
    "pink": (1.0, 0.72, 0.76),
    "red": (0.95, 0.40, 0.35),
    "green": (0.62, 0.90, 0.58),
    "blue": (0.50, 0.70, 1.0),
    "violet": (0.80, 0.64, 0.95),
}
"""White seen through the dye, in coded red, green and blue."""


class TintingParams(Params):
    """What was drawn."""

    white: tuple[float, float, float]
    """What white becomes."""


class Tinting(Dyed[TintingParams]):
    """All values times the colour of a dye: white takes on the colour, black stays black.

    Scenes had their colours: amber by day or lamplight, blue by night, red for fire, pink for dawn, green for
    woods. Meant for black-and-white pictures in three channels; see `black_and_white`. Grey clips stay as they
    are. Source: P. Read, M.-P. Meyer (eds.), Restoration of Motion Picture Film (2000), on tinting and toning.
    """

    dyes: Annotated[tuple[Dye, ...], Field(min_length=1)] = ("amber", "yellow", "orange", "pink", "green", "blue")
    """Dyes of which one is drawn per clip."""
    strength: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.4, 1.0)
    """0 for a dye that has faded altogether, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> TintingParams:
        """Draws dye and strength."""
        draw = rng.generator("dye")
        dye = DYES[choose(draw, self.dyes)]
        red, green, blue = np.power(dye, draw.uniform(*self.strength)).tolist()  # density in proportion
        return TintingParams(white=(red, green, blue))

    def colour(self, frame: Array, params: TintingParams) -> Array:
        """A frame, tinted; see `Dyed.colour`."""
        return scaled(frame, params.white)
