"""Faults of single frames: missing, repeated, or blended with a neighbour."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from degrade.core.fields import Interval, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops._mixed import Retimed, RetimedParams
from degrade.ops._packing import short_floats


class FrameFaultsParams(RetimedParams):
    """What was drawn, per frame."""

    other: tuple[int, ...]
    """The frame of the clip that is blended in."""
    share: tuple[float, ...]
    """Share of it; 0 but for phantom frames."""


class FrameFaults(Retimed[FrameFaultsParams]):
    """Missing, repeated and phantom frames.

    The clip keeps its length: for each frame that is missing, another is shown twice elsewhere. What lies between
    is early or late, by a frame for each such loss that is not made up for yet. A target that is to stay aligned is
    the frame shown; that of a phantom frame is the frame without its neighbour. For frames lost to black see
    `black_frames`.
    """

    missing: Annotated[Interval, Within(0, 0.5)] = (0.0, 0.1)
    """Share of frames that are lost without a trace, as in a splice: the next follows at once."""
    repeated: Annotated[Interval, Within(0, 1)] = (0.0, 0.1)
    """Share of frames that are lost, and the one before shown in their place."""
    phantom: Annotated[Interval, Within(0, 1)] = (0.0, 0.1)
    """Share of frames into which a neighbour is blended, as conversions between frame rates leave them."""
    blend: Annotated[Interval, Within(0, 0.5)] = (0.2, 0.5)
    """Share of the neighbour, drawn per phantom frame."""

    def sample(self, info: ClipInfo, rng: Stream) -> FrameFaultsParams:
        """Draws which frames are concerned, each kind from its own numbers."""
        frames, last = info.frames, info.frames - 1
        draw = rng.generator("missing")
        steps = np.ones(frames, int)
        steps[0] = 0
        count = min(draw.binomial(last, draw.uniform(*self.missing)), last // 2)
        order = draw.permutation(last) + 1
        steps[order[:count]] += 1
        steps[order[count : 2 * count]] -= 1
        shown = np.cumsum(steps)
        draw = rng.generator("repeated")
        repeated = draw.random(frames) < draw.uniform(*self.repeated)
        for t in np.flatnonzero(repeated[1:]) + 1:
            shown[t] = shown[t - 1]
        draw = rng.generator("phantom")
        phantom = draw.random(frames) < draw.uniform(*self.phantom)
        other = np.clip(shown + draw.choice([-1, 1], frames), 0, last)
        share = draw.uniform(*self.blend, frames)
        return FrameFaultsParams(
            shown=tuple(shown.tolist()),
            other=tuple(np.where(phantom, other, shown).tolist()),
            share=short_floats(np.where(phantom & (other != shown), share, 0)),
        )

    def sources(self, params: FrameFaultsParams, t: int) -> tuple[int, ...]:
        """See `Mixed.sources`."""
        return params.shown[t], params.other[t]

    def mix(self, frames: Sequence[Array], params: FrameFaultsParams, t: int) -> Array:
        """See `Mixed.mix`."""
        share = np.float32(params.share[t])
        return frames[0] if share == 0 else frames[0] + share * (frames[1] - frames[0])
