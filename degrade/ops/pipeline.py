"""Pipelines: ops in a fixed order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from degrade.core.composition import Composition, OpLike, Steps
from degrade.core.errors import SpecError
from degrade.core.rng import Stream
from degrade.core.steps import draw
from degrade.core.types import Array, ClipInfo, Damaged, Layer, Masks, Trace, as_clip, to_dtype


class Pipeline(Composition[Steps]):
    """Ops in the order given, as arguments or as a list.

    Example:
        >>> import numpy as np
        >>> from degrade.ops import Dust, GaussianBlur
        >>> clip = np.full((3, 64, 64, 1), 0.5, np.float32)
        >>> out = Pipeline(GaussianBlur(), Dust())(clip, seed=1)
        >>> out.frames.shape, sorted(out.masks)
        ((3, 64, 64, 1), ['dust'])
        >>> bool((out.trace.replay(clip).frames == out.frames).all())
        True
    """

    def __init__(self, *ops: OpLike | Sequence[OpLike], **parameters: Any) -> None:
        super().__init__(*ops, **parameters)

    def sample(self, info: ClipInfo, rng: Stream) -> Steps:
        """Draws the inner ops, each from its own stream."""
        return Steps(steps=draw(self.labelled(), info, rng))

    def __call__(self, clip: Array, *, seed: int, clip_id: str = "") -> Damaged:
        """Damages a picture or clip.

        Args:
            clip: A picture (H, W) or (H, W, C) or a clip (T, H, W, C); uint8, uint16, or floats in [0, 1].
            seed: 0 or greater. The same seed and id give the same damage; in a loop, let one of them differ.
            clip_id: Keys the random streams, so that clips of one seed differ.

        Raises:
            SourceError: `clip` is of another form.
        """
        frames = as_clip(clip)
        info = ClipInfo.of(frames, clip_id)
        return self._apply(clip, frames, info, self.draw(info, seed))

    def draw(self, info: ClipInfo, seed: int) -> Steps:
        """What is drawn for a clip, to be given to `render` and `move` for any window of it."""
        if seed < 0:
            raise SpecError(f"must be 0 or greater, got {seed}", "seed")
        own = Stream(seed, info.id)
        return self.sample(info, own) if self.fires(own) else Steps()

    def render(
        self, frames: Array, params: Steps, start: int, stop: int | None = None, masks: Masks = "layers"
    ) -> Layer:
        """Damages a window of the clip; see `Temporal.render`.

        Args:
            frames: Those that `frames_needed` returns, (N, H, W, C) float32 in [0, 1].
            params: From `draw`.
            start: Index of the first frame requested.
            stop: The one after the last.
            masks: ``"layers"``: a mask for each op, by label. ``"union"``: one of all, by the label "", which later
                ops carry as one. ``"none"``: no mask. Each is faster than the one before.
        """
        bound = self.bind(params)
        if masks != "layers":
            bound = [step._replace(label="" if masks == "union" else None) for step in bound]
        return self._render(bound, frames, params, start, stop)

    def trace(self, info: ClipInfo, params: Steps) -> Trace:
        """The JSON-ready record of what `draw` returned."""
        ops = [op.to_spec() for op in self.ops]
        return Trace(info, ops, params.model_dump(mode="json")["steps"])

    def replay(self, clip: Array, trace: Trace) -> Damaged:
        """Damages a clip as recorded, drawing nothing; `Trace.replay` does it with the trace's own pipeline.

        Raises:
            SpecError: The clip is not of the trace's size, or an op of the trace is missing here.
        """
        frames = as_clip(clip)
        expected = (trace.info.frames, trace.info.height, trace.info.width, trace.info.channels)
        if frames.shape != expected:
            raise SpecError(f"the trace is of a clip of shape {expected}, not {frames.shape}")
        return self._apply(clip, frames, trace.info, self.load_params({"steps": trace.steps}))

    def _apply(self, given: Array, frames: Array, info: ClipInfo, params: Steps) -> Damaged:
        layer = self.render(frames, params, 0)
        shape, dtype = np.shape(given), np.asarray(given).dtype
        out = to_dtype(layer.frames, dtype)
        if np.may_share_memory(out, given):  # no op fired
            out = out.copy()
        masks = {label: mask if len(shape) == 4 else mask[0] for label, mask in layer.masks.items()}
        return Damaged(out.reshape(shape), masks, self.trace(info, params))
