"""Mould: colonies of fungus."""

from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures._vector import clear, detailed, fit, fractal, plane, soften, strokes
from degrade.textures.base import ProceduralTexture

STEPS = 14
"""Joints of a filament."""


class Mycelium(ProceduralTexture):
    """One colony: filaments that grow outwards from a core and branch, in a faint halo of eaten gelatine."""

    branches: Annotated[int, Field(ge=1, le=20)] = 6
    """Side filaments that a filament has at most."""
    generations: Annotated[int, Field(ge=1, le=5)] = 3
    """How often filaments branch."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one colony; see `ProceduralTexture.draw`."""
        return detailed(partial(self._draw, rng), height, width)

    def _draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        paths: list[tuple[Array, int]] = []
        count = int(rng.integers(5, 14))
        length, brush = rng.uniform(0.25, 0.5), np.exp(rng.uniform(*np.log((0.0025, 0.005))))
        for way in 2 * np.pi * np.arange(count) / count + rng.normal(0, 0.3, count):
            self._grow(rng, paths, np.zeros(2), float(way), length * rng.uniform(0.5, 1.2), self.generations)
        points = fit(np.concatenate([path for path, _ in paths]), margin=0.08)
        thinner = np.linspace(1, 0.5, STEPS)
        drawn = [
            (line, brush * thinner * (0.6 + 0.4 * age / self.generations), 0.45 + 0.55 * age / self.generations)
            for line, (_, age) in zip(np.split(points, len(paths)), paths, strict=True)
        ]
        threads = soften(strokes(drawn, height, width), 0.002)
        x, y = plane(height, width)
        cloud = soften(np.minimum(3 * threads, 1), rng.uniform(0.02, 0.05)) * rng.uniform(0.1, 0.5)
        cloud *= np.clip(1 + 0.4 * fractal(rng, height, width, 12, 3, 0.7), 0, 2)
        return clear(x, y, np.maximum(threads, cloud))

    def _grow(
        self,
        rng: np.random.Generator,
        paths: list[tuple[Array, int]],
        start: Array,
        way: float,
        length: float,
        age: int,
    ) -> None:
        turns = way + np.cumsum(rng.normal(0, 0.17, STEPS))
        steps = np.stack([np.cos(turns), np.sin(turns)], 1) * length / STEPS
        path = start + np.cumsum(steps, 0) - steps[:1]
        paths.append((path, age))
        if age > 1:
            for joint in rng.integers(2, STEPS, rng.integers(1, self.branches + 1)).tolist():
                side = rng.choice((-1, 1)) * rng.uniform(0.4, 1.0)
                self._grow(rng, paths, path[joint], turns[joint] + side, length * rng.uniform(0.3, 0.65), age - 1)
