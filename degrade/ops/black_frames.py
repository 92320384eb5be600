"""Black frames: lost frames replaced by leader to keep the length."""

from bisect import bisect_left
from typing import Annotated

from degrade.core.fields import Interval, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._events import arrivals, covering, visible
from degrade.ops._packing import pack_floats


class BlackFramesParams(Params):
    """What was drawn: one entry per frame that is lost, in order."""

    lost: tuple[int, ...]
    """Which frames."""
    tone: tuple[float, ...]
    """0 black, 1 white."""


class BlackFrames(Contaminant[BlackFramesParams]):
    """Whole frames of black or, for clear leader and flashes of light, of white.

    The mask is 1 everywhere on such a frame, and its target the frame that should be there.
    """

    lost: Annotated[Interval, Within(0, 1)] = (0.01, 0.1)
    """Share of frames that are lost, about; drawn per clip."""
    run: Annotated[Interval, Within(1, 1000, "frames")] = (1.0, 3.0)
    """How many follow each other."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 0.2)
    """Share of white ones, drawn per clip; a run is all of one kind."""

    def sample(self, info: ClipInfo, rng: Stream) -> BlackFramesParams:
        """Draws the runs."""
        draw = rng.generator("runs")
        first, life = arrivals(draw, covering(draw.uniform(*self.lost)), self.run, info.frames)
        light = draw.random(first.size) < draw.uniform(*self.light)
        tone = {}
        for start, count, white in zip(*visible(first, life, info.frames), light, strict=True):
            tone.update(dict.fromkeys(range(int(start), int(start + count)), float(white)))
        lost = sorted(tone)
        return BlackFramesParams(lost=tuple(lost), tone=pack_floats([tone[t] for t in lost], 0))

    def paint(self, frame: Array, mask: Array, params: BlackFramesParams, t: int) -> None:
        """See `Contaminant.paint`."""
        i = bisect_left(params.lost, t)
        if i < len(params.lost) and params.lost[i] == t:
            frame[:], mask[:] = params.tone[i], 1
