"""Bit depth: too few levels, with or without dither."""

from typing import Annotated, ClassVar

import numpy as np

from degrade.core.fields import Interval, Neutral, Probability, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, at
from degrade.core.types import Array, ClipInfo, Params, clipped


class BitDepthParams(Params):
    """What was drawn."""

    bits: int
    dithered: bool
    key: int
    """Of the dither."""


class BitDepth(Op[BitDepthParams]):
    """Each value rounded to one of 2ⁿ levels, black and white among them.

    Dither is triangular noise of one level to either side, added before the rounding, by which the error's mean
    and variance no longer depend on the picture (Lipshitz, Wannamaker, Vanderkooy, J. Audio Eng. Soc. 40, 1992).
    """

    family: ClassVar[Family] = "quality"

    bits: Annotated[Interval, Within(1, 16, "bits"), Neutral(8)] = (4.0, 6.0)
    """Bits per channel, a whole number, drawn per clip; 8 is taken for clean."""
    dither: Probability = 0.3
    """Probability that the clip is dithered."""

    def sample(self, info: ClipInfo, rng: Stream) -> BitDepthParams:
        """Draws the number of bits, and whether there is dither."""
        draw, (low, high) = rng.generator("bits"), (round(bits) for bits in self.bits)
        bits = int(draw.integers(low, high, endpoint=True))
        return BitDepthParams(bits=bits, dithered=bool(draw.random() < self.dither), key=rng.key("dither"))

    def render_frame(self, frame: Array, params: BitDepthParams, t: int) -> Array:
        """Frame t, rounded."""
        steps = np.float32(2**params.bits - 1)
        levels = frame * steps
        if params.dithered:
            first, second = at(params.key, t).random((2, *frame.shape), np.float32)
            levels += first - second
        np.rint(levels, out=levels)
        levels *= 1 / steps
        return clipped(levels)
