"""Random brightness and contrast per frame."""

from typing import Annotated, ClassVar

import cv2
import numpy as np

from degrade.core.color import LUMA
from degrade.core.fields import Interval, Neutral, Probability, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._packing import short_floats


class ExposureJitterParams(Params):
    """What was drawn, per frame; 1 where nothing changes."""

    brightness: tuple[float, ...]
    contrast: tuple[float, ...]


class ExposureJitter(Op[ExposureJitterParams]):
    """Brightness, then contrast about the frame's mean luma, drawn anew for each frame that changes.

    As torchvision's and albumentations' ColorJitter. For flicker that drifts, as film's does, see `flicker`.
    """

    family: ClassVar[Family] = "exposure"
    carries_exactly: ClassVar[bool] = False  # the mean is that of a frame with its defects

    frame_p: Probability = 0.5
    """Probability that a frame changes."""
    brightness: Annotated[Interval, Within(0, 4), Neutral(1)] = (0.8, 1.2)
    """Factor of all values."""
    contrast: Annotated[Interval, Within(0, 4), Neutral(1)] = (0.9, 1.0)
    """Factor of the distance from the mean."""

    def sample(self, info: ClipInfo, rng: Stream) -> ExposureJitterParams:
        """Draws which frames change, and how."""
        draw, frames = rng.generator("frames"), info.frames
        change = draw.random(frames) < self.frame_p
        brightness, contrast = draw.uniform(*self.brightness, frames), draw.uniform(*self.contrast, frames)
        return ExposureJitterParams(
            brightness=short_floats(np.where(change, brightness, 1)),
            contrast=short_floats(np.where(change, contrast, 1)),
        )

    def render_frame(self, frame: Array, params: ExposureJitterParams, t: int) -> Array:
        """Frame t, with its brightness and contrast."""
        brightness, contrast = params.brightness[t], params.contrast[t]
        if brightness == contrast == 1:
            return frame
        out = np.minimum(frame * np.float32(brightness), 1)
        mean = _luma(out)
        out *= np.float32(contrast)
        out += np.float32((1 - contrast) * mean)
        return clipped(out)


def _luma(frame: Array) -> float:
    """Mean Rec. 601 luma."""
    means = cv2.mean(frame)  # sums in float64
    return means[0] if frame.shape[-1] == 1 else sum(weight * mean for weight, mean in zip(LUMA, means, strict=False))
