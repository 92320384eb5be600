"""Dried water."""

from functools import partial

import numpy as np

from degrade.core.types import Array
from degrade.textures._vector import clear, detailed, drops, fractal, noise, plane
from degrade.textures.base import ProceduralTexture


class Water(ProceduralTexture):
    """Drops that dried: sharp tide lines, one within the other, about a nearly clear middle."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws the mark of one or a few drops; see `ProceduralTexture.draw`."""
        return detailed(partial(self._draw, rng), height, width)

    def _draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        pixel = 2 / min(height, width)
        x, y = plane(height, width)
        depth = drops(rng, x, y, int(rng.integers(1, 5)), (0.25, 0.65))
        depth += rng.uniform(0.04, 0.1) * noise(rng, height, width, (4, 4))
        depth += rng.uniform(0.01, 0.03) * fractal(rng, height, width, 8, 3, 0.5)
        level, alpha = 0.0, np.zeros((height, width))
        strength = 1.0
        for _ in range(rng.integers(1, 5)):  # the pool shrank in steps, and left a line at each rest
            thin = max(rng.uniform(0.008, 0.02), 0.6 * pixel)
            inside, outside = np.exp(-np.maximum(depth - level, 0) / (4 * thin)), np.minimum(depth - level, 0) / thin
            patchy = np.clip(0.75 + 0.35 * noise(rng, height, width, (6, 6)), 0.1, 1)
            alpha = np.maximum(alpha, strength * patchy * inside * np.exp(-(outside**2)))
            level += rng.uniform(0.05, 0.25)
            strength *= rng.uniform(0.35, 0.9)
        film = np.clip(depth / (0.05 + pixel), 0, 1)
        film *= rng.uniform(0.05, 0.2) * np.clip(1 + 0.5 * fractal(rng, height, width, 4, 4, 0.6), 0.2, 2)
        salt = np.clip(fractal(rng, height, width, 48, 2, 0.8) - 2, 0, 0.4) * (depth > 0)
        return clear(x, y, np.where(depth > -0.1 - 3 * pixel, np.maximum(alpha, film + salt), 0))
