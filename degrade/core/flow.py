"""Optical flow by dense inverse search, as OpenCV has it."""

import cv2

from degrade.core.errors import SourceError
from degrade.core.types import Array

SMALLEST = 12
"""Pixels; OpenCV's DIS takes no frames that are smaller in both directions."""


def dis_flow(here: Array, there: Array) -> Array:
    """Where the pixels of a frame are in another: DIS, medium preset (Kroeger et al., ECCV 2016).

    Args:
        here: (H, W) uint8.
        there: The same shape.

    Returns:
        (H, W, 2) float32, pixels to the right and down, from each pixel of `here` to `there`.

    Raises:
        SourceError: Frames of less than 12 pixels in both directions.
    """
    height, width = here.shape
    if max(height, width) < SMALLEST:
        raise SourceError(f"optical flow needs frames of {SMALLEST} pixels or more, got {width}×{height}")
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: Array = estimator.calc(here, there, None)  # type: ignore[call-overload]
    return flow
