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
        y, x = (((np.arange(n, dtype=np.float32) + 0.5) * (2 / n) - 1) for n in (height, width))
        pixel = 2 / min(height, width)
        depth = np.full((height, width), -9, np.float32)
        for _ in range(rng.choice([1, 1, 2, 3])):  # drops that ran together
            turned, squeeze, radius = rng.uniform(0, np.pi), np.exp(rng.uniform(0, 0.5)), rng.uniform(0.4, 0.75)
            x0, y0 = (0.8 - radius) * rng.uniform(-1, 1, 2)
            across = np.cos(turned) * (x - x0) + np.sin(turned) * (y - y0)[:, None]
            along = (np.cos(turned) * (y - y0)[:, None] - np.sin(turned) * (x - x0)) * squeeze
            inside = np.subtract(radius, np.hypot(across, along, out=across), out=across)
            depth = np.logaddexp(10 * depth, np.multiply(10, inside, out=inside), out=along)
            depth /= 10
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
        body *= np.clip((0.96 - np.maximum(abs(x), abs(y)[:, None])) / 0.1, 0, 1)
        return np.clip(body, 0, 1).astype(np.float32)
