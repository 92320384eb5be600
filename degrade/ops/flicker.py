"""Film flicker: exposure that varies from frame to frame."""

from typing import Annotated, ClassVar

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._packing import short_floats


class FlickerParams(Params):
    """What was drawn."""

    stops: tuple[float, ...]
    """Exposure of each frame."""


class Flicker(Op[FlickerParams]):
    """All values times 2^e, clipped at white; e, in stops, is an Ornstein–Uhlenbeck process over the frames.

    Stops are of the coded values, as an instrument reads them off a scan; one of them is about 2.2 stops of light.
    A hand-cranked camera or an uneven shutter gives nearly independent frames (correlation of 0 to 2),
    a drifting lamp or developer a slow wave (tens of frames).
    """

    family: ClassVar[Family] = "exposure"

    std: Annotated[Interval, Within(0, 3, "stops"), Neutral(0)] = (0.03, 0.15)
    """Standard deviation of the exposure, drawn per clip."""
    correlation: Annotated[Interval, Within(0, 10_000, "frames")] = (0.0, 6.0)
    """Frames after which the autocorrelation has fallen to 1/e, drawn per clip; 0 for independent frames."""

    def sample(self, info: ClipInfo, rng: Stream) -> FlickerParams:
        """Draws strength and correlation, then the track."""
        draw = rng.generator("track")
        std, correlation = draw.uniform(*self.std), draw.uniform(*self.correlation)
        return FlickerParams(stops=short_floats(std * ornstein_uhlenbeck(draw, info.frames, correlation)))

    def render_frame(self, frame: Array, params: FlickerParams, t: int) -> Array:
        """Frame t, exposed."""
        return clipped(frame * np.float32(2 ** params.stops[t]))
