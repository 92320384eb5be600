"""Gate weave: the film never settles in exactly the same position."""

from typing import Annotated, ClassVar

import cv2
import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Layer, Params, clipped
from degrade.ops._geometry import warp, warp_mask
from degrade.ops._packing import short_floats


class WeaveParams(Params):
    """What was drawn, per frame."""

    x: tuple[float, ...]
    """To the right, in frame heights, so that it fits the clip at any size."""
    y: tuple[float, ...]
    """Downwards, in frame heights."""
    degrees: tuple[float, ...]
    """Counter-clockwise, about the centre."""


class Weave(Op[WeaveParams]):
    """Shift and rotation of the whole picture, each an Ornstein–Uhlenbeck process over the frames.

    Film is pulled down frame by frame and guided at its sides: in silent films the picture bounces up and down
    nearly anew in every frame (correlation of 0.5 to 2) and sways slowly from side to side (4 to 16 frames).

    Bicubic, mirrored at the border. Masks of what is on the film already, and targets that are to stay
    aligned, move in just the same way.
    """

    family: ClassVar[Family] = "transport"

    x: Annotated[Interval, Within(0, 0.2, "frame heights"), Neutral(0)] = (0.0005, 0.002)
    """Standard deviation of the horizontal shift, drawn per clip."""
    y: Annotated[Interval, Within(0, 0.2, "frame heights"), Neutral(0)] = (0.0005, 0.003)
    """Standard deviation of the vertical shift, drawn per clip."""
    rotation: Annotated[Interval, Within(0, 10, "degrees"), Neutral(0)] = (0.0, 0.05)
    """Standard deviation of the rotation, drawn per clip."""
    correlation: Annotated[Interval, Within(0, 10_000, "frames")] = (1.0, 8.0)
    """Frames after which the autocorrelation has fallen to 1/e, drawn per clip; 0 for independent frames."""
    correlation_y: Annotated[Interval, Within(0, 10_000, "frames")] | None = None
    """The same of the vertical shift alone; none: `correlation` holds for it too."""

    def sample(self, info: ClipInfo, rng: Stream) -> WeaveParams:
        """Draws amplitudes and correlation, then the three tracks."""
        draw = rng.generator("amplitudes")
        std = {
            "x": draw.uniform(*self.x),
            "y": draw.uniform(*self.y),
            "rotation": draw.uniform(*self.rotation),
        }
        correlation = dict.fromkeys(std, draw.uniform(*self.correlation))
        if self.correlation_y is not None:
            correlation["y"] = draw.uniform(*self.correlation_y)
        x, y, rotation = (
            amplitude * ornstein_uhlenbeck(rng.generator(track), info.frames, correlation[track])
            for track, amplitude in std.items()
        )
        return WeaveParams(x=short_floats(x), y=short_floats(y), degrees=short_floats(rotation))

    def render(self, frames: Array, params: WeaveParams, start: int) -> Layer:
        """See `Op.render`."""
        return Layer(self.move(frames, params, start), {})

    def move(self, frames: Array, params: WeaveParams, start: int) -> Array:
        """See `Op.move`."""
        out = np.empty_like(frames)
        for i, frame in enumerate(frames):
            matrix = _matrix(params, start + i, frame.shape)
            if matrix is None:
                out[i] = frame
            else:
                clipped(warp(frame, matrix, out[i]))
        return out

    def carry(self, masks: Array, params: WeaveParams, start: int) -> Array:
        """See `Op.carry`."""
        moved = np.zeros_like(masks)
        for i, mask in enumerate(masks):
            matrix = _matrix(params, start + i, mask.shape)
            if matrix is None:
                moved[i] = mask
            else:
                warp_mask(mask, matrix, moved[i])
        return moved


def _matrix(params: WeaveParams, t: int, shape: tuple[int, ...]) -> Array | None:
    """Where frame t moves, (2, 3); None if it stays."""
    height, width = shape[:2]
    shift, degrees = (params.x[t] * height, params.y[t] * height), params.degrees[t]
    if shift == (0, 0) and degrees == 0:
        return None
    matrix: Array = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    matrix[:, 2] += shift
    return matrix
