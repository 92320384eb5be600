"""Pairs: damaged frames, their ground truth, and the masks of the damage."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np

from degrade.core.types import Array, Masks, as_clip, union
from degrade.dataset.plan import Clip
from degrade.ops.pipeline import Pipeline
from degrade.sources import Source
from degrade.sources.base import Depth
from degrade.spec import Spec
from degrade.target import sharpen

CHUNK_VALUES = 1_000_000
"""Pixel values rendered at once, or more where ops make larger blocks of frames together; what bounds the memory,
whatever the clip's length."""


class Pair(NamedTuple):
    """Some frames of a clip, float32 in [0, 1]."""

    damaged: Array
    """(N, H, W, C)."""
    target: Array
    """Ground truth, (N, H, W, C)."""
    masks: dict[str, Array]
    """Alpha by label, (N, H, W, 1), as was asked for; see `Pipeline.render`."""
    mask: Array
    """Its maximum, (N, H, W, 1)."""


def make_pair(
    spec: Spec,
    damage: Pipeline,
    params: Any,
    read: Callable[[int, int], Array],
    start: int,
    stop: int,
    masks: Masks = "union",
) -> Pair:
    """Frames `start` to `stop` of a clip, damaged, and their ground truth.

    Args:
        spec: Its `target` and `alignment` say what the ground truth is.
        damage: The pipeline; that of the spec, or the same at another severity.
        params: What was drawn for the clip.
        read: The clip's clean frames from one index to another, (N, H, W, C), uint8, uint16 or floats in [0, 1].
        start: First frame.
        stop: The one after the last.
        masks: Which are made; see `Pipeline.render`.
    """
    needed = damage.frames_needed(params, start, stop)
    clean = as_clip(read(*needed))
    damaged, made = damage.render(clean, params, start, stop, masks)
    if spec.alignment == "original" and needed != (start, stop):
        clean = as_clip(read(start, stop))
    target = sharpen(clean) if spec.target == "sharpened" else clean
    if spec.alignment == "aligned":
        target = damage.target(target, params, start, stop)
    return Pair(damaged, target, made, union(made, (*damaged.shape[:3], 1)))


def render_pairs(
    clip: Clip,
    spec: Spec,
    source: Source,
    params: Any,
    start: int = 0,
    stop: int | None = None,
    masks: Masks = "union",
) -> Iterator[Pair]:
    """Frames `start` to `stop` of the clip, the whole clip if not given, chunk by chunk; see `make_pair`."""
    damage = spec.damage()
    block = damage.block_size(params)
    step = block * max(1, CHUNK_VALUES // (clip.height * clip.width * clip.channels * block))
    end = clip.frames if stop is None else stop

    def read(first: int, last: int) -> Array:
        return clean_frames(clip, source, first, last, spec.output.depth)

    for first in range(start, end, step):
        yield make_pair(spec, damage, params, read, first, min(first + step, end), masks)


def clean_frames(clip: Clip, source: Source, start: int, stop: int, depth: Depth) -> Array:
    """Frames of the clip as the spec asks for them, resized and grey or not, (N, H, W, C) uint8 or uint16."""
    frames = source.read(clip.sequence, clip.start + start, clip.start + stop, depth)
    return np.stack([fit(frame, clip.height, clip.width, clip.channels) for frame in frames])


def fit(frame: Array, height: int, width: int, channels: int) -> Array:
    """A frame (H, W, 3), 8 or 16 bits, resized to `cover` the size; one channel is Rec. 601 luma."""
    frame = cover(frame, height, width)
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None] if channels == 1 else frame


def cover(frame: Array, height: int, width: int) -> Array:
    """A picture (H, W) or (H, W, 3) resized to cover the size, cut at its centre."""
    scale = max(height / frame.shape[0], width / frame.shape[1])
    if scale != 1:
        size = max(width, round(frame.shape[1] * scale)), max(height, round(frame.shape[0] * scale))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    return frame[top : top + height, left : left + width]
