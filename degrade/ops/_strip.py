"""The film as a strip of frames separated by frame lines, and a gate that may show any part of it."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from degrade.core.types import Array, Params
from degrade.ops._mixed import Mixed
from degrade.ops._packing import short_floats


class StripParams(Params):
    """What was drawn."""

    y: tuple[float, ...]
    """How far down the film lies in the gate, per frame; 1 is the distance from one frame to the next."""
    line: float
    """Height of the black line between frames, in frame heights."""


class Strip(Mixed[StripParams]):
    """Moves the film up or down in the gate, so that the line between frames and a part of the neighbour show.

    The next frame follows below. Beyond the ends of the clip its first and last frame are repeated. Bicubic.
    """

    def sources(self, params: StripParams, t: int) -> tuple[int, ...]:
        """See `Mixed.sources`: the upper frame in the gate, and the lower one."""
        above, last = math.floor(t - params.y[t]), len(params.y) - 1
        if params.y[t] == round(params.y[t]):
            return (min(max(above, 0), last),)
        return min(max(above, 0), last), min(max(above + 1, 0), last)

    def mix(self, frames: Sequence[Array], params: StripParams, t: int) -> Array:
        """See `Mixed.mix`."""
        if len(frames) == 1:
            return frames[0]
        height, width, channels = frames[0].shape
        line = round(params.line * height)
        top = (-params.y[t] % 1) * (height + line)
        strip = np.concatenate((frames[0], np.zeros((line, width, channels), np.float32), frames[1]))
        first = max(0, math.floor(top) - 2)
        part = strip[first : math.ceil(top) + height + 2]
        matrix = np.array([[1, 0, 0], [0, 1, first - top]])
        moved = cv2.warpAffine(part, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return moved.reshape(frames[0].shape)


def strip(y: Array, line: float) -> StripParams:
    """Params as short numbers."""
    return StripParams(y=short_floats(y), line=round(line, 4))
