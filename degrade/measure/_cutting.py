"""Cuts between shots, found as frames come."""

from collections import deque
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from degrade.core.types import Array

SIZE = (24, 18)
"""Of the picture that frames are told by, width and height."""
APART = 0.55
"""Frames whose pictures correlate by less than one less this are of different shots."""
UNUSUAL = 2.5
"""And so much further apart than frames lately were."""


def with_cuts(frames: Iterable[Array]) -> Iterator[tuple[Array, bool]]:
    """Each frame (H, W, C) float32, and whether a shot begins with it.

    A frame that is unlike the one before begins a shot if the next is unlike it, too: black frames, flashes and
    torn frames are damage, not cuts. So one frame is looked ahead.
    """
    lately: deque[float] = deque(maxlen=12)
    last: Array | None = None  # picture of the last frame that showed anything
    held: tuple[Array, Array] | None = None  # a frame that may begin a shot, and its picture
    for frame in frames:
        seen = picture(frame)
        if held is not None and last is not None:
            cut = seen is None or apart(last, seen) >= APART
            yield held[0], cut
            if cut:
                last = held[1]
                lately.clear()
            held = None
        if last is not None and seen is not None:
            distance = apart(last, seen)
            if distance > max(APART, UNUSUAL * float(np.median(lately or [0]))):
                held = frame, seen
                continue
            lately.append(distance)
        last = last if seen is None else seen
        yield frame, False
    if held is not None:
        yield held[0], False


def picture(frame: Array) -> Array | None:
    """What a frame is told by: its coarse details, of zero mean and unit length; none if it shows nothing."""
    grey = frame.mean(axis=2)
    small = cv2.resize(grey, SIZE, interpolation=cv2.INTER_AREA)
    details = small - cv2.GaussianBlur(small, (0, 0), 5)
    length = float(np.linalg.norm(details))
    return details / length if length > 0.004 * np.sqrt(details.size) else None


def apart(one: Array, other: Array) -> float:
    """1 less the correlation of two pictures."""
    return 1 - float((one * other).sum())
