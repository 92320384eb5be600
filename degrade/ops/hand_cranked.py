"""Hand-cranked speed: a camera run by hand, shown at a constant rate."""

from typing import Annotated

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import ClipInfo
from degrade.ops._mixed import Retimed, RetimedParams

TURN = 8
"""Frames that one turn of the crank exposes."""


class HandCranked(Retimed[RetimedParams]):
    """Movement that hastens and drags: frames of the clip are left out and shown twice as the speed varies.

    The speed drifts (an Ornstein–Uhlenbeck process) and swings with each turn of the crank, eight frames on
    35 mm. The clip keeps its length, so on average it runs at most at its own speed. A target that is to
    stay aligned is the frame shown.
    """

    speed: Annotated[Interval, Within(0.1, 1), Neutral(1)] = (0.67, 1.0)
    """Mean speed relative to the clip's, drawn per clip; 0.67 is 16 frames a second, stretched to 24."""
    drift: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.05, 0.25)
    """Standard deviation of the logarithm of the speed, drawn per clip."""
    correlation: Annotated[Interval, Within(0, 10_000, "frames")] = (8.0, 48.0)
    """Frames after which the drift's autocorrelation has fallen to 1/e, drawn per clip."""
    swing: Annotated[Interval, Within(0, 0.9), Neutral(0)] = (0.0, 0.2)
    """How much the speed swings with each turn, as a share of it, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> RetimedParams:
        """Draws the speed from frame to frame."""
        draw, steps = rng.generator("speed"), info.frames - 1
        drift, correlation = draw.uniform(*self.drift), draw.uniform(*self.correlation)
        turn = 2 * np.pi * (draw.random() + np.arange(steps) / TURN)
        speed = np.exp(drift * ornstein_uhlenbeck(draw, steps, correlation)) if steps else np.ones(0)
        speed *= 1 + draw.uniform(*self.swing) * np.sin(turn)
        at = np.cumsum([0, *(speed / max(speed.mean(), 1e-9) if steps else ())]) * draw.uniform(*self.speed)
        return RetimedParams(shown=tuple(np.minimum(np.rint(at), steps).astype(int).tolist()))
