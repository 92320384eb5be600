"""At which times the frames of a film that was made of another are shown."""

import bisect
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from degrade.sources import FrameSequence
from degrade.sources.stream import StreamInfo


def pace(sequence: FrameSequence, fps: float | None) -> tuple[StreamInfo, Sequence[int]]:
    """The stream of the new film, and which of the frames its frames are.

    Args:
        sequence: The film that it is made of.
        fps: Frames per second; none: frames are shown when its are. A variable rate is converted to it by repeating
            and dropping frames, and the film stays as long; any other film runs at it as it stands.
    """
    about = sequence.stream
    if not fps:
        return about, range(sequence.frames)
    made = replace(about, rate=Fraction(fps).limit_denominator(1001), times=())
    if not about.times:
        return made, range(sequence.frames)
    tick, times = fps * float(about.time_base), about.times
    count = max(1, round(times[-1] * tick))
    return made, [bisect.bisect_right(times, i / tick, hi=sequence.frames) - 1 for i in range(count)]
