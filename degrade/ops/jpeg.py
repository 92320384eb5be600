"""JPEG compression: what a scan goes through on its way to an archive's website."""

from typing import Annotated, Any, ClassVar

import cv2
import numpy as np
from pydantic import Field

from degrade.core.fields import Clean, Interval, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params


class JpegParams(Params):
    """What was drawn."""

    quality: tuple[int, ...]
    """Per frame."""


class Jpeg(Op):
    """Each frame compressed and decompressed as 8-bit JPEG, colour with chroma at half size (4:2:0).

    Quality is a whole number, drawn once per clip, and strays from frame to frame by `jitter`.
    """

    drawn: ClassVar[type[Params]] = JpegParams
    family: ClassVar[Family] = "quality"

    quality: Annotated[Interval, Within(1, 100), Clean(100)] = (40.0, 95.0)
    """Quality as libjpeg counts it, 100 the best."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Greatest deviation of a frame's quality from the clip's, as a share of the range."""

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        """Draws the clip's quality and each frame's deviation."""
        draw, (low, high) = rng.generator("quality"), (round(q) for q in self.quality)
        most = round(self.jitter * (high - low))
        quality = draw.integers(low, high, endpoint=True) + draw.integers(-most, most, info.frames, endpoint=True)
        return JpegParams(quality=tuple(np.clip(quality, low, high).tolist()))

    def render_frame(self, frame: Array, params: Any, t: int) -> Array:
        """Frame t, compressed and decompressed."""
        levels = cv2.convertScaleAbs(frame, alpha=255)
        if frame.shape[-1] == 3:
            levels = cv2.cvtColor(levels, cv2.COLOR_RGB2BGR)
        _, code = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, params.quality[t]])
        decoded: Any = cv2.imdecode(code, cv2.IMREAD_UNCHANGED)
        if frame.shape[-1] == 3:
            decoded = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
        return decoded.astype(np.float32) * np.float32(1 / 255)
