"""Luma and colour difference signals according to ITU-R BT.601."""

import cv2
import numpy as np

from degrade.core.types import Array

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma."""
_TO_LUMA = np.array([LUMA], np.float32)
_TO_CHROMA = np.array([[1, 0, 0], [0, 0, 1]], np.float32) - _TO_LUMA
_FROM_CHROMA = np.array([[1, 0], [-LUMA[0] / LUMA[1], -LUMA[2] / LUMA[1]], [0, 1]], np.float32)


def luma(frame: Array) -> Array:
    """Y of a frame (H, W, C), as (H, W); of a grey one the frame itself."""
    return frame[..., 0] if frame.shape[-1] == 1 else cv2.transform(frame, _TO_LUMA)


def chroma(frame: Array) -> Array:
    """R - Y and B - Y of a colour frame, (H, W, 2)."""
    return cv2.transform(frame, _TO_CHROMA)


def add_chroma(frame: Array, change: Array) -> Array:
    """A colour frame with so much added to R - Y and B - Y; its luma stays, but where a colour clips."""
    out = cv2.transform(change, _FROM_CHROMA)
    out += frame
    return np.clip(out, 0, 1, out=out)
