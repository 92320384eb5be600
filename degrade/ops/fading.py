"""Fading: bleached silver, and dyes that fade at different rates."""

from typing import Annotated, ClassVar

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._light import scale_density


class FadingParams(Params):
    """What was drawn: the share of the density that is left, as red, green and blue light see it."""

    kept: tuple[float, float, float]
    """By layer: cyan, magenta, yellow."""
    kept_silver: float
    """Of a grey clip."""


class Fading(Op[FadingParams]):
    """Each layer's density shrinks to a share of what it was: contrast goes, black turns into a colour.

    In the dark the cyan dye of the chromogenic prints of 1950 to 1982 went first, then the yellow, while the
    magenta stayed: the picture turns pink and red. Grey clips lose what all layers have lost. Source:
    H. Wilhelm, The Permanence and Care of Color Photographs (1993), chapter 9.
    """

    family: ClassVar[Family] = "exposure"

    density: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.05, 0.25)
    """Share that all layers, or the silver, have lost, drawn per clip."""
    cyan: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.3, 0.65)
    """Share of what remains that the cyan dye has lost besides, drawn per clip; colour clips only, as all dyes."""
    magenta: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.0, 0.1)
    """The same of the magenta dye."""
    yellow: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.05, 0.3)
    """The same of the yellow dye."""

    def sample(self, info: ClipInfo, rng: Stream) -> FadingParams:
        """Draws the losses."""
        draw = rng.generator("losses")
        silver = 1 - draw.uniform(*self.density)
        cyan, magenta, yellow = (
            float(silver * (1 - draw.uniform(*loss))) for loss in (self.cyan, self.magenta, self.yellow)
        )
        return FadingParams(kept=(cyan, magenta, yellow), kept_silver=float(silver))

    def render_frame(self, frame: Array, params: FadingParams, t: int) -> Array:
        """Frame t, faded."""
        return scale_density(frame, params.kept if frame.shape[-1] == 3 else params.kept_silver)
