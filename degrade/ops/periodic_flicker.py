"""Periodic flicker: a hand-cranked camera, or lamps on mains current."""

from typing import Annotated, ClassVar

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._packing import short_floats

RESTLESS = 8
"""Frames over which the amplitude changes."""


class PeriodicFlickerParams(Params):
    """What was drawn."""

    stops: tuple[float, ...]
    """Exposure of each frame."""


class PeriodicFlicker(Op[PeriodicFlickerParams]):
    """All values times 2^e, clipped at white; e, in stops, is a sine over the frames, more or less regular.

    A silent camera was cranked by hand at two turns a second and took eight frames a turn; as the hand slows
    over part of the turn the frames are exposed longer. Lamps on mains current flicker at 100 or 120 Hz; a
    frame rate that does not divide it shows the beat, of a few to some tens of frames.
    """

    family: ClassVar[Family] = "exposure"

    amplitude: Annotated[Interval, Within(0, 3, "stops"), Neutral(0)] = (0.05, 0.2)
    """Greatest exposure of a regular cycle, drawn per clip."""
    period: Annotated[Interval, Within(2, 10_000, "frames")] = (7.0, 9.0)
    """Length of a cycle, drawn per clip."""
    drift: Annotated[Interval, Within(0, 1, "cycles")] = (0.0, 0.02)
    """By how much a frame's phase strays, as a random walk: standard deviation of a step, drawn per clip."""
    unevenness: Annotated[Interval, Within(0, 1)] = (0.0, 0.3)
    """Standard deviation of the amplitude, as a share of it, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> PeriodicFlickerParams:
        """Draws the cycle, then the track."""
        draw, frames = rng.generator("track"), info.frames
        amplitude, period = draw.uniform(*self.amplitude), draw.uniform(*self.period)
        drift, unevenness = draw.uniform(*self.drift), draw.uniform(*self.unevenness)
        cycles = draw.random() + np.arange(frames) / period + drift * np.cumsum(draw.standard_normal(frames))
        strength = 1 + unevenness * ornstein_uhlenbeck(draw, frames, RESTLESS)
        return PeriodicFlickerParams(stops=short_floats(amplitude * strength * np.sin(2 * np.pi * cycles)))

    def render_frame(self, frame: Array, params: PeriodicFlickerParams, t: int) -> Array:
        """Frame t, exposed."""
        return np.minimum(frame * np.float32(2 ** params.stops[t]), 1)
