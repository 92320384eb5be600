"""Antialiased shapes in unit coordinates, and noise that does not depend on the resolution."""

import math
from collections.abc import Callable, Iterable

import cv2
import numpy as np

from degrade.core.types import Array

MARGIN = 0.06
"""Share of the canvas that stays clear on each side of a single defect."""


def fit(points: Array, margin: float = MARGIN) -> Array:
    """Points (N, 2) moved and scaled, their proportions kept, so that they just fill the unit square."""
    low, high = points.min(0), points.max(0)
    scale = (1 - 2 * margin) / max(float((high - low).max()), 1e-9)
    return np.asarray(0.5 + scale * (points - (low + high) / 2))


def fill(polygons: Iterable[Array], height: int, width: int) -> Array:
    """The union of polygons, each (N, 2) as x, y in [0, 1]; (height, width) float32, antialiased."""
    canvas, scale = _canvas(height, width)
    for polygon in polygons:
        cv2.fillPoly(canvas, [_fixed(polygon * scale)], 255, shift=4)
    return _shrink(canvas, height, width)


def strokes(paths: Iterable[tuple[Array, Array, float]], height: int, width: int) -> Array:
    """Round brush strokes, the darkest winning where they cross.

    Args:
        paths: Points (N, 2) as x, y in [0, 1], brush widths (N,) in shorter sides, and alpha.
        height: Of the canvas, in pixels.
        width: Of the canvas, in pixels.

    Returns:
        (height, width) float32 in [0, 1], antialiased.
    """
    # OpenCV draws lines of 1 px as such, of 2 px as 3 px, and all others about 2 px too wide.
    canvas, scale = _canvas(height, width)
    for points, widths, alpha in sorted(paths, key=lambda path: path[2]):
        ends = _fixed(points * scale)
        wide = widths * scale.min()
        brush = np.rint(np.select([wide < 2, wide < 4], [1, 2], wide - 2)).astype(int).tolist()
        for a, b, thickness in zip(ends[:-1].tolist(), ends[1:].tolist(), brush, strict=False):
            cv2.line(canvas, a, b, round(255 * alpha), thickness, shift=4)
    return _shrink(canvas, height, width)


def noise(rng: np.random.Generator, height: int, width: int, cells: tuple[int, int]) -> Array:
    """Smooth normal noise with that many cells down and across; (height, width) float32."""
    lattice = rng.standard_normal(cells).astype(np.float32)
    shrinks = height < cells[0] or width < cells[1]
    return cv2.resize(lattice, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def fractal(
    rng: np.random.Generator, height: int, width: int, cells: int, octaves: int, roughness: float = 0.5
) -> Array:
    """Octaves of `noise`, each twice as fine and `roughness` times as strong; about unit variance."""
    strengths = roughness ** np.arange(octaves)
    layers = (
        strength * noise(rng, height, width, (cells << octave, cells << octave))
        for octave, strength in enumerate((strengths / np.linalg.norm(strengths)).tolist())
    )
    return np.asarray(sum(layers), np.float32)


def plane(height: int, width: int) -> tuple[Array, Array]:
    """x (1, width) and y (height, 1) of the pixels' centres, from -1 to 1, float32."""
    x, y = ((np.arange(n, dtype=np.float32) + 0.5) * (2 / n) - 1 for n in (width, height))
    return x, y[:, None]


def drops(rng: np.random.Generator, x: Array, y: Array, count: int, radius: tuple[float, float]) -> Array:
    """How far inside some round drops that ran together a point of `plane` lies; negative outside of them."""
    depth = np.full((y.size, x.size), -9, np.float32)
    for _ in range(count):
        turned, squeeze, reach = rng.uniform(0, np.pi), np.exp(rng.uniform(0, 0.5)), rng.uniform(*radius)
        x0, y0 = (0.8 - reach) * rng.uniform(-1, 1, 2)
        across = np.cos(turned) * (x - x0) + np.sin(turned) * (y - y0)
        along = (np.cos(turned) * (y - y0) - np.sin(turned) * (x - x0)) * squeeze
        depth = np.logaddexp(10 * depth, 10 * (reach - np.hypot(across, along))) / 10
    return depth


def clear(x: Array, y: Array, alpha: Array) -> Array:
    """`alpha` on `plane`, within [0, 1] and ending softly before the border."""
    ends = np.clip((0.96 - np.maximum(abs(x), abs(y))) / 0.1, 0, 1)
    return np.asarray(np.clip(alpha * ends, 0, 1), np.float32)


def detailed(paint: Callable[[int, int], Array], height: int, width: int, least: int = 192) -> Array:
    """What `paint(height, width)` gives, drawn larger where the canvas is too small for its detail, and reduced."""
    over = math.ceil(least / max(height, width))
    large = paint(over * height, over * width)
    return cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA) if over > 1 else large


def wander(rng: np.random.Generator, count: int, knots: int) -> Array:
    """A smooth normal curve through that many random knots; (count,) float64."""
    curve = rng.standard_normal((knots, 1)).astype(np.float32)
    return cv2.resize(curve, (1, count), interpolation=cv2.INTER_CUBIC)[:, 0].astype(float)


def soften(alpha: Array, sigma: float) -> Array:
    """Gaussian blur, sigma in shorter sides, nothing beyond the border."""
    pixels = sigma * min(alpha.shape)
    if pixels < 0.2:
        return alpha
    return cv2.GaussianBlur(alpha, (0, 0), pixels, borderType=cv2.BORDER_CONSTANT)


def _canvas(height: int, width: int) -> tuple[Array, Array]:
    over = int(np.clip(640 // max(height, width), 3, 16))
    return np.zeros((height * over, width * over), np.uint8), over * np.array([width, height])


def _fixed(points: Array) -> Array:
    """Points in 28.4 fixed point; OpenCV counts from the centre of the first pixel."""
    return np.rint(16 * (points - 0.5)).astype(np.int32)


def _shrink(canvas: Array, height: int, width: int) -> Array:
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255
