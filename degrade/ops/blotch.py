"""Blotches: opaque patches where emulsion is missing or a thick deposit covers it."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops._compositing import lay_sprites
from degrade.ops._packing import pack_floats
from degrade.ops._sprites import PlacedParams, Sprites


class BlotchParams(PlacedParams):
    """What was drawn: one entry per blotch, sorted by first frame."""

    flake_x_px: Floats
    """How far to the right of the blotch its flake lies."""
    flake_y_px: Floats
    """How far below."""


class Blotch(Sprites[BlotchParams]):
    """Opaque blotches: light ones, where emulsion tore off the print, have beside them the dark flake that was torn.

    The flake is the blotch's own shape, shifted and of the opposite tone, so that it shows as a ragged
    fringe on one side, as in Within Our Gates (1920).
    """

    shapes: ClassVar[int] = 64

    per_frame: Annotated[Interval, Within(0, 1000, "blotches")] = (0.05, 0.5)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (1, 1)
    """Frames that one stays for."""
    size: Annotated[Interval, Within(0, 4, "frame heights")] = (0.03, 0.12)
    """Median side of the square that a blotch lies in, drawn per clip; it spans about 0.7 of it."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.7
    """Standard deviation of the logarithm of the sizes within a clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.8, 1.0)
    """Drawn per blotch."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 1.0)
    """Share of light blotches (torn off the print, or thick on the negative), drawn per clip."""
    flake: Annotated[Interval, Within(0, 1, "of its size")] = (0.0, 0.06)
    """Distance of the flake, drawn per blotch; 0 for none."""

    def sample(self, info: ClipInfo, rng: Stream) -> BlotchParams:
        """Draws when blotches come and go, then every blotch and its flake."""
        placed = self.place(rng.generator("blotches"), info)
        draw, count = rng.generator("flakes"), len(placed["first"])
        way = draw.uniform(0, 2 * np.pi, count)
        reach = np.array(placed["size_px"]) * draw.uniform(*self.flake, count)
        return BlotchParams(
            **placed, flake_x_px=pack_floats(reach * np.cos(way), 2), flake_y_px=pack_floats(reach * np.sin(way), 2)
        )

    def paint(self, frame: Array, mask: Array, params: BlotchParams, t: int) -> None:
        """See `Contaminant.paint`."""
        sprites = []
        for i in params.shown(t):
            away = params.flake_x_px[i], params.flake_y_px[i]
            layers = [(away, 1 - params.tone[i])] if any(away) else []
            for (right, down), tone in [*layers, ((0, 0), params.tone[i])]:
                place = params.x_px[i] + right, params.y_px[i] + down, params.degrees[i]
                sprites.append(params.sprite("blotch", i, *place, tone))
        lay_sprites(frame, mask, sprites)
