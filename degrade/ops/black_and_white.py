"""Black-and-white stock: spectral sensitivity."""

from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._channels import for_channels
from degrade.ops._drawn import choose
from degrade.ops._light import coded, light

Stock = Literal["blue", "orthochromatic", "panchromatic"]

WEIGHTS: dict[Stock, tuple[float, float, float]] = {
    "blue": (0.0, 0.06, 0.94),
    "orthochromatic": (0.03, 0.42, 0.55),
    "panchromatic": (0.27, 0.36, 0.37),
}
"""Shares of red, green and blue light in what the stock sees by daylight."""


class BlackAndWhiteParams(Params):
    """What was drawn."""

    weights: tuple[float, float, float]
    """Of red, green and blue light; their sum is 1."""


class BlackAndWhite(Op[BlackAndWhiteParams]):
    """A colour picture as black-and-white stock takes it: a weighted sum of red, green and blue light.

    Plain emulsions see blue and violet alone; orthochromatic ones, the film of the silent era, also green and
    yellow, so that lips and red cloth are black and a blue sky is white; panchromatic film, usual from the late
    1920s, sees red as well, and blue more than the eye does. All three channels are alike then, and in an aligned
    ground truth as well; grey clips stay as they are. Source: C. E. K. Mees, The Theory of the Photographic
    Process (1942), on spectral sensitising.
    """

    family: ClassVar[Family] = "exposure"

    stocks: Annotated[tuple[Stock, ...], Field(min_length=1)] = ("orthochromatic", "panchromatic")
    """Stocks of which one is drawn per clip."""
    yellow_filter: Annotated[Interval, Within(0, 1)] = (0.0, 0.2)
    """Share of the blue light that a yellow filter before the lens holds back, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> BlackAndWhiteParams:
        """Draws the stock and the filter."""
        draw = rng.generator("stock")
        stock = choose(draw, self.stocks)
        red, green, blue = WEIGHTS[stock]
        blue *= 1 - draw.uniform(*self.yellow_filter)
        total = red + green + blue
        return BlackAndWhiteParams(weights=(red / total, green / total, blue / total))

    def render_frame(self, frame: Array, params: BlackAndWhiteParams, t: int) -> Array:
        """Frame t in black and white."""
        if frame.shape[-1] == 1:
            return frame
        seen = cv2.transform(light(frame), np.array([params.weights], np.float32))
        return for_channels(coded(seen), 3)

    def target(self, frames: Array, params: BlackAndWhiteParams, start: int) -> Array:
        """In black and white, too: colours that the stock never saw are no damage."""
        return self.render(frames, params, start).frames
