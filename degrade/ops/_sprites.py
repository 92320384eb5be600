"""Base of ops that draw defects as textures placed on the frame."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from typing_extensions import TypeVar

from degrade.core.fields import Floats, Interval, Ints, Within
from degrade.core.op import Contaminant
from degrade.core.types import Array, ClipInfo
from degrade.ops._compositing import Sprite, lay_sprites
from degrade.ops._crowding import check_crowding, mean_square
from degrade.ops._drawn import log_normal, tones
from degrade.ops._events import EventParams, arrivals, visible
from degrade.ops._packing import pack_floats, pack_ints

SHAPES = 256
"""How many different defects each texture has; few enough that all that are used stay in memory."""


class SpriteParams(EventParams):
    """What was drawn for defects that are textures, laid on the frame."""

    shape: Ints
    """Seed of the texture."""
    size_px: Floats
    """Side of the texture."""
    tone: Floats
    """What it covers the picture with: 0 black, 1 white."""
    opacity: Floats
    """Greatest alpha."""

    def sprite(self, texture: str, i: int, x: float, y: float, degrees: float, tone: float | None = None) -> Sprite:
        """Defect `i` at a place, with another tone if one is given."""
        tone = self.tone[i] if tone is None else tone
        return Sprite(texture, self.shape[i], x, y, self.size_px[i], degrees, self.opacity[i], tone)


class PlacedParams(SpriteParams):
    """What was drawn for defects that lie still while they show."""

    lifetime: Ints
    """Frames of the clip that it shows on."""
    x_px: Floats
    """Centre, from the left border."""
    y_px: Floats
    """Centre, from the upper border."""
    degrees: Floats
    """Turned by, counter-clockwise."""

    def lifetimes(self) -> Iterable[int]:
        """See `EventParams.lifetimes`."""
        return self.lifetime


class TrackedParams(SpriteParams):
    """What was drawn for defects that move while they show."""

    x_px: tuple[Floats, ...]
    """Centre in each of its frames, from the left border."""
    y_px: tuple[Floats, ...]
    """Centre in each of its frames, from the upper border."""

    def lifetimes(self) -> Iterable[int]:
        """See `EventParams.lifetimes`."""
        return map(len, self.x_px)


S = TypeVar("S", bound=PlacedParams, default=Any)


class Sprites(Contaminant[S]):
    """Defects that come at random, lie still, and go; the op sets texture and defaults, or paints each one itself."""

    texture: ClassVar[str]
    """What each one is drawn with."""
    shapes: ClassVar[int] = SHAPES
    """How many different defects the texture has."""

    per_frame: Annotated[Interval, Within(0, 1000, "defects")] = (0.1, 1.0)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (1, 1)
    """Frames that one stays for."""
    size: Annotated[Interval, Within(0, 4, "frame heights")] = (0.05, 0.2)
    """Median side of the square that a defect lies in, drawn per clip."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.5
    """Standard deviation of the logarithm of the sizes within a clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.2, 0.8)
    """Drawn per defect."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 1.0)
    """Share of defects that lighten, drawn per clip."""

    @model_validator(mode="after")
    def _can_be_painted(self) -> Self:
        check_crowding("per_frame", self.per_frame, mean_square(self.size, self.spread, 4))
        return self

    def place(self, draw: np.random.Generator, info: ClipInfo) -> dict[str, Any]:
        """Draws when defects come and go, then every defect: the fields of `PlacedParams`."""
        stays = arrivals(draw, draw.uniform(*self.per_frame), self.lifetime, info.frames)
        first, life = visible(*stays, info.frames)
        count = first.size
        size = np.minimum(log_normal(draw, draw.uniform(*self.size), self.spread, count), 4)
        return {
            "first": pack_ints(first),
            "lifetime": pack_ints(life),
            "x_px": pack_floats(draw.uniform(0, info.width, count), 2),
            "y_px": pack_floats(draw.uniform(0, info.height, count), 2),
            "size_px": pack_floats(info.height * size, 2),
            "degrees": pack_floats(draw.uniform(0, 360, count), 0),
            "shape": pack_ints(draw.integers(self.shapes, size=count)),
            "tone": pack_floats(tones(draw, self.light, count, (0, 0), (1, 1)), 0),
            "opacity": pack_floats(draw.uniform(*self.opacity, count), 2),
        }

    def paint(self, frame: Array, mask: Array, params: S, t: int) -> None:
        """See `Contaminant.paint`."""
        at = ((i, params.x_px[i], params.y_px[i], params.degrees[i]) for i in params.shown(t))
        lay_sprites(frame, mask, [params.sprite(self.texture, *place) for place in at])
