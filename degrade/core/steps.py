"""The engine: draws a sequence of ops for a clip, then renders any window of the clip.

It knows ops only through the hooks of `Op`: which frames they need, the size of blocks they produce together,
whether they work frame by frame, and whether they wrap the remaining ops.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np

from degrade.core.memory import bands
from degrade.core.op import Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Layer, reached


class Step(NamedTuple):
    """An op that fired, and what it drew."""

    label: str | None
    """Of its masks; "" if they are merged with all others, None if no one asked for them."""
    op: Op
    params: Any


def draw(ops: Iterable[tuple[str, Op]], info: ClipInfo, rng: Stream) -> tuple[dict[str, Any], ...]:
    """Draws labelled ops in order, each from its own stream.

    Returns:
        ``{"label": …, "params": …}`` for each op that fires.
    """
    drawn = []
    for label, op in ops:
        own = rng.child(label)
        if not op.fires(own):
            continue
        params = op.sample(info, own)
        drawn.append({"label": label, "params": params})
        info = op.info_for_remaining(info, params)
    return tuple(drawn)


def is_framewise(steps: Iterable[Step]) -> bool:
    """Whether every output frame depends on the same input frame alone."""
    return all(op.is_framewise(params) for _, op, params in steps)


def frames_needed(steps: Sequence[Step], start: int, stop: int) -> tuple[int, int]:
    """The input frames that frames `start` to `stop` depend on, as a half-open range."""
    for _, op, params in reversed(steps):
        start, stop = op.frames_needed(params, start, stop)
    return start, stop


def block_size(steps: Iterable[Step]) -> int:
    """The largest block of frames that any op produces together."""
    return max((op.block_size(params) for _, op, params in steps), default=1)


def render(steps: Sequence[Step], layer: Layer, start: int, stop: int) -> Layer:
    """Renders frames `start` to `stop`; the layer holds the frames that `frames_needed` returns."""
    if is_framewise(steps):
        return render_framewise(steps, layer, start)
    split = next(i for i, step in enumerate(steps) if step.op.wraps_remaining or not is_framewise((step,)))
    (label, op, params), rest = steps[split], steps[split + 1 :]
    window = frames_needed(rest, start, stop)
    frames, masks = render_framewise(steps[:split], layer, frames_needed(steps[split : split + 1], *window)[0])
    if op.wraps_remaining:
        inner = op.wrap(frames, params, window[0], start, lambda small: render(rest, Layer(small, {}), start, stop))
        return Layer(inner.frames, _with(wrap_masks(masks, op, rest, params, window[0], start, stop), inner.masks))
    frames, masks = _render_step(label, op, params, frames, masks, window)
    return render(rest, Layer(frames, masks), start, stop)


def render_framewise(steps: Sequence[Step], layer: Layer, start: int) -> Layer:
    """Passes frames through all steps one by one, so that they stay in the cache and buffers are reused."""
    frames, masks = layer
    if len(frames) <= 1 or not steps:
        return _render_all(steps, layer, start)
    out = np.empty_like(frames)
    made: dict[str, Array] = {}
    for i in range(len(frames)):
        one = Layer(frames[i : i + 1], {label: mask[i : i + 1] for label, mask in masks.items()})
        one = _render_all(steps, one, start + i)
        out[i] = one.frames[0]
        for label, mask in one.masks.items():
            if label not in made:
                made[label] = np.zeros((*frames.shape[:3], 1), np.float32)  # takes no memory where nothing is written
            if cv2.hasNonZero(mask[0]):
                made[label][i] = mask[0]
    return Layer(out, made)


def _render_all(steps: Sequence[Step], layer: Layer, start: int) -> Layer:
    """Applies framewise steps, each to all frames at once."""
    frames, masks = layer
    ours = False
    for i, (label, op, params) in enumerate(steps):
        if op.wraps_remaining:
            rest, stop = steps[i + 1 :], start + len(frames)
            inner = op.wrap(frames, params, start, start, partial(_render_frames, rest, start))
            return Layer(inner.frames, _with(wrap_masks(masks, op, rest, params, start, start, stop), inner.masks))
        before = frames
        frames, masks = _render_step(label, op, params, frames, masks, (start,), ours)
        ours = ours or not np.may_share_memory(frames, before)  # no one else holds them
    return Layer(frames, masks)


def _render_frames(steps: Sequence[Step], start: int, frames: Array) -> Layer:
    return _render_all(steps, Layer(frames, {}), start)


def _render_step(
    label: str | None,
    op: Op,
    params: Any,
    frames: Array,
    masks: dict[str, Array],
    window: tuple[int, ...],
    ours: bool = False,
) -> Layer:
    """Applies one op to all frames that it needs, carries earlier masks, and adds its own; `ours` may be changed."""
    out, new = (op.render_over if ours else op.render)(frames, params, *window)
    if label is None:
        return Layer(out, {})
    masks = {name: op.carry(mask, params, *window) for name, mask in masks.items()}
    for name, mask in new.items():
        masks = _with(masks, {label and (f"{label}/{name}" if name else label): mask})
    return Layer(out, masks)


def _with(masks: dict[str, Array], more: dict[str, Array]) -> dict[str, Array]:
    """All masks; of two with the same label the maximum, written into the former."""
    for label in masks.keys() & more:
        for mask, new in zip(masks[label], more[label], strict=True):
            for band in bands(mask.shape):
                if cv2.hasNonZero(new[band]):  # most defects are small
                    cv2.max(mask[band], new[band], dst=mask[band])  # takes a third of the time of np.maximum
    return masks | more | masks


def wrap_masks(
    masks: dict[str, Array], op: Op, rest: Sequence[Step], params: Any, first: int, start: int, stop: int
) -> dict[str, Array]:
    """Carries masks through an op that wraps the `rest`, and through the rest; see `Op.wrap`."""

    def inner(small: Array) -> Layer:
        return Layer(follow("carry", rest, small, start, stop), {})

    return {name: op.wrap(mask, params, first, start, inner, reached).frames for name, mask in masks.items()}


def follow(
    how: Literal["move", "target", "carry"], steps: Sequence[Step], frames: Array, start: int, stop: int
) -> Array:
    """Passes frames other than the picture, those that `frames_needed` returns, through all steps."""
    for i, (_, op, params) in enumerate(steps):
        window = frames_needed(steps[i + 1 :], start, stop)
        frames = getattr(op, how)(frames, params, *(window[:1] if op.is_framewise(params) else window))
    return frames
