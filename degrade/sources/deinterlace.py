"""Makes whole frames of fields, by FFmpeg's filters."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av

from degrade.core.errors import SourceError
from degrade.sources.base import Deinterlace
from degrade.sources.fields import Scan
from degrade.sources.stream import StreamInfo

CYCLE, FILM = 5, 4
"""Frames of telecined video, and of film in these."""


def deinterlaced(about: StreamInfo, frames: int, how: Deinterlace, name: object) -> StreamInfo:
    """What a stream of so many frames is afterwards.

    Raises:
        SourceError: Telecined video of a variable rate, or of too few frames.
    """
    if how == "none":
        return about
    if how == "bwdif":
        return replace(about, scan="")
    if about.times:
        raise SourceError(f"{name}: has a variable frame rate, telecined video has not; use deinterlace: bwdif or none")
    if frames < CYCLE:
        raise SourceError(f"{name}: has {frames} frames, and telecined video is undone by {CYCLE}")
    rate = about.rate and about.rate * FILM / CYCLE
    return replace(about, scan="", rate=rate)


def count(frames: int, how: Deinterlace) -> int:
    """How many of so many frames there are afterwards."""
    cycles, rest = divmod(frames, CYCLE)
    return cycles * FILM + max(0, rest - 1) if how == "telecine" else frames


def apply(
    how: Deinterlace,
    read: Callable[[int, int], Iterator[av.VideoFrame]],
    frames: int,
    scan: Scan,
    start: int,
    stop: int,
) -> Iterator[av.VideoFrame]:
    """Frames `start` to `stop` as they are afterwards; those that the filters need around them are read, too.

    Args:
        how: What to do.
        read: Gives stored frames from one number to another.
        frames: How many are stored.
        scan: How they are made of fields.
        start: First frame, counted afterwards.
        stop: Frame after the last.
    """
    parity = {"top": "tff", "bottom": "bff"}.get(scan, "auto")
    if how == "bwdif":
        # A frame is made of the one before, itself, and the one after.
        first, last, skip = max(0, start - 1), min(frames, stop + 1), min(1, start)
        chain = [("bwdif", f"mode=send_frame:parity={parity}:deint=all")]
    else:
        # Which frame of a cycle is left out depends on the last of the cycle before and the first of the next.
        before = max(0, start // FILM - 1)
        first, last = CYCLE * before, min(frames, CYCLE * (-(-stop // FILM) + 1))
        skip = start - FILM * before
        chain = [("fieldmatch", f"order={parity}"), ("fps", "fps=25"), ("decimate", f"cycle={CYCLE}")]
    made = _filtered(chain, read(first, last))
    for number, frame in enumerate(made):
        if number >= skip + stop - start:
            break
        if number >= skip:
            yield frame


def _filtered(chain: list[tuple[str, str]], frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """What the filters make of frames, in one thread."""
    graph: Any = None
    for number, frame in enumerate(frames):
        if graph is None:
            graph = _graph(chain, frame)
        # Filters tell frames by their times, and a decoder's may have gaps.
        time, base = frame.pts, frame.time_base
        frame.pts, frame.time_base = number, Fraction(1, 25)
        graph.vpush(frame)
        frame.pts, frame.time_base = time, base
        yield from _pulled(graph)
    if graph is not None:
        graph.vpush(None)
        yield from _pulled(graph)


def _graph(chain: list[tuple[str, str]], frame: av.VideoFrame) -> Any:
    graph = av.filter.Graph()
    graph.threads = 1
    last = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25))
    for name, arguments in (*chain, ("buffersink", "")):
        following = graph.add(name, arguments)
        last.link_to(following)
        last = following
    graph.configure()
    return graph


def _pulled(graph: Any) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
