"""Vertical scratches."""

from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.types import Array
from degrade.textures._vector import noise
from degrade.textures.base import ProceduralTexture


class Scratch(ProceduralTexture):
    """A vertical scratch that runs through the whole height of the canvas, clear at left and right.

    One to three parallel scores of a hard particle; each sways, swells, and lifts off in places.
    """

    width: Annotated[float, Field(gt=0, le=0.5)] = 0.12
    """Width of a score, as a share of the canvas."""
    breaks: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Share of a score's length where it has lifted off, on average."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one scratch; see `ProceduralTexture.draw`."""
        alpha = np.zeros((height, width), np.float32)
        x = (np.arange(width, dtype=np.float32) + 0.5) / width
        scores = 1 + rng.binomial(2, 0.25)
        for i in range(scores):
            weight = rng.uniform(0.7, 1) if i == 0 else rng.uniform(0.2, 0.8)
            place = 0.5 + (rng.normal(0, 0.02) if i == 0 else rng.uniform(-0.2, 0.2))
            centre = place + 0.04 * _along(rng, height, 4)
            half = self.width / 2 * rng.uniform(0.5, 1) * np.exp(0.2 * _along(rng, height, 12))
            half = np.maximum(half, 0.5 / width)  # no thinner than a pixel: it gets fainter instead
            faint = np.minimum(1, self.width * width)
            contact = 0.8 * _along(rng, height, 5) + 0.3 * _along(rng, height, 30)
            level = np.clip(1.2 * (contact - _quantile(rng, self.breaks)) + 0.5, 0, 1)
            profile = np.exp(-(((x - centre) / half) ** 2)) * (level * weight * faint)
            np.maximum(alpha, profile, out=alpha)
        clear = np.clip((0.5 - np.abs(x - 0.5)) / 0.12 - 0.3, 0, 1)
        return np.asarray(alpha * clear * (x > 1 / width) * (x < 1 - 1 / width), np.float32)


def _along(rng: np.random.Generator, height: int, knots: int) -> Array:
    """Smooth normal noise along the length, (height, 1)."""
    return noise(rng, height, 1, (knots, 1))


def _quantile(rng: np.random.Generator, share: float) -> float:
    """Below which about `share` of the contact lies, whose sigma is 0.8; different each time."""
    share = 0.002 + 0.996 * share
    return float(0.8 * np.log(share / (1 - share)) / 1.7 + rng.normal(0, 0.3))
