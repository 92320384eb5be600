"""Whether a film is a coded copy, as films are that are found on the web."""

from degrade.measure import Film

OPS = ("video_codec", "copy")
"""Labels of the ops of ``start.yaml`` that stand for it: the codec, and the resizing since."""
TRACE = 1.03
"""Blocks above it are a codec's: what was not coded at its size reads 1.00 to 1.02, the films of docs/match.md
1.04 to 1.07; frames of a hundred lines stray by 0.05."""


def coded(film: Film) -> bool:
    """Whether blocks show in its columns or its rows."""
    found = [film["blocks"][axis].value for axis in ("across", "down")]
    return any(value is not None and value > TRACE for value in found)
