"""Cracks in brittle emulsion."""

from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures import _tiles
from degrade.textures._vector import detailed
from degrade.textures.base import ProceduralTexture


class Craquelure(ProceduralTexture):
    """A net of cracks that repeats: long ones first, then finer ones between them, as dry mud breaks."""

    plates: Annotated[int, Field(ge=4, le=1000)] = 24
    """Plates between the long cracks."""
    width: Annotated[float, Field(gt=0, le=0.05)] = 0.006
    """Of a long crack, in canvases."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws the net; see `ProceduralTexture.draw`."""
        return detailed(partial(self._draw, rng), height, width)

    def _draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        size = (height, width)
        x, y = _tiles.grid(*size)
        x = x + 0.02 * _tiles.swell(rng, *size, 6) + 0.004 * _tiles.swell(rng, *size, 28)
        y = y + 0.02 * _tiles.swell(rng, *size, 6) + 0.004 * _tiles.swell(rng, *size, 28)
        alpha = np.zeros(size)
        for count, thin, strength in (
            (self.plates, 1.0, 1.0),
            (5 * self.plates, 0.6, 0.75),
            (16 * self.plates, 0.4, 0.5),
        ):
            gap, *_ = _tiles.walls(rng.random((count, 2)), x, y)
            opened = 0.6 + 0.5 * _tiles.swell(rng, *size, 9)  # closed where this is 0
            if count > self.plates:
                opened -= 0.35
            half = thin * self.width / 2 * np.clip(opened, 0, 1.6)
            soft = max(0.35 * self.width, 0.7 / min(size))
            line = np.clip((half - gap) / soft + 0.5, 0, 1) * np.clip(4 * opened, 0, 1)
            alpha = np.maximum(alpha, strength * np.minimum(1, thin * self.width * min(size) + 0.4) * line)
        return alpha.astype(np.float32)
