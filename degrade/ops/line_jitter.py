"""Line jitter: time-base errors of tape, by which every line starts early or late."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, at, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Layer, Params
from degrade.ops._geometry import sideways
from degrade.ops._packing import short_floats

FLAG = 0.06
"""Frame heights down which the bend at the top falls to 1/e."""


class LineJitterParams(Params):
    """What was drawn."""

    jitter: float
    """Standard deviation of a line's own shift, in frame heights."""
    wave: float
    """Standard deviation of the slow one."""
    length: float
    """Distance down which the slow one's autocorrelation falls to 1/e, in frame heights."""
    bend: tuple[float, ...]
    """Shift of the uppermost line, per frame."""
    key: int
    """Of the lines' shifts."""


class LineJitter(Op[LineJitterParams]):
    """Each line shifted sideways: at random, in slow waves down the frame, and bent at the top (flagging).

    The waves are an Ornstein–Uhlenbeck process over the lines, new in every frame; the bend drifts from frame
    to frame. A time base corrector would have taken it out. Bilinear, the border repeated; masks of what is
    in the picture already, and targets that are to stay aligned, move in just the same way.
    """

    family: ClassVar[Family] = "transport"

    jitter: Annotated[Interval, Within(0, 0.1, "frame heights"), Neutral(0)] = (0.0003, 0.0012)
    """Standard deviation of each line's own shift, drawn per clip."""
    wave: Annotated[Interval, Within(0, 0.1, "frame heights"), Neutral(0)] = (0.0003, 0.002)
    """Standard deviation of the waves, drawn per clip."""
    length: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Distance down which the waves' autocorrelation falls to 1/e, in frame heights."""
    bend: Annotated[Interval, Within(0, 0.3, "frame heights"), Neutral(0)] = (0.0, 0.02)
    """Standard deviation of the uppermost line's shift over the frames, drawn per clip."""
    correlation: Annotated[Interval, Within(0, 10_000, "frames")] = (5.0, 40.0)
    """Frames after which the bend's autocorrelation has fallen to 1/e, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> LineJitterParams:
        """Draws the strengths, then the track of the bend."""
        draw = rng.generator("lines")
        jitter, wave, bend = (float(draw.uniform(*most)) for most in (self.jitter, self.wave, self.bend))
        track = bend * ornstein_uhlenbeck(draw, info.frames, draw.uniform(*self.correlation))
        return LineJitterParams(
            jitter=jitter, wave=wave, length=self.length, bend=short_floats(track), key=rng.key("lines")
        )

    def render(self, frames: Array, params: LineJitterParams, start: int) -> Layer:
        """See `Op.render`."""
        return Layer(self.move(frames, params, start), {})

    def move(self, frames: Array, params: LineJitterParams, start: int) -> Array:
        """See `Op.move`."""
        out = np.empty_like(frames)
        for i, frame in enumerate(frames):
            out[i] = sideways(frame, shifts(len(frame), params, start + i))
        return out


def shifts(height: int, params: LineJitterParams, t: int) -> Array:
    """How far each line of frame t moves to the right, in pixels, (height,) float32."""
    draw = at(params.key, t)
    shift = params.jitter * draw.standard_normal(height)
    shift += params.wave * ornstein_uhlenbeck(draw, height, params.length * height)
    shift += params.bend[t] * np.exp(-np.arange(height) / (FLAG * height))
    return (shift * height).astype(np.float32)
