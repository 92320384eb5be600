"""Sizes and shapes of marks."""

import cv2
import numpy as np

from degrade.core.types import Array


def outline_measures(points: Array) -> tuple[float, float, float]:
    """Longest side, its ratio to the shorter one, and the share of its convex hull that a polygon (N, 2) fills."""
    points = np.asarray(points, np.float32)
    sides = np.sort(cv2.minAreaRect(points)[1]) + 1  # points are the middles of pixels
    hull = cv2.contourArea(cv2.convexHull(points))
    return float(sides[1]), float(sides[1] / sides[0]), cv2.contourArea(points) / hull if hull else 1.0


def filled(outline: Array) -> Array:
    """A polygon (N, 2) in pixels as a mask, uint8."""
    outline = outline - outline.min(axis=0) + 1
    canvas = np.zeros(np.ceil(outline.max(axis=0)[::-1]).astype(int) + 2, np.uint8)
    return cv2.fillPoly(canvas, [np.round(16 * outline).astype(np.int32)], 1, shift=4)


def parts_of(mask: Array) -> list[tuple[float, float, float]]:
    """Measures of each connected part of a mask (H, W), uint8."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [outline_measures(outline[:, 0]) for outline in outlines if len(outline) > 2]
