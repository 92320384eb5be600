"""Dropouts: parts of lines missing where tape has lost its coating or a particle lifts the head."""

from bisect import bisect_left, bisect_right
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Ints, Neutral, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, at, normal, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._packing import pack_floats

LINES = 480
"""Of a frame, visible."""
BURSTS = 2
"""Frames over which their number changes."""


class DropoutParams(Params):
    """What was drawn: one entry per dropout, sorted by frame."""

    frame: Ints
    y: Floats
    """Upper edge, in frame heights."""
    x: Floats
    """Left end, in frame heights from the left border."""
    length: Floats
    """In frame heights."""
    thickness: Floats
    """In frame heights."""
    tone: Floats
    """0 black, 1 white; -1 where the line above is repeated."""
    key: int
    """Of the snow within them."""


class Dropout(Contaminant[DropoutParams]):
    """Streaks along the lines: white or black snow with a tail to the right, or the line above once more.

    Players that compensate for dropouts repeat the line above. Lengths are distributed exponentially; a speck
    that lifts the head for long takes out several lines.
    """

    per_frame: Annotated[Interval, Within(0, 1000, "dropouts")] = (0.5, 6.0)
    """Mean number on a frame, drawn per clip."""
    bursts: Annotated[float, Field(ge=0, le=2)] = 0.9
    """How much the number varies over the frames: standard deviation of the logarithm of its mean."""
    length: Annotated[Interval, Within(0, 2, "frame heights"), Neutral(0)] = (0.04, 0.2)
    """Mean length, drawn per clip."""
    lines: Annotated[Interval, Within(1, 20, "lines")] = (1.0, 3.0)
    """Thickness, in lines of 480, drawn per dropout, thin ones more often."""
    compensated: Annotated[Interval, Within(0, 1)] = (0.0, 0.6)
    """Share of those that repeat the line above, drawn per clip."""
    dark: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of black ones among the others."""

    def sample(self, info: ClipInfo, rng: Stream) -> DropoutParams:
        """Draws the number on each frame, then every dropout."""
        draw = rng.generator("dropouts")
        slow = self.bursts * ornstein_uhlenbeck(draw, info.frames, BURSTS)
        rate = draw.uniform(*self.per_frame) * np.exp(slow - self.bursts**2 / 2)
        frame = np.repeat(np.arange(info.frames), draw.poisson(rate))
        count, (thin, thick) = frame.size, self.lines
        lines = np.floor(thin + (thick + 1 - thin) * draw.random(count) ** 2)
        tone = np.where(draw.random(count) < self.dark, draw.uniform(0, 0.1, count), draw.uniform(0.8, 1, count))
        repeats = draw.random(count) < draw.uniform(*self.compensated)
        length = draw.uniform(*self.length) * draw.exponential(size=count)
        return DropoutParams(
            frame=tuple(frame.tolist()),
            y=pack_floats(draw.random(count), 4),
            x=pack_floats(draw.uniform(-0.1, info.width / info.height, count), 4),
            length=pack_floats(np.minimum(length, 4), 4),
            thickness=pack_floats(lines / LINES, 4),
            tone=pack_floats(np.where(repeats, -1, tone), 2),
            key=rng.key("snow"),
        )

    def paint(self, frame: Array, mask: Array, params: DropoutParams, t: int) -> None:
        """See `Contaminant.paint`."""
        height, width = frame.shape[:2]
        for i in range(bisect_left(params.frame, t), bisect_right(params.frame, t)):
            top = min(int(params.y[i] * height), height - 1)
            bottom = min(height, top + max(1, round(params.thickness[i] * height)))
            left, right = (round(end * height) for end in (params.x[i], params.x[i] + params.length[i]))
            left, right = max(left, 0), min(max(right, left + 2), width)
            if left >= right:
                continue
            where = slice(top, bottom), slice(left, right)
            if params.tone[i] < 0:
                alpha, tone = np.ones((bottom - top, right - left, 1), np.float32), frame[max(top - 1, 0), left:right]
            else:
                alpha, tone = _snow(at(params.key, i), bottom - top, right - left), np.array(params.tone[i], np.float32)
            frame[where] += alpha * (tone - frame[where])
            mask[where] += alpha * (1 - mask[where])


def _snow(draw: np.random.Generator, lines: int, length: int) -> Array:
    """Alpha of a streak: full at its head, ever more broken towards its end, (lines, length, 1)."""
    along = (np.arange(length, dtype=np.float32) + 0.5) / length
    starts = draw.uniform(0, 0.15, (lines, 1)).astype(np.float32)  # a ragged head
    alpha = 1.15 - 0.9 * along**1.5 + 0.3 * normal(draw, (lines, length))
    alpha *= along >= starts
    return np.asarray(cv2.blur(np.clip(alpha, 0, 1), (3, 1)))[..., None]  # no sharper than the luma's band
