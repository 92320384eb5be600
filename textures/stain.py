"""Stains: translucent dirt and dried water."""

from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures._vector import clear, drops, fractal, noise, plane
from degrade.textures.base import ProceduralTexture


class Stain(ProceduralTexture):
    """One stain that fills the canvas: a cloudy film, darker in tide lines where it dried from the rim."""

    tide: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Strength of the tide lines at most; they range from none to this."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one stain; see `ProceduralTexture.draw`."""
        pixel = 2 / min(height, width)
        x, y = plane(height, width)
        depth = drops(rng, x, y, rng.choice([1, 1, 2, 3]), (0.4, 0.75))
        depth += rng.uniform(0.06, 0.14) * noise(rng, height, width, (5, 5))
        depth += rng.uniform(0.01, 0.08) * fractal(rng, height, width, 5, 4, 0.5)  # inwards from the rim
        edge = max(np.exp(rng.uniform(*np.log((0.03, 0.4)))), 2 * pixel)
        body = np.clip(depth / edge, 0, 1)
        body = body * body * (3 - 2 * body)
        body *= np.clip(0.55 + rng.uniform(0.05, 0.25) * fractal(rng, height, width, 3, 5, 0.65), 0.05, 1)
        body *= 1 - rng.uniform(0, 0.8) * np.clip(depth / 0.3, 0, 1)  # what dries leaves its middle clean
        tide = self.tide * rng.uniform() * np.clip(1 + 0.5 * noise(rng, height, width, (5, 5)), 0, 2)
        lines, at, strength = np.zeros_like(depth), 0.03, 1.0
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            thin = max(rng.uniform(0.012, 0.04), pixel)
            lines += strength * np.exp(-(((depth - at) / thin) ** 2))
            at, strength = at + rng.uniform(0.08, 0.3), strength * rng.uniform(0.2, 0.8)
        lines *= tide
        body += lines
        return clear(x, y, body)
