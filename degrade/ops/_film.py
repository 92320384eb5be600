"""What lies on the strip of film rather than on a frame: it runs on from the foot of a frame to the head of the next."""

import functools

import cv2
import numpy as np

from degrade.core.rng import at
from degrade.core.types import Array
from degrade.textures import draw

TILE = 256
"""Side of the drawing of a texture that repeats."""


def along(key: int, t: int, height: int, width: int, rows: int) -> Array:
    """Smooth normal noise on frame t, its foot continued in frame t + 1; (height, width) float32.

    Args:
        key: Of the noise.
        t: Frame index in the clip.
        height: In pixels.
        width: In pixels.
        rows: Cells down a frame; across it there are as many as keep them square.
    """
    columns = max(1, round(rows * width / height))
    lattice = np.concatenate([_lattice(key, t, rows, columns), _lattice(key, t + 1, rows, columns)[:1]])
    down, across = _places(height, rows), _places(width, columns)
    lines = lattice[down[0]] + down[1][:, None] * (lattice[down[0] + 1] - lattice[down[0]])
    left = np.take(lines, across[0], axis=1)
    left += across[1] * (np.take(lines, across[0] + 1, axis=1) - left)
    return left


def fractal_along(key: int, t: int, height: int, width: int, rows: int, octaves: int, roughness: float) -> Array:
    """Octaves of `along`, each twice as fine and `roughness` times as strong; about unit variance."""
    strengths = roughness ** np.arange(octaves)
    strengths /= np.linalg.norm(strengths)
    total = np.zeros((height, width), np.float32)
    for octave, strength in enumerate(strengths.tolist()):
        total += np.float32(strength) * along(key + octave, t, height, width, rows << octave)
    return total


@functools.lru_cache(maxsize=256)
def _lattice(key: int, t: int, rows: int, columns: int) -> Array:
    return at(key, t).standard_normal((rows, columns + 1)).astype(np.float32)


@functools.lru_cache(maxsize=64)
def _places(length: int, knots: int) -> tuple[Array, Array]:
    """For each pixel the knot before it, and how far it is on the way to the next, eased."""
    place = (np.arange(length) + 0.5) * knots / length
    before = np.minimum(place.astype(int), knots - 1)
    share = place - before
    return before, (share * share * (3 - 2 * share)).astype(np.float32)


def tiled(name: str, key: int, t: int, height: int, width: int, side: float, shapes: int) -> Array:
    """A texture that repeats, over all of frame t, another piece of it for every frame; (height, width) float32.

    Args:
        name: Of the texture.
        key: Of the piece.
        t: Frame index in the clip.
        height: In pixels.
        width: In pixels.
        side: Of the texture's canvas, in pixels.
        shapes: How many different ones are drawn from.
    """
    rng = at(key, t)
    shape, angle, scale = int(rng.integers(shapes)), rng.uniform(0, 2 * np.pi), TILE / max(side, 8.0)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cos, -sin, rng.uniform(0, TILE)], [sin, cos, rng.uniform(0, TILE)]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    piece = cv2.warpAffine(draw(name, shape, TILE, TILE), matrix, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP)
    return piece.reshape(height, width)


def ease(values: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    share = np.clip((values - low) * np.float32(1 / (high - low)), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
