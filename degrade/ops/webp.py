"""WebP compression, as of pictures and clips on the web."""

from typing import Annotated, ClassVar

import cv2

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.types import Array
from degrade.ops._compressed import Compressed, CompressedParams, recoded


class Webp(Compressed):
    """Each frame compressed and decompressed as lossy 8-bit WebP, chroma at half size (4:2:0).

    Quality is a whole number, drawn once per clip, and strays from frame to frame by `jitter`. Slower than other
    ops, about 60 frames of 640×368 a second: libwebp searches as long for its predictions as it does on the web.
    """

    carries_exactly: ClassVar[bool] = False  # blocks are coded as a whole

    quality: Annotated[Interval, Within(1, 100), Neutral(100)] = (20.0, 80.0)
    """Quality as libwebp counts it, 100 the best."""

    def render_frame(self, frame: Array, params: CompressedParams, t: int) -> Array:
        """Frame t, compressed and decompressed."""
        return recoded(frame, ".webp", cv2.IMWRITE_WEBP_QUALITY, params.quality[t])
