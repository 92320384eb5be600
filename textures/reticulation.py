"""Reticulation of gelatine."""

from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures import _tiles
from degrade.textures._vector import detailed
from degrade.textures.base import ProceduralTexture

WAVES = 24


class Reticulation(ProceduralTexture):
    """The leathery pattern of gelatine that swelled and shrank at once: a maze of ridges, that repeats."""

    ridges: Annotated[int, Field(ge=2, le=100)] = 22
    """Ridges across the canvas."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws the maze; see `ProceduralTexture.draw`."""
        return detailed(partial(self._draw, rng), height, width)

    def _draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        x, y = _tiles.grid(height, width)
        x = x + 0.006 * _tiles.swell(rng, height, width, 12)
        y = y + 0.006 * _tiles.swell(rng, height, width, 12)
        total = np.zeros((height, width))
        for way in rng.uniform(0, np.pi, WAVES):  # waves of one length in all directions meet themselves at the sides
            across, down = (round(self.ridges / 2 * f(way) * rng.uniform(0.8, 1.25)) for f in (np.cos, np.sin))
            total += np.cos(2 * np.pi * (across * x + down * y + rng.random()))
        total /= np.sqrt(WAVES / 2)
        return np.exp(-((total / 0.45) ** 2)).astype(np.float32)
