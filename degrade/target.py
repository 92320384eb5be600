"""The sharpened ground truth.

It is what the authors of RTN train towards (Wan et al., CVPR 2022, released code), in place of the clean
frames. A perfect clean frame scores only 28 to 33 dB against it, so results must say which is meant.
"""

import cv2
import numpy as np

from degrade.core.memory import bands
from degrade.core.types import Array, clipped
from degrade.ops._blur import gaussian

WEIGHT = 0.5
"""Of the residual that is added."""
THRESHOLD = 10 / 255
"""Residuals up to it are left alone."""

SIGMA = 8.0
"""Of the blur, in pixels."""


def sharpen(frames: Array) -> Array:
    """Unsharp mask where the picture has detail: I + s · (clip(I + r / 2) − I).

    r is what a Gaussian of 51 pixels, σ = 8, takes away from I; s is 1 where |r| > 10/255, else 0,
    blurred by the same Gaussian. Each channel by itself.

    Args:
        frames: (N, H, W, C) float32 in [0, 1]; not changed.

    Returns:
        The same shape and range, within 1/255 of the exact result.
    """
    out = np.empty_like(frames)
    for frame, sharp in zip(frames, out, strict=True):
        blurred = gaussian(frame, SIGMA)
        for band in bands(frame.shape):
            detail = cv2.absdiff(frame[band], blurred[band])
            cv2.threshold(detail, THRESHOLD, 1, cv2.THRESH_BINARY, dst=sharp[band])
        soft = gaussian(sharp, SIGMA)
        for band in bands(frame.shape):
            change = sharp[band]
            cv2.addWeighted(frame[band], 1 + WEIGHT, blurred[band], -WEIGHT, 0, dst=change)
            clipped(change)
            change -= frame[band]
            change *= soft[band]
            change += frame[band]
            clipped(change)  # rounding may lead a little beyond
    return out
