"""Chroma bleed: colour of low bandwidth smears over edges to the right."""

import math
from typing import Annotated, ClassVar

import cv2
import numpy as np

from degrade.core.color import add_chroma, chroma
from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params


class ChromaBleedParams(Params):
    """What was drawn."""

    sigma_px: float
    """Of the blur."""
    smear_px: float
    """Length of the tail."""


class ChromaBleed(Op[ChromaBleedParams]):
    """Colour difference blurred along the lines: a Gaussian, and a tail to the right that falls exponentially.

    VHS keeps colour up to about 0.4 MHz, some 30 lines of horizontal resolution where its luma has 240. A
    Gaussian that is 3 dB down at f cycles per frame height has a sigma of 0.1325 / f heights: 0.0084 for
    0.4 MHz. Luma stays; grey clips have no colour to bleed.
    """

    family: ClassVar[Family] = "quality"
    carries_exactly: ClassVar[bool] = False  # colour runs beyond the alpha

    sigma: Annotated[Interval, Within(0, 0.1, "frame heights"), Neutral(0)] = (0.006, 0.012)
    """Standard deviation of the blur, drawn per clip."""
    smear: Annotated[Interval, Within(0, 0.1, "frame heights"), Neutral(0)] = (0.004, 0.02)
    """Distance in which the tail falls to 1/e, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> ChromaBleedParams:
        """Draws blur and tail."""
        draw = rng.generator("bleed")
        sigma, smear = draw.uniform(*self.sigma), draw.uniform(*self.smear)
        return ChromaBleedParams(sigma_px=float(info.height * sigma), smear_px=float(info.height * smear))

    def render_frame(self, frame: Array, params: ChromaBleedParams, t: int) -> Array:
        """Frame t, its colour run."""
        if frame.shape[-1] == 1:
            return frame
        colour = chroma(frame)
        weights = kernel(params.sigma_px, params.smear_px)[None, ::-1]  # OpenCV correlates
        bled = cv2.filter2D(colour, -1, weights, borderType=cv2.BORDER_REPLICATE)
        return add_chroma(frame, bled - colour)


def kernel(sigma: float, smear: float) -> Array:
    """Impulse response of the blur and the tail, odd in length, time zero in its middle, that sums to 1.

    Args:
        sigma: Of the Gaussian, in pixels.
        smear: Of the exponential, in pixels.
    """
    radius = math.ceil(4 * sigma + 5 * smear)
    at = np.arange(-radius, radius + 1)
    gauss = np.exp(-(at**2) / (2 * max(sigma, 0.1) ** 2))
    tail = np.where(at >= 0, np.exp(-at / max(smear, 0.05)), 0)
    weights = np.convolve(gauss, tail, mode="same")
    return (weights / weights.sum()).astype(np.float32)
