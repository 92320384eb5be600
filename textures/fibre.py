"""Fibres: hair and lint."""

from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Within
from degrade.core.types import Array
from degrade.textures._vector import fit, soften, strokes, wander
from degrade.textures.base import ProceduralTexture

POINTS = 120


class Fibre(ProceduralTexture):
    """One fibre that fills the canvas: an arc, a hook, a loop; hair is smooth, lint kinked and frayed."""

    lint: Annotated[float, Field(ge=0, le=1)] = 0.35
    """Share of fibres that are lint."""
    thickness: Annotated[Interval, Within(0.002, 0.2, "canvases")] = (0.014, 0.036)
    """Mean width of a fibre without its tapered ends."""
    softness: Annotated[float, Field(ge=0, le=0.2)] = 0.006
    """Sigma of the edge, as a share of the canvas."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one fibre; see `ProceduralTexture.draw`."""
        lint = rng.random() < self.lint
        brush = np.exp(rng.uniform(*np.log(self.thickness)))
        paths = [self._curve(rng, bend=rng.gamma(2, 1.0), kinks=14 if lint else 5, wild=5 if lint else 2)]
        for _ in range(rng.integers(0, 4) if lint else 0):  # a frayed end that leaves the main fibre
            start = paths[0][rng.integers(POINTS)]
            paths.append(start + rng.uniform(0.05, 0.25) * self._curve(rng, bend=1, kinks=6, wild=3))
        points = fit(np.concatenate(paths), margin=0.02 + brush + 3 * self.softness)
        ends = np.minimum(1, np.minimum(np.arange(POINTS), np.arange(POINTS)[::-1]) / rng.uniform(3, 30))
        body = (0.45 + 0.55 * ends) * np.clip(1 + 0.18 * wander(rng, POINTS, 12), 0.4, 1.5)
        widths = [brush * (body if i == 0 else 0.5 * body) for i in range(len(paths))]
        drawn = zip(np.split(points, len(paths)), widths, [1.0] + [0.8] * (len(paths) - 1), strict=True)
        return soften(strokes(drawn, height, width), self.softness)

    def _curve(self, rng: np.random.Generator, bend: float, kinks: int, wild: float) -> Array:
        """A curve of unit length from the origin, (POINTS, 2): its direction bends, and strays at knots."""
        along = np.linspace(0, 1, POINTS)
        direction = rng.uniform(0, 2 * np.pi) + bend * rng.choice([-1, 1]) * along
        direction += wild * 0.35 * wander(rng, POINTS, kinks)
        steps = np.stack([np.cos(direction), np.sin(direction)], 1) / POINTS
        return np.cumsum(steps, 0)
