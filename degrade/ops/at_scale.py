"""Ops at another resolution."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from pydantic import model_validator

from degrade.core.composition import Composition, OpLike, Steps
from degrade.core.errors import SpecError
from degrade.core.fields import Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.steps import draw, wrap_masks
from degrade.core.types import Array, ClipInfo, Layer, clipped, reached
from degrade.ops._weights import Weights, check_weights, probabilities

Filter = Literal["nearest", "bilinear", "bicubic", "lanczos", "area"]
"""OpenCV's resampling filters; all but ``area`` leave out the low-pass when they shrink."""

FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
}


class AtScaleParams(Steps):
    """What was drawn."""

    scale: float
    """Size relative to the frame."""
    shrink: tuple[Filter, ...]
    """Filter on the way in, per frame."""
    enlarge: tuple[Filter, ...]
    """Filter on the way back, per frame."""


class AtScale(Composition[AtScaleParams]):
    """Resizes, applies the inner ops, and resizes back; masks come back with the picture.

    This is how a loss of resolution is said which later noise and compression inherit. Without inner
    ops it takes in all that follows it in its own sequence, so that in a `Shuffle` it may fall anywhere.
    """

    scales: Annotated[tuple[Annotated[Interval, Within(0.01, 4, "of the frame's size")], ...], Neutral(1)] = (
        (0.25, 1.0),
    )
    """One or several ranges, of which one is drawn per clip; below 1 is smaller."""
    weights: Weights = ()
    """How often each range is chosen, relative to the others; equally if not given."""
    filters: tuple[Filter, ...] = ("bicubic", "bilinear", "lanczos")
    """Filters of which one is drawn per frame and direction."""

    def __init__(self, *ops: OpLike | Sequence[OpLike], **parameters: Any) -> None:
        super().__init__(*ops, **parameters)

    @model_validator(mode="after")
    def _check(self) -> "AtScale":
        if not self.scales or not self.filters:
            raise SpecError("must not be empty", "filters" if self.scales else "scales")
        check_weights(self.weights, len(self.scales), "scales")
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> AtScaleParams:
        """Draws scale and filters, then the inner ops for the other size."""
        generator = rng.generator("scale")
        low, high = self.scales[generator.choice(len(self.scales), p=probabilities(self.weights, len(self.scales)))]
        scale = float(generator.uniform(low, high))
        ways = np.array(self.filters)[generator.integers(len(self.filters), size=(2, info.frames))].tolist()
        steps = draw(self.labelled(), info.scaled(scale), rng)
        return AtScaleParams(scale=scale, shrink=tuple(ways[0]), enlarge=tuple(ways[1]), steps=steps)

    @property
    def wraps_remaining(self) -> bool:
        """Without inner ops; see `Op.wraps_remaining`."""
        return not self.ops

    def info_for_remaining(self, info: ClipInfo, params: AtScaleParams) -> ClipInfo:
        """The other size, if they are wrapped; see `Op.info_for_remaining`."""
        return info.scaled(params.scale) if self.wraps_remaining else info

    def render(self, frames: Array, params: AtScaleParams, start: int, stop: int | None = None) -> Layer:
        """See `Temporal.render`."""
        frames, first, stop = self.window(frames, params, start, stop)
        return self.wrap(
            frames, params, first, start, lambda small: super(AtScale, self).render(small, params, start, stop)
        )

    def carry(self, masks: Array, params: AtScaleParams, start: int, stop: int | None = None) -> Array:
        """Resized as the picture is; see `Temporal.carry`."""
        masks, first, stop = self.window(masks, params, start, stop)
        return wrap_masks({"": masks}, self, self.bind(params), params, first, start, stop)[""]

    def wrap(
        self,
        frames: Array,
        params: AtScaleParams,
        first: int,
        start: int,
        inner: Callable[[Array], Layer],
        limit: Callable[[Array], Array] = clipped,
    ) -> Layer:
        """Resizes frames, applies `inner`, and resizes back what it returns; see `Op.wrap`."""
        height, width = frames.shape[1:3]
        small = ClipInfo(frames=1, height=height, width=width).scaled(params.scale)
        if (small.height, small.width) == (height, width):
            return inner(frames)
        layer = inner(_resize(frames, small.height, small.width, params.shrink[first:], limit))
        back = params.enlarge[start:]
        masks = {label: _resize(mask, height, width, back, reached) for label, mask in layer.masks.items()}
        return Layer(_resize(layer.frames, height, width, back, limit), masks)


def _resize(frames: Array, height: int, width: int, filters: Sequence[str], limit: Callable[[Array], Array]) -> Array:
    out = np.empty((len(frames), height, width, frames.shape[-1]), np.float32)
    for i, frame in enumerate(frames):
        cv2.resize(frame, (width, height), dst=out[i], interpolation=FILTERS[filters[i]])
        limit(out[i])
    return out
