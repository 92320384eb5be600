"""Cuts between shots, found as frames come."""

from collections import deque
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from degrade.core.types import Array, as_clip

SIZE = (24, 18)
"""Of the picture that frames are told by, width and height."""
APART = 0.55
"""Frames whose pictures correlate by less than one less this are of different shots."""
UNUSUAL = 2.5
"""And so much further apart than frames lately were."""
AHEAD = 2
"""Frames that are looked ahead."""


def cuts(frames: Iterable[Array]) -> list[int]:
    """The frames at which a new shot begins, without the first; frames are (H, W, C), uint8 or floats in [0, 1].

    Slow dissolves are not found.
    """
    ready = (np.asarray(as_clip(frame)[0]) for frame in frames)
    return [t for t, (_, cut) in enumerate(with_cuts(ready)) if cut]


def with_cuts(frames: Iterable[Array]) -> Iterator[tuple[Array, bool]]:
    """Each frame (H, W, C) float32, and whether a shot begins with it.

    A frame that is unlike the last begins a shot if one of the next is like it, and none like the last: black frames,
    flashes and torn frames are damage, not cuts. Pictures are correlated, which flicker and fading leave as it is.
    """
    lately: deque[float] = deque(maxlen=12)
    last: Array | None = None  # picture of the last frame that showed anything and was not passed over
    for frame, seen, coming in _with_coming(frames):
        cut = False
        if last is not None and seen is not None:
            distance = apart(last, seen)
            if distance > max(APART, UNUSUAL * float(np.median(lately or [0]))):
                back = any(apart(last, later) < APART for later in coming)
                stays = any(apart(seen, later) < APART for later in coming)
                cut = stays and not back
                if cut:
                    lately.clear()
                else:
                    seen = None
            else:
                lately.append(distance)
        last = last if seen is None else seen
        yield frame, cut


def _with_coming(frames: Iterable[Array]) -> Iterator[tuple[Array, Array | None, list[Array]]]:
    """Each frame, its picture, and the pictures of the next ones that show anything."""
    held: deque[tuple[Array, Array | None]] = deque()
    for frame in frames:
        held.append((frame, picture(frame)))
        if len(held) > AHEAD:
            yield (*held.popleft(), _shown(held))
    while held:
        yield (*held.popleft(), _shown(held))


def _shown(held: Iterable[tuple[Array, Array | None]]) -> list[Array]:
    return [seen for _, seen in held if seen is not None]


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
