"""Blotches: emulsion torn off, or a thick deposit."""

from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures._vector import clear, drops, fractal, noise, plane
from degrade.textures.base import ProceduralTexture


class Blotch(ProceduralTexture):
    """One opaque blotch that fills the canvas: scalloped or frayed at its edge, with crumbs around it."""

    ragged: Annotated[float, Field(ge=0, le=1)] = 0.3
    """How far the edge strays at most, in half canvases; blotches range from a third of this."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one blotch; see `ProceduralTexture.draw`."""
        x, y = plane(height, width)
        depth = drops(rng, x, y, int(rng.integers(1, 5)), (0.18, 0.5))
        depth += rng.uniform(0.03, 0.12) * noise(rng, height, width, (5, 5))
        ragged = self.ragged * rng.uniform(1 / 3, 1)
        scallops = abs(fractal(rng, height, width, 6, 3, 0.5)) - 0.8  # cusps outwards, as gelatine tears
        frayed = fractal(rng, height, width, 16, 4, 0.7)
        scalloped = rng.uniform()
        depth -= ragged * (scalloped * scallops + 0.6 * (1 - scalloped) * frayed)
        near = np.clip(1 + depth / 0.25, 0, 1)
        crumbs = 0.3 * (fractal(rng, height, width, 24, 2, 0.7) - rng.uniform(1.6, 2.6)) * near
        edge = max(0.02, 3 / min(height, width))
        return clear(x, y, np.maximum(depth, np.where(near > 0, crumbs, -1)) / edge + 0.5)
