"""Fingerprints."""

from functools import partial

import numpy as np

from degrade.core.types import Array
from degrade.textures._vector import clear, detailed, fractal, noise, plane
from degrade.textures.base import ProceduralTexture


class Fingerprint(ProceduralTexture):
    """The print of a fingertip: ridges that arch over a core (a loop or an arch) or run around it (a whorl)."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one print; see `ProceduralTexture.draw`."""
        return detailed(partial(self._draw, rng), height, width)

    def _draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        x, y = plane(height, width)
        shape = (height, width)
        u = x - rng.uniform(-0.15, 0.15) + 0.1 * noise(rng, *shape, (3, 3))
        v = y - rng.uniform(-0.1, 0.25) + 0.1 * noise(rng, *shape, (3, 3))
        above = np.hypot(u, 0.8 * v)
        if rng.random() < 0.35:
            around = above
        else:  # below the core the ridges run down, more or less spread
            around = np.where(v < 0, above, abs(u) / (1 + rng.uniform(0, 0.7) * np.maximum(v, 0)))
        phase = 2 * np.pi * (rng.uniform(14, 18) * around + 0.4 * noise(rng, *shape, (5, 5)))
        ridges = np.clip(0.55 + 0.9 * np.cos(phase) + 0.35 * fractal(rng, *shape, 24, 3, 0.8), 0, 1)
        tip = np.hypot(x / rng.uniform(0.6, 0.75), y / 0.88) + 0.08 * noise(rng, *shape, (4, 4))
        pressed = np.clip((1 - tip) / 0.25, 0, 1) * np.clip(0.7 + 0.5 * noise(rng, *shape, (4, 4)), 0.05, 1)
        return clear(x, y, pressed * (0.12 + 0.88 * ridges))
