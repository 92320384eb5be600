"""Jumps: sudden displacement of the film in the gate when a splice passes."""

from typing import Annotated

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops._strip import Strip, StripParams, strip

BEFORE = 8
"""Frames before the clip whose jumps it may still feel."""


class Jump(Strip):
    """The film jumps up or down and swings back into place over a few frames, as when a splice goes through.

    Masks and aligned targets jump with the picture.
    """

    per_frame: Annotated[Interval, Within(0, 1, "jumps")] = (0.03, 0.15)
    """Mean number on a frame, drawn per clip."""
    amount: Annotated[Interval, Within(0, 0.5, "frames"), Neutral(0)] = (0.005, 0.06)
    """How far at first, drawn per jump."""
    settle: Annotated[Interval, Within(0, 100, "frames")] = (0.3, 1.5)
    """Frames after which a jump has fallen to 1/e, swinging to the other side with each; drawn per jump."""
    line: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.015, 0.15)
    """Height of the black line between frames, drawn per clip; see `slip`."""

    def sample(self, info: ClipInfo, rng: Stream) -> StripParams:
        """Draws when it jumps and how far."""
        draw, frames = rng.generator("jumps"), np.arange(info.frames)
        y, rate = np.zeros(info.frames), draw.uniform(*self.per_frame)
        for start in np.flatnonzero(draw.random(BEFORE + info.frames) < rate) - BEFORE:
            after = frames - start
            far = draw.uniform(*self.amount) * draw.choice([-1, 1]) * (after >= 0)
            y += far * (-1.0) ** after * np.exp(-np.maximum(after, 0) / max(draw.uniform(*self.settle), 1e-3))
        return strip(np.where(abs(y) < 1e-4, 0, y), draw.uniform(*self.line))
