"""Motion of the clean footage, for temporal metrics."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from degrade.core.color import LUMA
from degrade.core.flow import dis_flow
from degrade.core.types import Array
from degrade.sources.base import FrameSequence, Source


class Motion(NamedTuple):
    """How a frame moves to the next."""

    flow: Array
    """(H, W, 2) float32, pixels to the right and down, from each pixel of the frame to the next frame."""
    visible: Array
    """(H, W) bool: seen in both frames, and not on a motion boundary."""


MotionSource = Callable[[int, Array, Array], Motion]
"""`motion_of(t, here, there)`: the motion between the clean frames t and t + 1, (H, W, C) in [0, 1]."""


def dis(t: int, here: Array, there: Array) -> Motion:
    """Motion as DIS estimates it; a `MotionSource`.

    Raises:
        SourceError: Frames of less than 12 pixels.
    """
    a, b = _grey(here), _grey(there)
    forward, backward = dis_flow(a, b), dis_flow(b, a)
    return Motion(forward, ~(occluded(forward, backward) | boundary(forward)))


def exact(source: Source, sequence: FrameSequence | str, start: int = 0) -> MotionSource:
    """A `MotionSource` of the true motion, for a source that knows it (`builtin:stills`); else `dis`.

    Args:
        source: The clean footage.
        sequence: Of it; the sequence or its id.
        start: Frame of the sequence at which the clip starts.
    """
    if not hasattr(source, "flow"):
        return dis
    known = source.flow

    def motion(t: int, here: Array, there: Array) -> Motion:
        flow, hidden = known(sequence, start + t)
        return Motion(flow, ~(hidden | leaving(flow) | boundary(flow)))

    return motion


def occluded(forward: Array, backward: Array) -> Array:
    """Where a pixel of the first frame is hidden in, or outside of, the second, (H, W) bool.

    Forward–backward consistency, |w + ŵ|² > 0.01 (|w|² + |ŵ|²) + 0.5, where ŵ is the backward flow at the pixel that w
    points to. Source: Lai et al., ECCV 2018, after Ruder, Dosovitskiy, Brox, GCPR 2016.
    """
    back = sample(backward, Motion(forward, np.ones(forward.shape[:2], bool))).reshape(forward.shape)
    gap = _square(forward + back)
    return leaving(forward) | (gap > 0.01 * (_square(forward) + _square(back)) + 0.5)


def boundary(flow: Array) -> Array:
    """Where the motion changes abruptly, |∇u|² + |∇v|² > 0.01 |w|² + 0.002, (H, W) bool; forward differences."""
    steepness = np.zeros(flow.shape[:2], np.float32)
    steepness[:, :-1] += _square(np.diff(flow, axis=1))
    steepness[:-1] += _square(np.diff(flow, axis=0))
    return np.asarray(steepness > 0.01 * _square(flow) + 0.002)


def leaving(flow: Array) -> Array:
    """Where the flow points outside the frame, (H, W) bool."""
    height, width = flow.shape[:2]
    x, y = np.arange(width) + flow[..., 0], np.arange(height)[:, None] + flow[..., 1]
    return np.asarray((x < 0) | (y < 0) | (x > width - 1) | (y > height - 1))


def sample(frame: Array, motion: Motion) -> Array:
    """The pixels (N, C) of the next frame (H, W, C) that the N visible ones move to, bilinear.

    Beyond the border its pixels repeat. OpenCV's `remap` is no substitute: its versions before 5 round positions to
    1/32 pixel.
    """
    height, width, channels = frame.shape
    rows, columns = np.nonzero(motion.visible)
    step = motion.flow[rows, columns].astype(np.float64)
    x, y = (columns + step[:, 0]).clip(0, width - 1), (rows + step[:, 1]).clip(0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right = np.minimum(left + 1, width - 1)
    down, top_row = np.minimum(top + 1, height - 1) * width, top * width
    a, b = ((v - v.astype(np.intp)).astype(np.float32)[:, None] for v in (x, y))
    pixels = np.ascontiguousarray(frame).reshape(-1, channels)
    upper = pixels[top_row + left] * (1 - a) + pixels[top_row + right] * a
    lower = pixels[down + left] * (1 - a) + pixels[down + right] * a
    return np.asarray(upper * (1 - b) + lower * b)


def _square(flow: Array) -> Array:
    return np.asarray(np.square(flow).sum(-1))


def luma(frame: Array) -> Array:
    """(H, W) float32 of an RGB or grey frame (H, W, C): BT.601."""
    if frame.shape[-1] == 1:
        return frame[..., 0]
    return np.asarray(frame @ np.array(LUMA, np.float32))


def _grey(frame: Array) -> Array:
    return np.rint(luma(frame) * 255).astype(np.uint8)
