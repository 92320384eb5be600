"""Fog: grains developed without exposure, caused by age, heat or exhausted chemicals."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._channels import scaled
from degrade.ops._drawn import choose
from degrade.ops._light import GAMMA

Film = Literal["negative", "print"]

NEGATIVE_RANGE = 3.0
"""Density that a negative has at most."""


class BaseFogParams(Params):
    """What was drawn."""

    density: float
    yellow: float
    film: Film


class BaseFog(Op[BaseFogParams]):
    """A veil over the whole frame: fog on the negative lifts the blacks, fog on the print dims the whites.

    Fog fills up what the image has left free: a value I of a fogged negative prints as I + f·(1 - I), with f the
    share of its range, a third of the density; a fogged print has fog's density where it is clear and none
    where it is black. Old base and gelatine are yellow: blue light then loses more than green, and red less;
    grey clips have the density alone.
    """

    family: ClassVar[Family] = "exposure"

    density: Annotated[Interval, Within(0, 2), Neutral(0)] = (0.05, 0.35)
    """Density of the fog, drawn per clip."""
    yellow: Annotated[Interval, Within(0, 1)] = (0.0, 0.4)
    """How much denser it is to blue light, and thinner to red, as a share, drawn per clip."""
    films: Annotated[tuple[Film, ...], Field(min_length=1)] = ("negative", "print")
    """Which film is fogged, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> BaseFogParams:
        """Draws density, colour and film."""
        draw = rng.generator("fog")
        return BaseFogParams(
            density=float(draw.uniform(*self.density)),
            yellow=float(draw.uniform(*self.yellow)),
            film=choose(draw, self.films),
        )

    def render_frame(self, frame: Array, params: BaseFogParams, t: int) -> Array:
        """Frame t behind its fog."""
        shift = 1 + params.yellow * np.array([-1.0, 0, 1]) if frame.shape[-1] == 3 else np.ones(1)
        if params.film == "negative":
            fogged = scaled(1 - frame, np.minimum(params.density / NEGATIVE_RANGE * shift[::-1], 1))
            fogged += frame
        else:
            fogged = scaled(frame, 10 ** (-params.density / GAMMA * shift) - 1)
            fogged += 1
            fogged *= frame
        return fogged
