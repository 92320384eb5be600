"""Whether the footage of a dataset can be read to its end, before anything is made of it."""

from collections.abc import Callable, Iterable

from degrade.core.errors import SourceError
from degrade.dataset.plan import Clip
from degrade.sources import Source


def stretches(clips: Iterable[Clip]) -> dict[str, tuple[int, int]]:
    """From which frame to which each sequence is used."""
    found: dict[str, tuple[int, int]] = {}
    for clip in clips:
        first, last = found.get(clip.sequence, (clip.start, clip.start))
        found[clip.sequence] = min(first, clip.start), max(last, clip.start + clip.frames)
    return found


def check_footage(
    source: Source, clips: Iterable[Clip], checked: Callable[[int], object] = lambda frames: None
) -> None:
    """Reads every frame that the clips are made of.

    Args:
        source: The footage.
        clips: As planned for it.
        checked: Called with a number of frames when so many more are read.

    Raises:
        SourceError: Some are damaged; the first is named.
    """
    damaged: list[str] = []
    for sequence, (start, stop) in stretches(clips).items():
        for number in range(start, stop):
            damaged += [reason for _, reason in source.survey(sequence, number, number + 1)]
            checked(1)
    if damaged:
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        raise SourceError(f"{damaged[0]}{more}; on_damaged: repeat or skip goes on")
