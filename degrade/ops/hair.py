"""Hair and lint, on the film for one frame or caught in the gate for many."""

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
from degrade.ops._packing import pack_floats, pack_ints, pack_tracks
from degrade.ops._sprites import SHAPES, TrackedParams


class HairParams(TrackedParams):
    """What was drawn: one entry per fibre, sorted by first frame, with its place in each frame that it shows."""

    degrees: tuple[Floats, ...]
    """Turned by in each of its frames, counter-clockwise."""


class Hair(Contaminant[HairParams]):
    """Fibres. A lifetime of 1 is a hair on the film; long lifetimes at the edge, one caught in the gate.

    Sizes follow 1,739 hand-drawn polygons of hair on ten 35 mm scans (FilmDamageSimulator): longest side
    1.1% of the height in the median for short, 3.3% for long ones; the logarithm's standard deviation is
    0.6 and 0.4.
    """

    per_frame: Annotated[Interval, Within(0, 1000, "fibres")] = (0.1, 1.0)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (1, 1)
    """Frames that one stays for."""
    place: Literal["anywhere", "edge"] = "anywhere"
    """Where they lie; at the edge they reach in from the border, mostly the upper or lower one."""
    size: Annotated[Interval, Within(0, 2, "frame heights")] = (0.02, 0.05)
    """Median of the longest side, drawn per clip."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.5
    """Standard deviation of the logarithm of the sizes within a clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.4, 1.0)
    """Drawn per fibre."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 1.0)
    """Share of light fibres, drawn per clip."""
    wriggle: Annotated[Interval, Within(0, 90, "degrees")] = (0.5, 4.0)
    """Standard deviation of the turning of one that stays, drawn per fibre; its end at the border is held."""

    @model_validator(mode="after")
    def _can_be_painted(self) -> "Hair":
        check_crowding("per_frame", self.per_frame, mean_square(self.size, self.spread, 2))
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> HairParams:
        """Draws when fibres come and go, then every fibre and its movement."""
        draw = rng.generator("fibres")
        stays = arrivals(draw, draw.uniform(*self.per_frame), self.lifetime, info.frames)
        first, life = visible(*stays, info.frames)
        count, aspect = first.size, info.width / info.height
        size = np.minimum(log_normal(draw, draw.uniform(*self.size), self.spread, count), 2)
        anchors, towards = self._anchors(draw, count, aspect)
        angle = draw.uniform(0, 360, count)
        amplitude = draw.uniform(*self.wriggle, count)
        turns, centres = [], []
        for i in range(count):
            turn = amplitude[i] * ornstein_uhlenbeck(draw, int(life[i]), 2) * (stays[1][i] > 1)
            way = towards[i] - np.radians(turn)
            arm = np.stack([np.cos(way), np.sin(way)]) * size[i] * (0.3 if self.place == "edge" else 0)
            turns.append(angle[i] + turn)
            centres.append(info.height * (anchors[i][:, None] + arm))
        return HairParams(
            first=pack_ints(first),
            x_px=pack_tracks((c[0] for c in centres), 2),
            y_px=pack_tracks((c[1] for c in centres), 2),
            degrees=pack_tracks(turns, 1),
            size_px=pack_floats(info.height * size, 2),
            shape=pack_ints(draw.integers(SHAPES, size=count)),
            tone=pack_floats(tones(draw, self.light, count, (0.02, 0.12), (0.8, 1.0)), 2),
            opacity=pack_floats(draw.uniform(*self.opacity, count), 2),
        )

    def _anchors(self, draw: np.random.Generator, count: int, aspect: float) -> tuple[Array, Array]:
        """Where each is held, (N, 2) x, y in frame heights, and which way it points, (N,) radians."""
        at = draw.random((count, 2))
        side = draw.choice(4, count, p=(0.35, 0.35, 0.15, 0.15))
        if self.place == "edge":
            at[side == 0, 1], at[side == 1, 1], at[side == 2, 0], at[side == 3, 0] = 0, 1, 0, 1
        inward = np.radians(np.array([90, -90, 0, 180]))[side]  # y points down
        return at * [aspect, 1], inward + draw.normal(0, 0.3, count)

    def paint(self, frame: Array, mask: Array, params: HairParams, t: int) -> None:
        """See `Contaminant.paint`."""
        sprites = []
        for i in params.shown(t):
            age = t - params.first[i]
            place = params.x_px[i][age], params.y_px[i][age], params.degrees[i][age]
            sprites.append(params.sprite("fibre", i, *place))
        lay_sprites(frame, mask, sprites)
