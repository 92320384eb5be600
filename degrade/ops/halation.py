"""Halation: light reflected by the film base exposes the emulsion a second time."""

import functools
import math
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._blur import gaussian
from degrade.ops._light import GAMMA, coded, light

RED = (1.0, 0.3, 0.06)
"""What comes back on colour film: the red-sensitive layer lies next to the base, the others behind filters."""
GREY = (1.0, 1.0, 1.0)
WIDE = 3
"""The wide part of the glow, reflected twice, is so much wider than the narrow one, and has a third of the light."""


class HalationParams(Params):
    """What was drawn."""

    sigma_px: float
    """Of the glow's narrow part."""
    strength: float
    threshold: float


class Halation(Op[HalationParams]):
    """A glow around highlights: red to orange on colour film, grey on black and white.

    Light above the threshold, spread by two Gaussians, is added to the light of the picture. Total reflection
    at the back of the base sets in at a distance of twice its thickness times tan 42°: 0.26 mm for the usual
    base of 0.14 mm, which is 0.014 frame heights on 35 mm, 0.03 on 16 mm and 0.07 on 8 mm; an antihalation
    layer takes most of it away. Source: Mees, The Theory of the Photographic Process (1942), on halation.
    """

    family: ClassVar[Family] = "quality"
    carries_exactly: ClassVar[bool] = False  # bright defects glow

    radius: Annotated[Interval, Within(0, 0.2, "frame heights")] = (0.006, 0.018)
    """Standard deviation of the glow's narrow part, drawn per clip."""
    strength: Annotated[Interval, Within(0, 2), Neutral(0)] = (0.05, 0.3)
    """Light of the glow, as a share of what lies above the threshold, drawn per clip."""
    threshold: Annotated[Interval, Within(0, 0.99)] = (0.6, 0.85)
    """Value above which light spreads, drawn per clip."""
    colour: Literal["red", "grey"] = "red"
    """Of the glow in colour clips."""

    def sample(self, info: ClipInfo, rng: Stream) -> HalationParams:
        """Draws the glow."""
        draw = rng.generator("glow")
        return HalationParams(
            sigma_px=float(info.height * draw.uniform(*self.radius)),
            strength=float(draw.uniform(*self.strength)),
            threshold=float(draw.uniform(*self.threshold)),
        )

    def render_frame(self, frame: Array, params: HalationParams, t: int) -> Array:
        """Frame t with its glow."""
        sigma, low = params.sigma_px, params.threshold**GAMMA
        brightest = functools.reduce(np.maximum, cv2.split(frame))
        bright = np.maximum(light(brightest) - np.float32(low), 0)
        bright *= np.float32(params.strength / (1 - low))
        glow = _spread(bright, sigma) * np.float32(2 / 3)
        glow += _spread(bright, WIDE * sigma) * np.float32(1 / 3)
        tint = RED if self.colour == "red" else GREY
        layers = cv2.merge([glow * np.float32(share) for share in tint[: frame.shape[-1]]])
        return coded(light(frame) + layers.reshape(frame.shape))


def _spread(bright: Array, sigma: float) -> Array:
    """Gaussian blur of (H, W), done on a reduction where sigma is so great that none can tell."""
    step = max(1, int(sigma / 6))
    own = step**2 / 4 if step > 1 else 0  # variance of averaging and of linear interpolation: 1/12 and 1/6
    height, width = bright.shape
    small = cv2.resize(bright, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    return cv2.resize(gaussian(small, math.sqrt(sigma**2 - own) / step), (width, height))
