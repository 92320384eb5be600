"""Chroma shift: colour displaced from luma, further down with every tape generation."""

from typing import Annotated, ClassVar

import cv2
import numpy as np

from degrade.core.color import add_chroma, chroma
from degrade.core.fields import Interval, Neutral, Probability, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._packing import short_floats

UNREST = 3
"""Frames over which the shift changes."""


class ChromaShiftParams(Params):
    """What was drawn."""

    x_px: tuple[float, ...]
    """To the right, per frame."""
    y_px: float
    """Downwards."""


class ChromaShift(Op[ChromaShiftParams]):
    """Colour difference moved against the luma: to the right or left by a delay, down by the comb filters.

    On VHS the colour is recorded apart from the luma, below it in frequency, and passes other filters; each
    copy moves it down by a line or two. Luma stays; grey clips have no colour to shift.
    """

    family: ClassVar[Family] = "quality"
    carries_exactly: ClassVar[bool] = False  # colour slips off the alpha

    right: Annotated[Interval, Within(0, 0.1, "frame heights"), Neutral(0)] = (0.003, 0.012)
    """Distance to the right, or with `left` to the left, drawn per clip."""
    down: Annotated[Interval, Within(0, 0.1, "frame heights"), Neutral(0)] = (0.0, 0.008)
    """Distance downwards, drawn per clip; a line is 0.002."""
    left: Probability = 0.3
    """Probability that the shift is to the left."""
    unrest: Annotated[Interval, Within(0, 1)] = (0.0, 0.15)
    """Standard deviation of the horizontal shift over the frames, as a share of it, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> ChromaShiftParams:
        """Draws the shift, then its track."""
        draw = rng.generator("shift")
        right = info.height * draw.uniform(*self.right) * (-1 if draw.random() < self.left else 1)
        unrest = draw.uniform(*self.unrest) * ornstein_uhlenbeck(draw, info.frames, UNREST)
        return ChromaShiftParams(
            x_px=short_floats(right * (1 + unrest)), y_px=float(info.height * draw.uniform(*self.down))
        )

    def render_frame(self, frame: Array, params: ChromaShiftParams, t: int) -> Array:
        """Frame t, its colour shifted."""
        if frame.shape[-1] == 1:
            return frame
        colour = chroma(frame)
        matrix = np.array([[1, 0, params.x_px[t]], [0, 1, params.y_px]])
        size = frame.shape[1::-1]
        moved = cv2.warpAffine(colour, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return add_chroma(frame, moved - colour)
