"""Dirt out of focus."""

from functools import partial
from typing import Annotated

import cv2
import numpy as np

from degrade.core.fields import Interval, Within
from degrade.core.types import Array
from degrade.textures._vector import clear, detailed, drops, noise, plane
from degrade.textures.base import ProceduralTexture


class Mote(ProceduralTexture):
    """A speck or smear on a lens: so far out of focus that it shows as the disc of the aperture."""

    disc: Annotated[Interval, Within(0.02, 0.4, "canvases")] = (0.08, 0.25)
    """Radius of that disc."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one speck; see `ProceduralTexture.draw`."""
        return detailed(partial(self._draw, rng), height, width)

    def _draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        x, y = plane(height, width)
        disc = rng.uniform(*self.disc)
        inner = 1 - 2 * disc  # so that the disc still fits
        depth = drops(rng, x / inner, y / inner, int(rng.integers(1, 3)), (0.1, 0.5))
        depth += 0.08 * noise(rng, height, width, (5, 5))
        alpha = np.clip(depth / 0.04 + 0.5, 0, 1).astype(np.float32)
        side = 2 * round(disc * min(height, width)) + 1
        at = (np.arange(side) - side // 2) / (disc * min(height, width) + 0.5)
        aperture = np.clip((1 - np.hypot(at, at[:, None])) * side / 4 + 0.5, 0, 1).astype(np.float32)
        spread = cv2.filter2D(alpha, -1, aperture / aperture.sum(), borderType=cv2.BORDER_CONSTANT)
        spread = spread.reshape(alpha.shape)
        return clear(x, y, spread / max(float(spread.max()), 1e-6))
