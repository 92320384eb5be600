"""Head switching: disturbance at the bottom of a tape's frames, where one head takes over from the other."""

from typing import Annotated

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, at, normal, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._geometry import sideways
from degrade.ops._packing import short_floats

UNREST = 2
"""Frames over which the band's edge and its shift change."""
NOISY = 0.35
"""Share of the band, from its upper edge, over which noise dies away."""


class HeadSwitchingParams(Params):
    """What was drawn, in frame heights."""

    band: tuple[float, ...]
    """Height of the band, per frame."""
    shift: tuple[float, ...]
    """To the right, at the bottom, per frame."""
    noise: float
    """Standard deviation at the band's upper edge, in full range."""
    key: int
    """Of the pixels."""


class HeadSwitching(Contaminant[HeadSwitchingParams]):
    """A band at the bottom whose lines are torn off sideways, more with each line, under a burst of noise.

    A VHS recorder switches between its heads five to eight lines before the vertical sync: television sets
    hid these lines behind their frame, captures show them. The mask is 1 on the whole band.
    """

    band: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.012, 0.03)
    """Height of the band, drawn per clip; a line is 0.002."""
    shift: Annotated[Interval, Within(0, 0.5, "frame heights"), Neutral(0)] = (0.03, 0.12)
    """Shift at the very bottom, drawn per clip, to the right or to the left."""
    unrest: Annotated[Interval, Within(0, 1)] = (0.02, 0.2)
    """Standard deviation of height and shift over the frames, as a share of them, drawn per clip."""
    noise: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.1, 0.35)
    """Standard deviation of the noise at the band's upper edge, in full range, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> HeadSwitchingParams:
        """Draws band, shift and noise, then the tracks."""
        draw = rng.generator("band")
        band, shift, unrest = draw.uniform(*self.band), draw.uniform(*self.shift), draw.uniform(*self.unrest)
        shift *= draw.choice([-1, 1])
        high, torn = (1 + unrest * ornstein_uhlenbeck(draw, info.frames, UNREST) for _ in range(2))
        return HeadSwitchingParams(
            band=short_floats(band * np.clip(high, 0, 2)),
            shift=short_floats(shift * torn),
            noise=float(draw.uniform(*self.noise)),
            key=rng.key("pixels"),
        )

    def paint(self, frame: Array, mask: Array, params: HeadSwitchingParams, t: int) -> None:
        """See `Contaminant.paint`."""
        height = len(frame)
        lines = min(round(params.band[t] * height), height)
        if not lines:
            return
        down = (np.arange(lines, dtype=np.float32) + 1) / lines
        band, draw = frame[-lines:], at(params.key, t)
        torn = sideways(band, params.shift[t] * height * down**2)
        snow = np.repeat(normal(draw, (lines, -(-frame.shape[1] // 3), 1)), 3, axis=1)[:, : frame.shape[1]]
        burst = np.float32(params.noise) * np.exp(-down / np.float32(NOISY))
        np.clip(torn + burst[:, None, None] * snow, 0, 1, out=band)
        mask[-lines:] = 1
