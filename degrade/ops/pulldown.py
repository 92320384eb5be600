"""3:2 pulldown: film of 24 frames per second as video of 30."""

from typing import Annotated

from pydantic import Field

from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops._drawn import choose
from degrade.ops._mixed import FieldOrder, Interlaced, InterlacedParams

CADENCE = ((0, 0), (1, 1), (1, 2), (2, 3), (3, 3))
"""Of four frames of film, those whose fields five frames of video hold: two, three, two, three fields each."""


class Pulldown(Interlaced):
    """Four frames of film on five of video, two of which mix the fields of two frames.

    The clip keeps its length and so shows only its first four fifths. A target that is to stay aligned is
    the frame of the older lines.
    """

    first: Annotated[tuple[FieldOrder, ...], Field(min_length=1)] = ("top", "bottom")
    """Which lines are older, the even (``top``) or the odd; one of them is drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> InterlacedParams:
        """Draws the place in the cadence and the order of fields."""
        draw = rng.generator("cadence")
        phase = int(draw.integers(len(CADENCE)))
        order = choose(draw, self.first)
        fields = [_film(t + phase) for t in range(info.frames)]
        begin, last = fields[0][0], info.frames - 1
        shown, later = zip(*(tuple(min(frame - begin, last) for frame in pair) for pair in fields), strict=True)
        return InterlacedParams(shown=shown, later=later, first=order)


def _film(t: int) -> tuple[int, int]:
    """The frames of film in the older and the later field of frame t of the video."""
    turn, step = divmod(t, len(CADENCE))
    older, later = CADENCE[step]
    return 4 * turn + older, 4 * turn + later
