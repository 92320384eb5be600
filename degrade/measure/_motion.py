"""Movement between two frames."""

import cv2
import numpy as np

from degrade.core.types import Array

CORNERS, FEWEST = 300, 8
"""Corners that are followed, and how many a movement needs."""


def affine(one: Array, other: Array) -> Array | None:
    """Shift, rotation and scale that most corners share, a 2 × 3 matrix in pixels; none where there are too few.

    Args:
        one: (H, W) uint8.
        other: The later frame.
    """
    corners = cv2.goodFeaturesToTrack(cv2.GaussianBlur(one, (0, 0), 1.5), CORNERS, 0.01, 8)
    if corners is None or len(corners) < FEWEST:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(one, other, corners, None)  # type: ignore[call-overload]
    back, again, _ = cv2.calcOpticalFlowPyrLK(other, one, moved, None)  # type: ignore[call-overload]
    kept = (found * again).ravel().astype(bool) & (abs(back - corners).max(axis=(1, 2)) < 0.5)
    if kept.sum() < FEWEST:
        return None
    matrix, _ = cv2.estimateAffinePartial2D(corners[kept], moved[kept], ransacReprojThreshold=0.7)
    return matrix


def at_centre(matrix: Array, shape: tuple[int, ...]) -> Array:
    """A movement as x and y of the middle in frame heights, and degrees clockwise, (3,)."""
    middle = (np.array([shape[1], shape[0]]) - 1) / 2
    shift = (matrix[:, :2] @ middle + matrix[:, 2] - middle) / shape[0]
    return np.array([*shift, np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))])


def dense(one: Array, other: Array) -> Array:
    """Optical flow from each pixel of one frame (H, W) uint8 to the other, (H, W, 2) float32 pixels; 0 in tiny ones."""
    if min(one.shape) < 32:
        return np.zeros((*one.shape, 2), np.float32)
    return np.asarray(_dis().calc(one, other, None))  # type: ignore[call-overload]


def _dis() -> "cv2.DISOpticalFlow":
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    flow.setFinestScale(1)
    return flow
