"""Clusters of short, fine scratches: cinch marks, abrasion."""

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Within
from degrade.core.types import Array
from degrade.textures._vector import soften, strokes
from degrade.textures.base import ProceduralTexture

DASHES = 5


class ScratchCluster(ProceduralTexture):
    """Many short strokes of a few directions, broken into dashes, from layers of film that slid on each other."""

    count: Annotated[Interval, Within(1, 500, "strokes")] = (15, 70)
    """Number of strokes."""
    length: Annotated[Interval, Within(0.01, 1, "canvases")] = (0.06, 0.4)
    """Length of a stroke."""
    thickness: Annotated[Interval, Within(0.0005, 0.05, "canvases")] = (0.002, 0.008)
    """Width of a stroke."""
    directions: Annotated[int, Field(ge=1, le=20)] = 3
    """Main directions, at most."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one cluster; see `ProceduralTexture.draw`."""
        count = int(rng.uniform(self.count[0], self.count[1] + 1))
        main = rng.uniform(0, np.pi) + rng.normal(0, 0.6, rng.integers(1, self.directions + 1))
        angle = rng.choice(main, count) + rng.normal(0, rng.uniform(0.03, 0.4), count)
        length = np.exp(rng.uniform(math.log(self.length[0]), math.log(self.length[1]), count))
        brush = np.exp(rng.uniform(math.log(self.thickness[0]), math.log(self.thickness[1]), count))
        alpha = rng.uniform(0.25, 1, count)
        centre = np.clip(rng.normal(0.5, 0.17, (count, 1, 1, 2)), 0.1, 0.9)
        along = (length * np.stack([np.cos(angle), np.sin(angle)])).T.reshape(count, 1, 1, 2)
        cuts = np.sort(rng.uniform(-0.5, 0.5, (count, 2 * DASHES)), 1).reshape(count, DASHES, 2, 1)
        points = np.clip(centre + cuts * along, 0.04, 0.96)
        fade = alpha[:, None] * (1 - 0.6 * abs(cuts.sum((2, 3))))  # fainter towards the ends
        brushes = np.broadcast_to(brush[:, None, None], (count, DASHES, 2))
        dashes = zip(points.reshape(-1, 2, 2), brushes.reshape(-1, 2), fade.ravel().tolist(), strict=True)
        return soften(strokes(dashes, height, width), 0.0015)
