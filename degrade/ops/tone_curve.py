"""Tone curve: the characteristic curve of a print, with toe and shoulder."""

from typing import Annotated, ClassVar

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._light import power


class ToneCurveParams(Params):
    """What was drawn."""

    contrast: float
    middle: float


class ToneCurve(Op[ToneCurveParams]):
    """The odds of a value, I / (1 - I), to the power of the contrast: straight in the middle, flat at both ends.

    Black and white stay; duplicates of duplicates have ever more contrast, flat lighting or spent developer
    give less. The logistic curve is a usual fit of the S of Hurter and Driffield (J. Soc. Chem. Ind. 9, 1890).
    """

    family: ClassVar[Family] = "exposure"

    contrast: Annotated[Interval, Within(0.1, 5), Neutral(1)] = (0.7, 1.8)
    """Slope where it is steepest, drawn per clip; 1 changes nothing if `middle` is 0.5."""
    middle: Annotated[Interval, Within(0.05, 0.95), Neutral(0.5)] = (0.4, 0.6)
    """What 0.5 becomes, drawn per clip: below, a dark print, above, a light one."""

    def sample(self, info: ClipInfo, rng: Stream) -> ToneCurveParams:
        """Draws contrast and middle."""
        draw = rng.generator("curve")
        return ToneCurveParams(contrast=float(draw.uniform(*self.contrast)), middle=float(draw.uniform(*self.middle)))

    def render_frame(self, frame: Array, params: ToneCurveParams, t: int) -> Array:
        """Frame t through the curve."""
        against = 1 - frame
        with np.errstate(divide="ignore", over="ignore"):  # the odds against black have no end
            against /= frame
            against = power(against, params.contrast)
            against *= np.float32(1 / params.middle - 1)
        against += 1
        return np.divide(1, against, out=against)
