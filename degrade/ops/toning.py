"""Toning: silver converted into a coloured compound."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._drawn import choose
from degrade.ops._dyes import Dyed
from degrade.ops._light import scale_density

Tone = Literal["sepia", "iron", "copper", "uranium", "vanadium"]

TONES: dict[Tone, tuple[float, float, float]] = {
    "sepia": (0.72, 0.95, 1.3),
    "iron": (1.45, 1.0, 0.6),
    "copper": (0.62, 1.05, 1.2),
    "uranium": (0.6, 1.0, 1.5),
    "vanadium": (1.2, 0.8, 1.15),
}
"""Density to red, green and blue light, relative to that of the silver: brown, blue, red, orange, green."""


class ToningParams(Params):
    """What was drawn."""

    factor: tuple[float, float, float]
    """Density relative to the silver's, as red, green and blue light see it."""


class Toning(Dyed[ToningParams]):
    """The densities of red, green and blue, each by its own factor: shadows take on a colour, white stays white.

    The silver is turned into ferric ferrocyanide (blue), copper ferrocyanide (red), silver sulphide (brown),
    or others. Meant for black-and-white pictures in three channels; see `black_and_white`. Grey clips stay as
    they are. Source: P. Read, M.-P. Meyer (eds.), Restoration of Motion Picture Film (2000), on tinting and
    toning.
    """

    tones: Annotated[tuple[Tone, ...], Field(min_length=1)] = ("sepia", "iron", "copper", "uranium", "vanadium")
    """Tones of which one is drawn per clip."""
    strength: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.4, 1.0)
    """Share of the silver that has been turned, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> ToningParams:
        """Draws tone and strength."""
        draw = rng.generator("tone")
        tone = np.array(TONES[choose(draw, self.tones)])
        red, green, blue = (1 + draw.uniform(*self.strength) * (tone - 1)).tolist()
        return ToningParams(factor=(red, green, blue))

    def colour(self, frame: Array, params: ToningParams) -> Array:
        """A frame, toned; see `Dyed.colour`."""
        return scale_density(frame, params.factor)
