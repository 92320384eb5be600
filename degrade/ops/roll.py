"""Roll: the picture slides through the gate with its frame lines after the film has lost its loop."""

from typing import Annotated

import numpy as np

from degrade.core.fields import Interval, Within
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops._events import arrivals, covering
from degrade.ops._strip import Strip, StripParams, strip


class Roll(Strip):
    """The picture rolls up or down, slowly at first and at last, by a whole number of frames.

    What leaves at one border comes in at the other, as the frame before, and time does not shift. Masks and
    aligned targets roll with the picture; the frame line is in no mask.
    """

    rolling: Annotated[Interval, Within(0, 1)] = (0.05, 0.3)
    """Share of frames during which it rolls, about; drawn per clip."""
    duration: Annotated[Interval, Within(2, 1000, "frames")] = (6.0, 36.0)
    """Of one roll."""
    speed: Annotated[Interval, Within(0, 0.5, "frames per frame")] = (0.03, 0.2)
    """Mean over a roll, which goes by one frame at least."""
    line: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.015, 0.15)
    """Height of the black line between frames, drawn per clip; see `slip`."""

    def sample(self, info: ClipInfo, rng: Stream) -> StripParams:
        """Draws when it rolls, how far and for how long."""
        draw, frames, y = rng.generator("rolls"), np.arange(info.frames), np.zeros(info.frames)
        first, life = arrivals(draw, covering(draw.uniform(*self.rolling)), self.duration, info.frames)
        turns = np.maximum(1, np.rint(draw.uniform(*self.speed, first.size) * life))
        turns *= draw.choice([-1, 1], first.size)
        for start, count, far in zip(first, life, turns, strict=True):
            done = np.clip((frames - start) / count, 0, 1)
            y += far * done**2 * (3 - 2 * done)
        return strip(y % 1, draw.uniform(*self.line))
