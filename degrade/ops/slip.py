"""Slip: the film loses its register in the gate for a while."""

from typing import Annotated

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops._events import arrivals, covering, visible
from degrade.ops._strip import Strip, StripParams, strip


class Slip(Strip):
    """Frames that are abruptly shown too high or too low, with a part of the frame before or after.

    Masks and aligned targets slip with the picture; the frame line is in no mask.
    """

    slipped: Annotated[Interval, Within(0, 1)] = (0.02, 0.15)
    """Share of frames that are out of place, about; drawn per clip."""
    hold: Annotated[Interval, Within(1, 1000, "frames")] = (1.0, 8.0)
    """Frames until it falls back into place, drawn per slip."""
    amount: Annotated[Interval, Within(0, 0.5, "frames"), Neutral(0)] = (0.03, 0.4)
    """How far, up or down, drawn per slip."""
    line: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.015, 0.15)
    """Height of the black line between frames, drawn per clip: 35 mm film has 1.8% at full (silent) aperture and
    about 19% between Academy frames."""

    def sample(self, info: ClipInfo, rng: Stream) -> StripParams:
        """Draws when it slips, how far and for how long."""
        draw = rng.generator("slips")
        first, life = arrivals(draw, covering(draw.uniform(*self.slipped)), self.hold, info.frames)
        amount = draw.uniform(*self.amount, first.size) * draw.choice([-1, 1], first.size)
        y = np.zeros(info.frames)
        for start, count, far in zip(*visible(first, life, info.frames), amount, strict=True):
            y[start : start + count] = far
        return strip(y, draw.uniform(*self.line))
