"""Patterns on the film strip, which continue from the bottom of one frame to the top of the next."""

import functools
import math

import cv2
import numpy as np

from degrade.core.cache import ByteCache
from degrade.core.rng import at
from degrade.core.types import Array
from degrade.textures import draw

SMALLEST, LARGEST = 128, 512
"""Sides of the smallest and the largest drawing of a texture that repeats."""
SHAPES = 6
"""How many different ones of each there are."""
_pieces: ByteCache[Array] = ByteCache(16 * 2**20, lambda alpha: alpha.nbytes)
"""Frames take all by turns, and one takes up to a tenth of a second to draw: those of two textures stay in memory."""
Part = tuple[slice, slice]
"""Rows and columns of a frame."""


def along(key: int, t: int, size: tuple[int, int], rows: int, part: Part = np.s_[:, :]) -> Array:
    """Smooth normal noise on frame t, its foot continued in frame t + 1; float32.

    Args:
        key: Of the noise.
        t: Frame index in the clip.
        size: Height and width of the frame.
        rows: Cells down a frame; across it there are as many as keep them square.
        part: What of the frame is wanted.
    """
    columns = max(1, round(rows * size[1] / size[0]))
    lattice = np.concatenate([_lattice(key, t, rows, columns), _lattice(key, t + 1, rows, columns)[:1]])
    (above, down), (left, across) = (
        [values[wanted] for values in _places(length, knots)]
        for length, knots, wanted in zip(size, (rows, columns), part, strict=True)
    )
    lines = lattice[above] + down[:, None] * (lattice[above + 1] - lattice[above])
    noise = np.take(lines, left, axis=1)
    noise += across * np.take(np.diff(lines), left, axis=1)
    return noise


def fractal_along(
    key: int, t: int, size: tuple[int, int], rows: int, octaves: int, roughness: float, part: Part = np.s_[:, :]
) -> Array:
    """Octaves of `along`, each twice as fine and `roughness` times as strong; about unit variance."""
    strengths = roughness ** np.arange(octaves)
    strengths /= np.linalg.norm(strengths)
    layers = (
        np.float32(strength) * along(key + octave, t, size, rows << octave, part)
        for octave, strength in enumerate(strengths.tolist())
    )
    return np.asarray(sum(layers), np.float32)


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


def tiled(name: str, key: int, t: int, size: tuple[int, int], side: float) -> Array:
    """A texture that repeats, over all of frame t, another piece of it for every frame; float32.

    Args:
        name: Of the texture.
        key: Of the piece.
        t: Frame index in the clip.
        size: Height and width of the frame.
        side: Of the texture's canvas, in pixels.
    """
    rng, drawn = at(key, t), max(8, round(side))
    side_px = int(np.clip(2 ** math.ceil(math.log2(drawn)), SMALLEST, LARGEST))
    shape = int(rng.integers(SHAPES))
    tile = _pieces.get((name, shape, side_px), lambda: draw(name, shape, side_px, side_px))
    tile = np.rot90(tile, int(rng.integers(4)))[:, :: int(rng.choice((-1, 1)))]
    filters = cv2.INTER_AREA if drawn < side_px else cv2.INTER_LINEAR
    tile = cv2.resize(np.ascontiguousarray(tile), (drawn, drawn), interpolation=filters)
    rows, columns = ((int(rng.integers(drawn)) + np.arange(length)) % drawn for length in size)
    return np.take(tile[rows], columns, axis=1)


def ease(values: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    share = np.clip((values - low) * np.float32(1 / (high - low)), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
