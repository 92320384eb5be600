"""Mould: fungus in the gelatine."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Within
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops._packing import pack_floats
from degrade.ops._sprites import PlacedParams, Sprites


class Mould(Sprites[PlacedParams]):
    """Branching colonies, more of them towards the sides of the film, where the damp gets in.

    They lie on the film, so every frame has others. Threads that ate through the gelatine of a print are light.
    """

    texture: ClassVar[str] = "mycelium"
    shapes: ClassVar[int] = 12  # as many as the cache of textures holds at full size, else each is drawn anew

    per_frame: Annotated[Interval, Within(0, 1000, "colonies")] = (4.0, 25.0)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (1, 1)
    """Frames that one stays for: 1 on film, more on a lens."""
    size: Annotated[Interval, Within(0, 4, "frame heights")] = (0.1, 0.35)
    """Median side of the square that a colony lies in, drawn per clip."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.5
    """Standard deviation of the logarithm of the sizes within a clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.3, 0.9)
    """Drawn per colony."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 1.0)
    """Share of colonies that lighten, drawn per clip."""
    sides: Annotated[Interval, Within(0, 1)] = (0.3, 0.9)
    """Share of colonies that crowd at the left or right side, drawn per clip."""
    reach: Annotated[Interval, Within(0, 1, "frame widths")] = (0.08, 0.2)
    """How far from the side these lie on average, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> PlacedParams:
        """Draws every colony, then moves some to the sides."""
        placed = self.place(rng.generator("colonies"), info)
        draw, count = rng.generator("sides"), len(placed["first"])
        crowded = draw.random(count) < draw.uniform(*self.sides)
        inwards = np.minimum(draw.exponential(draw.uniform(*self.reach), count), 1) * info.width
        left = draw.random(count) < draw.uniform()
        x = np.where(crowded, np.where(left, inwards, info.width - inwards), placed["x_px"])
        return PlacedParams(**(placed | {"x_px": pack_floats(x, 2)}))
