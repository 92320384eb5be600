"""Luma and colour difference signals according to ITU-R BT.601."""

import cv2
import numpy as np

from degrade.core.types import Array, clipped

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma."""
_TO_LUMA = np.array([LUMA], np.float32)


def luma(frame: Array) -> Array:
    """Y of a frame (H, W, C), as (H, W); of a grey one the frame itself."""
    return frame[..., 0] if frame.shape[-1] == 1 else cv2.transform(frame, _TO_LUMA)


def chroma(frame: Array) -> Array:
    """R - Y and B - Y of a colour frame, (H, W, 2)."""
    grey = luma(frame)
    return cv2.merge([cv2.subtract(cv2.extractChannel(frame, channel), grey) for channel in (0, 2)])


def add_chroma(frame: Array, change: Array) -> Array:
    """A colour frame with so much added to R - Y and B - Y; its luma stays, but where a colour clips."""
    red, blue = cv2.split(change)
    green = cv2.addWeighted(red, -LUMA[0] / LUMA[1], blue, -LUMA[2] / LUMA[1], 0)
    out = cv2.merge([red, green, blue])
    out += frame
    return clipped(out)
