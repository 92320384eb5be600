"""Combing: the two fields of interlaced video shown in one frame."""

from typing import Annotated, Any

from pydantic import Field

from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops._mixed import FieldOrder, Interlaced, InterlacedParams


class Combing(Interlaced):
    """Every other line of a frame is that of the next frame, so that whatever moves has combs for edges.

    A target that is to stay aligned is the frame of the older lines.
    """

    first: Annotated[tuple[FieldOrder, ...], Field(min_length=1)] = ("top", "bottom")
    """Which lines are older, the even (``top``) or the odd; one of them is drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> InterlacedParams:
        """Draws the order of fields."""
        order: Any = self.first[rng.generator("order").integers(len(self.first))]
        frames = range(info.frames)
        return InterlacedParams(shown=tuple(frames), later=(*frames[1:], frames[-1]), first=order)
