"""Tape noise: fine streaks in luma and coarse blotches in chroma, independent in every frame."""

from typing import Annotated, ClassVar

import cv2
import numpy as np

from degrade.core.color import add_chroma
from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, at, normal
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._blur import even_borders
from degrade.ops._channels import for_channels

LUMA_SIGMA, CHROMA_SIGMA = 0.0011, 0.0084
"""Along the lines, in frame heights: of a Gaussian band 3 dB down at 3 MHz, VHS's luma, and 0.4 MHz, its colour."""
CHROMA_LINES = 0.003
"""Sigma of the colour noise down the frame: comb filters average neighbouring lines."""


class TapeNoiseParams(Params):
    """What was drawn."""

    luma: float
    """Standard deviation, of 255."""
    chroma: float
    """The same, of both colour differences."""
    key: int
    """Of the pixels."""


class TapeNoise(Op[TapeNoiseParams]):
    """Normal noise as wide in frequency as the tape's luma and colour are, so that it runs along the lines.

    Luma noise is independent between lines; colour noise, of R - Y and B - Y, is longer, reaches over a few
    lines, and leaves grey clips alone.
    """

    family: ClassVar[Family] = "quality"

    luma: Annotated[Interval, Within(0, 100, "of 255"), Neutral(0)] = (2.0, 7.0)
    """Standard deviation of the luma noise in 8-bit levels, drawn per clip."""
    chroma: Annotated[Interval, Within(0, 100, "of 255"), Neutral(0)] = (2.0, 9.0)
    """The same of the colour noise."""

    def sample(self, info: ClipInfo, rng: Stream) -> TapeNoiseParams:
        """Draws both strengths."""
        draw = rng.generator("noise")
        return TapeNoiseParams(
            luma=float(draw.uniform(*self.luma)), chroma=float(draw.uniform(*self.chroma)), key=rng.key("pixels")
        )

    def render_frame(self, frame: Array, params: TapeNoiseParams, t: int) -> Array:
        """Frame t with noise."""
        (height, width, channels), draw = frame.shape, at(params.key, t)
        noise = streaks(normal(draw, (height, width)), LUMA_SIGMA * height, 0)
        noisy = clipped(frame + for_channels(np.float32(params.luma / 255) * noise, channels))
        if channels == 1:
            return noisy
        colour = normal(draw, (height, width, 2))
        colour = streaks(colour, CHROMA_SIGMA * height, CHROMA_LINES * height)
        return add_chroma(noisy, np.float32(params.chroma / 255) * colour)


def streaks(white: Array, along: float, down: float) -> Array:
    """White noise (H, W, …) blurred, its variance kept.

    Args:
        white: Independent, of unit variance.
        along: Sigma along the lines, in pixels.
        down: Sigma down the frame.
    """
    sides = [(2 * int(4 * sigma + 1) + 1, max(sigma, 0.1)) for sigma in (along, down)]
    kernels = [cv2.getGaussianKernel(side, sigma, cv2.CV_32F) for side, sigma in sides]
    across, upright = (kernel / np.linalg.norm(kernel) for kernel in kernels)
    noise = cv2.sepFilter2D(white, -1, across, upright, borderType=cv2.BORDER_REFLECT)
    return even_borders(noise, down, along, cv2.BORDER_REFLECT)
