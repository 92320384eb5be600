"""The contract of procedural textures."""

from abc import abstractmethod

import numpy as np

from degrade.core.fields import Strict
from degrade.core.types import Array


class ProceduralTexture(Strict):
    """One kind of defect, drawn from numbers alone; no file is needed.

    The same seed at two sizes gives the same defect at two resolutions. A new texture is one file in
    ``textures``: a subclass and its `draw`.
    """

    @abstractmethod
    def draw(self, rng: np.random.Generator, height: int, width: int) -> Array:
        """Draws one defect, or one cluster, that fills the canvas.

        Args:
            rng: Source of everything random; depends on the seed alone.
            height: Of the canvas, in pixels.
            width: Of the canvas, in pixels.

        Returns:
            (height, width) float32 in [0, 1]: 0 clean, 1 covered; single defects end before the border.
        """
