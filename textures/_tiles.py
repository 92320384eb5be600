"""Shared code of tileable textures, whose opposite sides match."""

import cv2
import numpy as np

from degrade.core.types import Array


def grid(height: int, width: int) -> tuple[Array, Array]:
    """x (1, width) and y (height, 1) of the pixels' centres, from 0 to 1."""
    return (np.arange(width)[None] + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height


def swell(rng: np.random.Generator, height: int, width: int, cells: int) -> Array:
    """Smooth normal noise with that many cells down and across, that repeats; (height, width) float64."""
    lattice = np.pad(rng.standard_normal((cells, cells)), 3, "wrap").astype(np.float32)
    x, y = (((at * cells) + 2.5).astype(np.float32) for at in grid(height, width))
    x, y = np.broadcast_to(x, (height, width)), np.broadcast_to(y, (height, width))
    return cv2.remap(lattice, np.ascontiguousarray(x), np.ascontiguousarray(y), cv2.INTER_CUBIC).astype(float)


def walls(points: Array, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """The cells about `points` (N, 2) in the unit square that repeats, at x, y.

    Returns:
        Distance to the nearest wall, to another, and to the cell's own point, each (H, W).
    """
    from scipy.spatial import cKDTree  # here, since few need it

    at = np.stack(np.broadcast_arrays(x % 1, y % 1), -1)
    distance, index = (np.asarray(found) for found in cKDTree(points, boxsize=np.ones(2)).query(at, 3))
    apart = points[index[..., 1:]] - points[index[..., :1]]
    apart -= np.rint(apart)
    gap = (distance[..., 1:] ** 2 - distance[..., :1] ** 2) / (2 * np.linalg.norm(apart, axis=-1))
    return gap.min(-1), gap.max(-1), distance[..., 0]
