"""What making a film of another takes, whatever is made of it: where it goes, and when its frames are shown."""

import bisect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from degrade.core.errors import DatasetError, SpecError, unknown
from degrade.sources import FrameSequence, Source
from degrade.sources.base import Depth
from degrade.sources.stream import StreamInfo, rate_of
from degrade.sources.video_stream import FASTEST
from degrade.writers import VIDEOS, Pictures
from degrade.writers.base import SUFFIXES

SHOWN = 4
"""Frames on a sheet."""


def refuse_inside(source: Source, out: Path) -> None:
    """Raises DatasetError if what is written to `out` would become footage of the source."""
    if source.holds(out):
        raise DatasetError(f"{out}: lies inside the footage, and would be taken for it; name a place outside it")


def paired(film: Source, other: Source, what: str) -> list[FrameSequence]:
    """The sequences of `other` that belong to those of a film, in their order: those of their names, or the only one.

    Args:
        film: The footage.
        other: Masks of it, or what was made of it.
        what: It is, in errors.

    Raises:
        DatasetError: One is missing, left over, or of another length or size.
    """
    wanted, found = film.sequences(), {sequence.id: sequence for sequence in other.sequences()}
    if len(wanted) == len(found) == 1:
        found = dict.fromkeys([wanted[0].id], *found.values())
    names = [sequence.id for sequence in wanted]
    if strangers := found.keys() - set(names):
        raise DatasetError(f"{what}: {unknown('sequence', min(strangers), names)}")
    if missing := [name for name in names if name not in found]:
        more = f" and {len(missing) - 1} more" * (len(missing) > 1)
        raise DatasetError(f"{what}: sequence {missing[0]!r}{more} is missing")
    for sequence in wanted:
        its = found[sequence.id]
        size, whole = (f"{one.frames} frames of {one.width}×{one.height} pixels" for one in (its, sequence))
        if size != whole:
            gap = _first_gap(other, its, film, sequence)
            raise DatasetError(f"{what}: {its.id!r} has {size}, but the film {whole}{gap}")
    return [found[name] for name in names]


def _first_gap(source: Source, clip: FrameSequence, other: Source, whole: FrameSequence) -> str:
    """Which frame is missing, where both are folders of pictures under the same names."""
    names = [
        [path.stem for path in getattr(getattr(one, "footage", {}).get(sequence.id), "paths", ())]
        for one, sequence in ((source, clip), (other, whole))
    ]
    if not set(names[0]) <= set(names[1]):
        return ""
    return next((f"; frame {name} is missing" for name in names[1] if name not in names[0]), "")


def depth_of(sequence: FrameSequence, path: Path) -> Depth:
    """Bits in which a new film is made: 16 if the footage has more than 8 and what is written can hold them."""
    return 16 if sequence.stream.depth > 8 and path.suffix.lower() != ".mp4" else 8


def picture_format(pictures: str, out: Path) -> Pictures:
    """The format of pictures that is asked for.

    Raises:
        SpecError: There is none of that name, or a video is written.
    """
    if pictures not in SUFFIXES:
        raise SpecError(unknown("format of pictures", pictures, SUFFIXES), "--frames")
    if pictures != "png" and out.suffix.lower() in VIDEOS:
        raise SpecError(f"{pictures} is of the pictures in a folder, and {out} is a video", "--frames")
    return cast(Pictures, pictures)


def keeps_length(sequence: FrameSequence, fps: float | None) -> bool:
    """Whether the new film is as long; see `pace`."""
    about = sequence.stream
    return not fps or bool(about.times) or rate_of(fps) == rate_of(about.fps)


def pace(sequence: FrameSequence, fps: float | None) -> tuple[StreamInfo, Sequence[int]]:
    """The stream of the new film, and which of the frames its frames are.

    Args:
        sequence: The film that it is made of.
        fps: Frames per second; none: frames are shown when its are. A variable rate is converted to it by repeating
            and dropping frames, and the film stays as long; any other film runs at it as it stands.

    Raises:
        SpecError: `fps` is below 1 or above `FASTEST`.
    """
    about = sequence.stream
    if fps is None:
        return about, range(sequence.frames)
    if not 1 <= fps <= FASTEST:
        raise SpecError(f"must be 1 to {FASTEST} frames per second, got {fps:g}", "--fps")
    made = replace(about, rate=rate_of(fps), times=())
    if not about.times:
        return made, range(sequence.frames)
    tick, times = fps * float(about.time_base), about.times
    count = max(1, round(times[-1] * tick))
    return made, [bisect.bisect_right(times, i / tick, hi=sequence.frames) - 1 for i in range(count)]
