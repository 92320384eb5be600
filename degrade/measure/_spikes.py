"""Spikes: what one frame shows and neither of its neighbours does, once they are moved onto it."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from degrade.core.types import Array
from degrade.measure import _motion
from degrade.measure._view import View

HIGHEST = 720
"""Of the frames that spikes are looked for in; larger ones are reduced."""
SEED, GROW = 4.0, 2.0
"""How far a spike stands out at its peak and at its border, in standard deviations of what differs by itself."""
LEAST = 8 / 255
"""And at least so much at its peak."""
RIM = 0.4
"""A spike reaches to where it has this share of its peak."""
UNLIKE = 0.1
"""What the neighbours differ by in a spike, and the frame from both around it, beyond what they do everywhere, of what
the spike stands out by: more, and something moved there."""
LONG = 3.5
"""Spikes that are so many times as long as wide are hairs and lines."""


class Spikes(NamedTuple):
    """What was found on a frame, (N,) each."""

    x: Array
    """Middle, in pixels."""
    y: Array
    size: Array
    """Longest side in frame heights."""
    ratio: Array
    """Longest side by the shorter one."""
    contrast: Array
    """What it stands out by at its peak; positive if light."""
    behind: Array
    """What the neighbours show there."""
    soft: Array
    """Area that stands out by a quarter of the peak, over that of three quarters."""
    stretch: Array
    """Height over breadth: standard deviations of its pixels' places, with that of a pixel itself."""


class Scene(NamedTuple):
    """A frame and what its neighbours say that it should show, (H, W) each."""

    frame: Array
    earlier: Array
    later: Array


def reduced(view: View) -> Array:
    """Luma at a height of at most `HIGHEST`."""
    if view.height <= HIGHEST:
        return view.grey
    width = max(1, round(view.grey.shape[1] * HIGHEST / view.height))
    return cv2.resize(view.grey, (width, HIGHEST), interpolation=cv2.INTER_AREA)


def scene(earlier: View, view: View, later: View) -> Scene:
    """Both neighbours moved onto the frame and exposed as it is."""
    frame = reduced(view)
    moved = [_onto(frame, view, other) for other in (earlier, later)]
    return Scene(frame, *moved)


def _onto(frame: Array, view: View, other: View) -> Array:
    height, width = frame.shape
    flow = cv2.GaussianBlur(_motion.dense(view.levels, other.levels), (0, 0), 2)
    flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(height / view.small.shape[0])
    y, x = np.mgrid[:height, :width].astype(np.float32) + flow.transpose(2, 0, 1)[::-1]
    moved = cv2.remap(reduced(other), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    soft = height / 16
    gain = (cv2.blur(frame, _box(soft)) + 0.02) / (cv2.blur(moved, _box(soft)) + 0.02)
    return np.asarray(moved * np.clip(gain, 0.5, 2))


def _box(side: float) -> tuple[int, int]:
    return (2 * int(side) + 1,) * 2


def noise_of(seen: Scene) -> tuple[float, Array]:
    """What a frame strays by itself from its neighbours' mean: standard deviation, everywhere and around each pixel."""
    off = abs(seen.frame - (seen.earlier + seen.later) / 2)
    everywhere = 1.4826 * float(np.median(off))
    around = cv2.blur(np.minimum(off, 8 * everywhere + 4 / 255), _box(seen.frame.shape[0] / 24))
    return everywhere, np.maximum(around * 1.2533, everywhere)  # of a normal distribution, mean and deviation


class Part(NamedTuple):
    """Where a spike is, in a window of the frame."""

    window: tuple[slice, slice]
    inside: Array
    """(h, w) bool."""
    off: Array
    """What the window stands out by, positive in the spike."""
    top: float
    """Of it, at the peak."""
    sign: int
    """1 if light, -1 if dark."""


def spikes(seen: Scene) -> Spikes:
    """All spikes of a frame."""
    found = [_described(part, seen) for part in parts(seen)]
    return Spikes(*np.array(found).reshape(-1, len(Spikes._fields)).T)


def parts(seen: Scene) -> Iterator[Part]:
    """All spikes of a frame, each by its pixels."""
    everywhere, noise = noise_of(seen)
    kernel = np.ones((3, 3), np.uint8)
    high, low = np.maximum(seen.earlier, seen.later), np.minimum(seen.earlier, seen.later)
    off = seen.frame - (seen.earlier + seen.later) / 2
    for sign, spike in ((1, seen.frame - cv2.dilate(high, kernel)), (-1, cv2.erode(low, kernel) - seen.frame)):
        seeds = (spike > np.maximum(LEAST, SEED * noise)).astype(np.uint8)
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(seeds, connectivity=8)
        taken = np.zeros(seeds.shape, bool)
        for label in range(1, count):
            window = _around(boxes[label], seeds.shape)
            height = np.where(labels[window] == label, sign * off[window], 0)
            peak = np.unravel_index(int(np.argmax(height)), height.shape)
            top = float(height[peak])
            rim = (sign * off[window] > np.maximum(RIM * top, GROW * noise[window])).astype(np.uint8)
            part = cv2.connectedComponents(rim, connectivity=8)[1]
            part = part == part[peak]
            ring = cv2.dilate(part.astype(np.uint8), _DISK, iterations=2) - cv2.dilate(part.astype(np.uint8), _DISK)
            if not rim[peak] or not ring.any() or taken[window][part].any():
                continue
            unlike = max((high - low)[window][part].mean(), abs(off[window][ring > 0]).mean())
            if unlike > UNLIKE * top + everywhere:
                continue
            taken[window] |= part
            yield Part(window, part, sign * off[window], top, sign)


_DISK = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))


def _around(box: Array, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The surroundings of a seed, a thirtieth of the height to each side."""
    reach = max(4, shape[0] // 30)
    left, top, width, height = box[:4].tolist()
    return np.s_[max(0, top - reach) : top + height + reach, max(0, left - reach) : left + width + reach]


def _described(part: Part, seen: Scene) -> tuple[float, ...]:
    outline = np.argwhere(part.inside)[:, ::-1].astype(np.float32)
    (x, y), (one, other), _ = cv2.minAreaRect(outline)
    short, long = sorted((float(one) + 1, float(other) + 1))
    behind = float(((seen.earlier + seen.later)[part.window][part.inside] / 2).mean())
    inner = int(np.count_nonzero(part.inside & (part.off > 0.75 * part.top)))
    soft = int(np.count_nonzero(part.off > 0.25 * part.top)) / max(inner, 1)
    return (
        x + part.window[1].start,
        y + part.window[0].start,
        long / seen.frame.shape[0],
        long / short,
        part.sign * part.top,
        behind,
        soft,
        float(np.divide(*(outline.var(axis=0)[::-1] + 1 / 12)) ** 0.5),
    )
