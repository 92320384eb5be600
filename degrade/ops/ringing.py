"""Ringing: the limited bandwidth of tape, and the peaking that compensates for it, add echoes to edges."""

import math
from typing import Annotated, ClassVar

import cv2
import numpy as np

from degrade.core.color import luma
from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._channels import for_channels

LOBES = 4
"""Of the sinc, on either side."""


class RingingParams(Params):
    """What was drawn."""

    cutoff: float
    """Cycles per pixel."""
    peaking: float


class Ringing(Op[RingingParams]):
    """Luma cut off along the lines at a frequency, sharply, with the upper half of the band raised.

    The filter is a sinc of eight lobes, whose overshoot (Gibbs) and that of the peaking circuit make the
    bright and dark echoes beside upright edges. Horizontal resolution is given in lines as the trade does:
    black and white ones that fit side by side into a frame height; VHS has 240, S-VHS 400, broadcast 330.
    Colour stays.
    """

    family: ClassVar[Family] = "quality"

    resolution: Annotated[Interval, Within(20, unit="lines"), Neutral(math.inf)] = (200.0, 260.0)
    """Lines of horizontal resolution, drawn per clip; no less than the frame's height cuts nothing off."""
    peaking: Annotated[Interval, Within(0, 4), Neutral(0)] = (0.3, 1.2)
    """Gain of the upper half of the band, less 1, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> RingingParams:
        """Draws resolution and peaking."""
        draw = rng.generator("band")
        cutoff = draw.uniform(*self.resolution) / 2 / info.height
        return RingingParams(cutoff=float(min(cutoff, 0.5)), peaking=float(draw.uniform(*self.peaking)))

    def render_frame(self, frame: Array, params: RingingParams, t: int) -> Array:
        """Frame t with its echoes."""
        bright = luma(frame)
        change = _filtered(bright, kernel(params.cutoff, params.peaking)) - bright
        return clipped(frame + for_channels(change, frame.shape[2]))

    def carry(self, masks: Array, params: RingingParams, start: int) -> Array:
        """As wide as the echoes; see `Op.carry`."""
        weights = abs(kernel(params.cutoff, params.peaking))
        return np.minimum(np.stack([_filtered(mask, weights) for mask in masks[..., 0]])[..., None], 1)


def _filtered(picture: Array, weights: Array) -> Array:
    return cv2.filter2D(picture, -1, weights[None], borderType=cv2.BORDER_REPLICATE)


def kernel(cutoff: float, peaking: float) -> Array:
    """Weights of the filter, symmetric, odd in number, that sum to 1.

    Args:
        cutoff: In cycles per pixel, at most 0.5, where nothing is cut off.
        peaking: Gain above half the cutoff, less 1.
    """
    at = np.arange(-math.ceil(LOBES / cutoff), math.ceil(LOBES / cutoff) + 1)

    def low_pass(frequency: float) -> Array:
        weights = np.where(abs(at) < LOBES / (2 * frequency), np.sinc(2 * frequency * at), 0)
        return np.asarray(weights / weights.sum())

    return ((1 + peaking) * low_pass(cutoff) - peaking * low_pass(cutoff / 2)).astype(np.float32)
