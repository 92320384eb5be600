"""Base of ops that mix several frames of a clip: retiming, interlacing, neighbours on the film strip."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from typing_extensions import TypeVar

from degrade.core.op import Family, P, Temporal
from degrade.core.types import Array, Layer, Params, clipped, reached

FieldOrder = Literal["top", "bottom"]
"""Which lines of a frame are older: the even ones, counted from 0 at the top, or the odd ones."""


class Mixed(Temporal[P]):
    """Frame t is mixed from its `sources`; masks and targets likewise."""

    family: ClassVar[Family] = "transport"

    @abstractmethod
    def sources(self, params: P, t: int) -> tuple[int, ...]:
        """Frames of the clip that go into frame t."""

    @abstractmethod
    def mix(self, frames: Sequence[Array], params: P, t: int) -> Array:
        """Frame t, (H, W, C) in [0, 1], of its sources; these are not changed."""

    def frames_needed(self, params: P, start: int, stop: int) -> tuple[int, int]:
        """See `Op.frames_needed`."""
        used = [source for t in range(start, stop) for source in self.sources(params, t)]
        return min(used), max(used) + 1

    def render(self, frames: Array, params: P, start: int, stop: int | None = None) -> Layer:
        """See `Temporal.render`."""
        return Layer(self.move(frames, params, start, stop), {})

    def move(self, frames: Array, params: P, start: int, stop: int | None = None) -> Array:
        """See `Temporal.move`."""
        return clipped(self._mixed(frames, params, start, stop))

    def carry(self, masks: Array, params: P, start: int, stop: int | None = None) -> Array:
        """See `Temporal.carry`."""
        return reached(self._mixed(masks, params, start, stop))

    def _mixed(self, frames: Array, params: P, start: int, stop: int | None) -> Array:
        frames, first, stop = self.window(frames, params, start, stop)
        out = np.empty((stop - start, *frames.shape[1:]), np.float32)
        for t in range(start, stop):
            out[t - start] = self.mix([frames[i - first] for i in self.sources(params, t)], params, t)
        return out


class RetimedParams(Params):
    """What was drawn."""

    shown: tuple[int, ...]
    """For each frame, the one of the clip that it shows; that is its target as well."""


R = TypeVar("R", bound=RetimedParams, default=Any)


class Retimed(Mixed[R]):
    """Frame t shows another one, or that one for the most part, and the target is that one as it was."""

    def sources(self, params: R, t: int) -> tuple[int, ...]:
        """See `Mixed.sources`; the frame that is shown comes first."""
        return (params.shown[t],)

    def mix(self, frames: Sequence[Array], params: R, t: int) -> Array:
        """See `Mixed.mix`."""
        return frames[0]

    def target(self, frames: Array, params: R, start: int, stop: int | None = None) -> Array:
        """The frames that are shown; see `Temporal.target`."""
        frames, first, stop = self.window(frames, params, start, stop)
        return frames[[params.shown[t] - first for t in range(start, stop)]]


class InterlacedParams(RetimedParams):
    """What was drawn."""

    later: tuple[int, ...]
    """For each frame, the one of the clip that its later lines show."""
    first: FieldOrder
    """The older lines."""


class Interlaced(Retimed[InterlacedParams]):
    """Every other line of a frame shows a later one."""

    def sources(self, params: InterlacedParams, t: int) -> tuple[int, ...]:
        """See `Mixed.sources`."""
        return params.shown[t], params.later[t]

    def mix(self, frames: Sequence[Array], params: InterlacedParams, t: int) -> Array:
        """See `Mixed.mix`."""
        if params.shown[t] == params.later[t]:
            return frames[0]
        out, rest = frames[0].copy(), slice(1 if params.first == "top" else 0, None, 2)
        out[rest] = frames[1][rest]
        return out
