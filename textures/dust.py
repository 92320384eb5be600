"""Dust specks: hard, irregular grains and occasional clumps."""

from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures._vector import fill, fit, soften
from degrade.textures.base import ProceduralTexture

VERTICES = 96


class Dust(ProceduralTexture):
    """One speck, its longest side the canvas's, opaque within and soft at the edge like a scan of it.

    Elongation and outline follow 10,331 hand-drawn polygons of dust and dirt on ten 35 mm scans
    (FilmDamageSimulator): length to width 1.2 in the median, 2.0 at the 95th percentile, mostly convex.
    """

    clumps: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of specks that are several grains stuck together."""
    flakes: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of grains with corners."""
    jagged: Annotated[float, Field(ge=0, le=1)] = 0.3
    """How far the outline strays at most: twice the standard deviation of its second harmonic, in radii."""
    softness: Annotated[float, Field(ge=0, le=0.2)] = 0.02
    """Sigma of the edge, as a share of the canvas."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one speck; see `ProceduralTexture.draw`."""
        count = int(rng.integers(2, 6)) if rng.random() < self.clumps else 1
        grains = [self._grain(rng) for _ in range(count)]
        for i in range(1, count):  # each touches one of those before it
            angle = rng.uniform(0, 2 * np.pi)
            reach = rng.uniform(0.7, 1.3)
            towards = np.array([np.cos(angle), np.sin(angle)])
            grains[i] = rng.uniform(0.3, 0.9) * grains[i] + grains[rng.integers(i)].mean(0) + reach * towards
        outline = fit(np.concatenate(grains), margin=0.03 + 3 * self.softness)
        return soften(fill(np.split(outline, count), height, width), self.softness)

    def _grain(self, rng: np.random.Generator) -> Array:
        """Outline of a grain of about unit radius, (VERTICES, 2): a flake with corners, or a rounder lump."""
        angle = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
        circle = np.stack([np.cos(angle), np.sin(angle)], 1)
        if rng.random() < self.flakes:
            corners = np.sort(rng.choice(VERTICES, rng.integers(5, 10), replace=False))
            reach = circle[corners] * rng.uniform(0.7, 1.3, (corners.size, 1))
            at = np.arange(VERTICES)
            circle = np.stack([np.interp(at, corners, side, period=VERTICES) for side in reach.T], 1)
        harmonics = np.arange(2, 25)
        strength = self.jagged * rng.uniform(0.1, 1) * rng.standard_normal(harmonics.size) / harmonics
        waves = np.cos(np.outer(angle, harmonics) + rng.uniform(0, 2 * np.pi, harmonics.size))
        points = circle * np.exp(waves @ strength)[:, None]
        points[:, 1] /= np.exp(abs(rng.normal(0, 0.22)))
        tilt = rng.uniform(0, np.pi)
        turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
        return np.asarray(points @ turn)
