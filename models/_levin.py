"""Colour spread from pixels that have it to those that lack it, along surfaces of like brightness.

Source: Levin, Lischinski, Weiss, "Colorization using Optimization", SIGGRAPH 2004.
"""

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from degrade.core.types import Array

LEAST_VARIANCE = 2e-6
LEAST_WEIGHT = 1e-5
"""Of a neighbour, before they are made to sum to 1; without it, flat islands have no bond to what surrounds them."""
AROUND = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


def spread(color: Array, known: Array, lightness: Array) -> Array:
    """Fills in colour where it is not known.

    An unknown pixel is the mean of its eight neighbours, weighted by exp(−ΔY²/v), Y being the lightness of 0 to 1, and
    v 0.6 times its variance in the 3×3 around.

    Args:
        color: (H, W, 2).
        known: (H, W) bool, at least one of them.
        lightness: (H, W), 0 to 100.

    Returns:
        (H, W, 2) float32; what is known is as it was.
    """
    filled = np.array(color, np.float32)
    rows, columns = np.nonzero(~known)
    if not len(rows):
        return filled
    height, width = known.shape
    y = lightness.astype(np.float64) / 100
    mean = uniform_filter(y, 3, mode="nearest")
    variance = 0.6 * np.maximum(uniform_filter(y * y, 3, mode="nearest") - mean * mean, 0)[rows, columns]
    steps, inside, places = [], [], []
    for dy, dx in AROUND:
        r, c = rows + dy, columns + dx
        inside.append((r >= 0) & (r < height) & (c >= 0) & (c < width))
        r, c = r.clip(0, height - 1), c.clip(0, width - 1)
        steps.append(np.where(inside[-1], (y[rows, columns] - y[r, c]) ** 2, np.inf))
        places.append(r * width + c)
    distance, place = np.stack(steps), np.stack(places)
    variance = np.maximum(np.maximum(variance, -distance.min(0) / np.log(0.01)), LEAST_VARIANCE)
    weight = np.where(np.stack(inside), np.exp(-distance / variance) + LEAST_WEIGHT, 0)
    weight /= weight.sum(0)

    number = np.full(height * width, -1)
    number[rows * width + columns] = np.arange(len(rows))
    there, own = number[place], np.broadcast_to(np.arange(len(rows)), place.shape)
    unknown = there >= 0
    ones = np.ones(len(rows))
    matrix = csc_matrix(
        (
            np.concatenate([ones, -weight[unknown]]),
            (np.concatenate([own[0], own[unknown]]), np.concatenate([own[0], there[unknown]])),
        ),
        shape=(len(rows), len(rows)),
    )
    given = filled.reshape(-1, 2)[place] * np.where(unknown, 0, weight)[..., None]
    filled[rows, columns] = splu(matrix).solve(given.sum(0).astype(np.float64))
    return filled
