"""Base of ops that compress each frame on its own, with a quality of at most 100."""

from typing import Annotated, Any, ClassVar

import cv2
import numpy as np
from pydantic import Field

from degrade.core.fields import Interval
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params


class CompressedParams(Params):
    """What was drawn."""

    quality: tuple[int, ...]
    """Per frame."""


class Compressed(Op[CompressedParams]):
    """Quality is a whole number, drawn once per clip, and strays from frame to frame by `jitter`."""

    family: ClassVar[Family] = "quality"

    quality: Interval
    """Each op says how it is counted."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Greatest deviation of a frame's quality from the clip's, as a share of the range."""

    def sample(self, info: ClipInfo, rng: Stream) -> CompressedParams:
        """Draws the clip's quality and each frame's deviation."""
        draw, (low, high) = rng.generator("quality"), (round(q) for q in self.quality)
        most = round(self.jitter * (high - low))
        quality = draw.integers(low, high, endpoint=True) + draw.integers(-most, most, info.frames, endpoint=True)
        return CompressedParams(quality=tuple(np.clip(quality, low, high).tolist()))


def recoded(frame: Array, extension: str, flag: int, quality: int) -> Array:
    """A frame (H, W, C) in [0, 1], compressed by OpenCV's encoder for an extension, and decompressed."""
    grey = frame.shape[-1] == 1
    levels = cv2.convertScaleAbs(frame, alpha=255)
    if not grey:
        levels = cv2.cvtColor(levels, cv2.COLOR_RGB2BGR)
    _, code = cv2.imencode(extension, levels, [flag, quality])
    decoded: Any = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    if not grey:
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    return decoded.astype(np.float32).reshape(frame.shape) * np.float32(1 / 255)
