"""Bubbles in film base that releases gas."""

from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures import _tiles
from degrade.textures._vector import detailed
from degrade.textures.base import ProceduralTexture


class Honeycomb(ProceduralTexture):
    """Bubbles crowded to a honeycomb of cells of very different size, that repeats: 0 within, 1 on the walls."""

    bubbles: Annotated[int, Field(ge=4, le=5000)] = 260
    """On the canvas."""
    wall: Annotated[float, Field(gt=0, le=1)] = 0.4
    """Thickness of the walls, in radii of the bubble."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws the cells; see `ProceduralTexture.draw`."""
        return detailed(partial(self._draw, rng), height, width)

    def _draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        size = (height, width)
        x, y = _tiles.grid(*size)
        x = x + 0.01 * _tiles.swell(rng, *size, 8)
        y = y + 0.01 * _tiles.swell(rng, *size, 8)
        crowd = rng.random((4 * self.bubbles, 2))
        dense = _tiles.swell(rng, 16, 16, 4)[tuple((crowd.T * 16).astype(int))]
        kept = crowd[np.argsort(dense + 1.6 * rng.standard_normal(dense.size))[: self.bubbles]]
        gap, other, inner = _tiles.walls(kept, x, y)
        radius = gap + inner  # of the cell in this direction, about
        rounded = -np.logaddexp(-9 * gap / radius, -9 * other / radius) / 9
        return np.clip(1 - rounded / self.wall, 0, 1).astype(np.float32) ** 1.5
