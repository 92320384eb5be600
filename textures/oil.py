"""Oil and grease from projectors."""

import cv2
import numpy as np

from degrade.core.types import Array
from degrade.textures._vector import clear, drops, fractal, noise, plane
from degrade.textures.base import ProceduralTexture


class Oil(ProceduralTexture):
    """A spot of oil that crept: soft-edged, thicker towards a rounded rim, with droplets and smeared streaks."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one spot or smear; see `ProceduralTexture.draw`."""
        x, y = plane(height, width)
        depth = drops(rng, x, y, int(rng.integers(1, 6)), (0.12, 0.5))
        depth += 0.08 * noise(rng, height, width, (4, 4))
        body = np.clip(depth / rng.uniform(0.12, 0.3), 0, 1)
        thick = 1.3 * body * (1 - rng.uniform(0.2, 0.6) * np.clip(depth / 0.4, 0, 1))
        thick *= np.clip(0.8 + 0.25 * fractal(rng, height, width, 3, 3, 0.5), 0.2, 1.2)
        droplets = np.clip(3 * (noise(rng, height, width, (18, 18)) - 1.9), 0, 0.7) * np.clip(1 + depth / 0.5, 0, 1)
        alpha: Array = np.maximum(thick, droplets).astype(np.float32)
        if rng.random() < 0.5:  # wiped along one direction
            long = max(1, round(rng.uniform(0.1, 0.3) * min(height, width)))
            streaks = noise(rng, height, width, (4, 48)) if rng.random() < 0.7 else noise(rng, height, width, (48, 4))
            wiped = cv2.blur(alpha, (1, long), borderType=cv2.BORDER_CONSTANT).reshape(alpha.shape)
            alpha = wiped * np.clip(0.9 + 0.3 * streaks, 0, 1.3)
        return clear(x, y, alpha)
