"""What a video file holds beside its frames: sound, subtitles, timecode, chapters, metadata."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from degrade.sources.stream import StreamInfo


@dataclass(frozen=True)
class Tracks:
    """Those of a film, or of a part of it; read when the film is written."""

    path: Path
    begin: Fraction = Fraction(0)
    """Where the part begins, seconds from the beginning of the film."""
    end: Fraction | None = None
    """Where it ends; None: with the file."""

    def part(self, stream: StreamInfo, start: int, stop: int) -> "Tracks":
        """Those of frames `start` to `stop` of the whole film, whose record is `stream`."""
        begin, end = (stream.start + stream.duration(number) for number in (start, stop))
        return replace(self, begin=begin, end=end)


_TIMECODE = re.compile(r"(\d\d):([0-5]\d):([0-5]\d)([:;.])(\d\d)")


def timecode_after(timecode: str, frames: int, fps: Fraction) -> str:
    """The timecode so many frames later, as SMPTE ST 12-1 counts; empty if it is none at that rate.

    Args:
        timecode: ``01:00:00:00``, or ``01:00:00;00`` with numbers dropped, as at 30000/1001 and 60000/1001 per second.
        frames: Not negative.
        fps: Frames per second.
    """
    found = _TIMECODE.fullmatch(timecode)
    rate = round(fps)
    if not found or not 0 < rate < 100 or int(found[5]) >= rate:
        return ""
    hours, minutes, seconds, frame = (int(found[part]) for part in (1, 2, 3, 5))
    dropped = rate // 15 if found[4] != ":" and rate % 30 == 0 else 0
    total = 60 * hours + minutes
    count = (60 * total + seconds) * rate + frame - dropped * (total - total // 10) + frames
    if dropped:  # the first numbers of each minute but every tenth
        tens, rest = divmod(count, 600 * rate - 9 * dropped)
        ones = max(0, rest - dropped) // (60 * rate - dropped)
        count += dropped * (9 * tens + ones)
    seconds, frame = divmod(count, rate)
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{found[4]}{frame:02d}"
