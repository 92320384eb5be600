"""Stains: transparent dirt and dried water."""

from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures._vector import fractal, noise
from degrade.textures.base import Texture


class Stain(Texture):
    """One stain that fills the canvas: a cloudy film, darker in tide lines where it dried from the rim."""

    tide: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Strength of the tide lines at most; they range from none to this."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one stain; see `Texture.draw`."""
        x, y = ((np.arange(n, dtype=np.float32) + 0.5) * (2 / n) - 1 for n in (width, height))
        x, y = np.meshgrid(x, y)
        x0, y0 = x + 0.18 * noise(rng, height, width, (4, 4)), y + 0.18 * noise(rng, height, width, (4, 4))
        depth = 0.62 - np.hypot(x0, y0)  # distance from the rim inwards, in half canvases
        depth += rng.uniform(0.05, 0.14) * fractal(rng, height, width, 6, 4, 0.55)
        depth = np.minimum(depth, 0.94 - np.maximum(np.abs(x), np.abs(y)))
        edge = np.maximum(rng.uniform(0.02, 0.1), 2 / min(height, width))
        body = np.clip(depth / edge, 0, 1)
        cloud = np.clip(0.45 + 0.22 * fractal(rng, height, width, 3, 5, 0.65), 0.08, 1)
        lines = np.zeros_like(depth)
        tide = self.tide * rng.uniform()
        at = edge
        for _ in range(rng.integers(1, 4)):
            thin = np.maximum(rng.uniform(0.012, 0.03), 1 / min(height, width))
            lines += tide * np.exp(-(((depth - at) / thin) ** 2)) * rng.uniform(0.4, 1)
            at += rng.uniform(0.08, 0.25)
        hollow = 1 - rng.uniform(0, 0.7) * np.clip(depth / 0.4, 0, 1)  # what dries leaves its middle clean
        return np.asarray(np.clip(body * (cloud * hollow + lines), 0, 1), np.float32)
