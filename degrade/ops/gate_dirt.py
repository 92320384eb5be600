"""Gate dirt: emulsion shavings and lint that collect at the edge of the aperture."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from degrade.core.fields import Floats, Interval, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo
from degrade.ops._compositing import lay_sprites
from degrade.ops._crowding import check_crowding, mean_square
from degrade.ops._drawn import log_normal, tones
from degrade.ops._events import arrivals, visible
from degrade.ops._packing import pack_floats, pack_tracks
from degrade.ops._sprites import SHAPES, TrackedParams


class GateDirtParams(TrackedParams):
    """What was drawn: one entry per particle, sorted by first frame."""

    texture: tuple[Literal["dust", "fibre"], ...]
    """A grain or a fibre."""
    degrees: Floats
    """Turned by, counter-clockwise."""


class GateDirt(Contaminant[GateDirtParams]):
    """Grains and fibres that stick to the border of the frame in heaps, tremble with the passing film, and stay.

    They are silhouettes, in focus: dark in the camera's or projector's gate, light in the printer's. A
    single long hair is `hair` with `place: edge`. Put it after `weave` for the projector's gate.
    """

    per_frame: Annotated[Interval, Within(0, 1000, "particles")] = (10.0, 50.0)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (20, 600)
    """Frames that one stays for."""
    heaps: Annotated[Interval, Within(1, 100, "heaps")] = (2, 6)
    """Places at the border where they gather, drawn per clip; whole."""
    size: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.008, 0.022)
    """Median of the longest side, drawn per clip."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.6
    """Standard deviation of the logarithm of the sizes within a clip."""
    fibres: Annotated[Interval, Within(0, 1)] = (0.05, 0.4)
    """Share of fibres, which are three times as long, drawn per clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.8, 1.0)
    """Drawn per particle."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 0.0)
    """Share of light particles, drawn per clip."""
    tremble: Annotated[Interval, Within(0, 0.1, "frame heights")] = (0.0002, 0.0015)
    """Standard deviation of a particle's movement, an Ornstein-Uhlenbeck process of two frames; drawn per clip."""

    @model_validator(mode="after")
    def _can_be_painted(self) -> "GateDirt":
        check_crowding("per_frame", self.per_frame, mean_square(self.size, self.spread, 0.5))
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> GateDirtParams:
        """Draws the heaps, then every particle and its movement."""
        draw, aspect = rng.generator("particles"), info.width / info.height
        stays = arrivals(draw, draw.uniform(*self.per_frame), self.lifetime, info.frames)
        first, life = visible(*stays, info.frames)
        count = first.size
        heaps = round(draw.uniform(*self.heaps))
        side = draw.choice(4, heaps, p=(0.3, 0.4, 0.15, 0.15))
        middle, reach = draw.random(heaps), np.exp(draw.uniform(math.log(0.02), math.log(0.3), heaps))
        heap = draw.integers(heaps, size=count)
        along = np.clip(middle[heap] + reach[heap] * draw.standard_normal(count), 0, 1)
        size = np.minimum(log_normal(draw, draw.uniform(*self.size), self.spread, count), 0.5)
        fibre = draw.random(count) < draw.uniform(*self.fibres)
        size = np.where(fibre, 3 * size, size)
        inwards = size * np.where(
            fibre, draw.uniform(0.1, 0.45, count), np.minimum(abs(draw.normal(0, 0.25, count)), 0.5)
        )
        across = np.where(np.isin(side[heap], (0, 2)), inwards, 1 - inwards)
        beside = np.isin(side[heap], (2, 3))
        x = np.where(beside, np.where(side[heap] == 2, inwards, aspect - inwards), along * aspect)
        y = np.where(beside, along, across)
        amplitude = draw.uniform(*self.tremble)
        moved = [amplitude * np.stack([ornstein_uhlenbeck(draw, n, 2) for _ in "xy"]) for n in life.tolist()]
        return GateDirtParams(
            first=tuple(first.tolist()),
            texture=tuple(np.where(fibre, "fibre", "dust").tolist()),
            x_px=pack_tracks((info.height * (at + move[0]) for at, move in zip(x, moved, strict=True)), 2),
            y_px=pack_tracks((info.height * (at + move[1]) for at, move in zip(y, moved, strict=True)), 2),
            degrees=pack_floats(draw.uniform(0, 360, count), 0),
            size_px=pack_floats(info.height * size, 2),
            shape=tuple(draw.integers(SHAPES, size=count).tolist()),
            tone=pack_floats(tones(draw, self.light, count, (0.0, 0.06), (0.9, 1.0)), 2),
            opacity=pack_floats(draw.uniform(*self.opacity, count), 2),
        )

    def paint(self, frame: Array, mask: Array, params: GateDirtParams, t: int) -> None:
        """See `Contaminant.paint`."""
        sprites = []
        for i in params.shown(t):
            age = t - params.first[i]
            place = params.x_px[i][age], params.y_px[i][age], params.degrees[i]
            sprites.append(params.sprite(params.texture[i], i, *place))
        lay_sprites(frame, mask, sprites)
