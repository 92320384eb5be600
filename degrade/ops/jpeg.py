"""JPEG compression, as of scans on an archive's website."""

from typing import Annotated, ClassVar

import cv2

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.types import Array
from degrade.ops._compressed import Compressed, CompressedParams, recoded


class Jpeg(Compressed):
    """Each frame compressed and decompressed as 8-bit JPEG, colour with chroma at half size (4:2:0).

    Quality is a whole number, drawn once per clip, and strays from frame to frame by `jitter`.
    """

    carries_exactly: ClassVar[bool] = False  # blocks are coded as a whole

    quality: Annotated[Interval, Within(1, 100), Neutral(100)] = (40.0, 95.0)
    """Quality as libjpeg counts it, 100 the best."""

    def render_frame(self, frame: Array, params: CompressedParams, t: int) -> Array:
        """Frame t, compressed and decompressed."""
        return recoded(frame, ".jpg", cv2.IMWRITE_JPEG_QUALITY, params.quality[t])
