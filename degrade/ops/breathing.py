"""Focus breathing: film that does not lie flat in the gate drifts in and out of focus."""

from typing import Annotated

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._blur import REACH, Blur, gaussian
from degrade.ops._packing import short_floats


class BreathingParams(Params):
    """What was drawn."""

    defocus_px: tuple[float, ...]
    """Sigma of each frame; negative where the film lies before the focus."""


class Breathing(Blur[BreathingParams]):
    """Gaussian blur whose sigma follows the film's distance from the focus: an Ornstein–Uhlenbeck process.

    The blur is the same before and behind the focus, so it comes and goes twice as the film moves through.
    Mirrored at the border, as `gaussian_blur`.
    """

    sigma: Annotated[Interval, Within(0, REACH / 4, "frame heights"), Neutral(0)] = (0.001, 0.003)
    """Root mean square of the blur's standard deviation, drawn per clip."""
    correlation: Annotated[Interval, Within(0, 10_000, "frames")] = (2.0, 20.0)
    """Frames after which the autocorrelation has fallen to 1/e, drawn per clip; 0 for independent frames."""

    def sample(self, info: ClipInfo, rng: Stream) -> BreathingParams:
        """Draws strength and correlation, then the track."""
        draw = rng.generator("track")
        sigma, correlation = info.height * draw.uniform(*self.sigma), draw.uniform(*self.correlation)
        return BreathingParams(defocus_px=short_floats(sigma * ornstein_uhlenbeck(draw, info.frames, correlation)))

    def render_frame(self, frame: Array, params: BreathingParams, t: int) -> Array:
        """Frame t, as sharp as it is."""
        return gaussian(frame, abs(params.defocus_px[t]))
