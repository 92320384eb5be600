"""Burns: film that stopped in the light of the projector."""

from typing import Annotated

import numpy as np

from degrade.core.fields import Floats, Interval, Neutral, Probability, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._compositing import cover, tint
from degrade.ops._film import ease, fractal_along, tiled
from degrade.ops._packing import short_floats


class BurnParams(Params):
    """What was drawn."""

    first: int
    """First frame of the clip that it shows on."""
    x_px: float
    """Middle, from the left border."""
    y_px: float
    """Middle, from the upper border."""
    radius: Floats
    """Of the hole in each of its frames, in frame heights; negative while the film only scorches."""
    ragged: float
    """How far the edge strays, standard deviation in frame heights."""
    halo: float
    """Width of the scorched ring, in frame heights."""
    tone: float
    """Of the hole."""
    key: int
    """Of the edge and the bubbles."""


class Burn(Contaminant[BurnParams]):
    """A burn that opens from the middle of the picture: scorched brown, then blistered, charred, and a hole.

    The film stands in the gate meanwhile, so the burn keeps its place and grows. One in a clip; `p` says how often.
    """

    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (10, 40)
    """Frames from the first scorching until the film moves on, drawn per clip."""
    radius: Annotated[Interval, Within(0, 5, "frame heights"), Neutral(0)] = (0.1, 0.6)
    """Mean radius of the hole in its last frame, drawn per clip."""
    halo: Annotated[Interval, Within(0, 2, "frame heights"), Neutral(0)] = (0.1, 0.25)
    """Width of the scorched ring around it, drawn per clip."""
    ragged: Annotated[Interval, Within(0, 1, "frame heights"), Neutral(0)] = (0.03, 0.08)
    """How far its edge strays, drawn per clip."""
    away: Annotated[Interval, Within(0, 2, "frame heights")] = (0.0, 0.3)
    """How far from the middle of the picture it begins, drawn per clip."""
    light: Probability = 1.0
    """Probability that the hole is as bright as the lamp; else black, as where a burnt print was printed from."""

    def sample(self, info: ClipInfo, rng: Stream) -> BurnParams:
        """Draws when it begins, where, and how it grows."""
        draw = rng.generator("burn")
        life = max(1, round(draw.uniform(*self.lifetime)))
        start = int(draw.integers(1 - life, info.frames))
        age = np.arange(max(0, -start), min(life, info.frames - start)) + 1
        halo = max(draw.uniform(*self.halo), 1e-3)
        radius = -halo + (draw.uniform(*self.radius) + halo) * (age / life) ** draw.uniform(0.4, 0.9)  # it bursts open
        way, away = draw.uniform(0, 2 * np.pi), info.height * draw.uniform(*self.away)
        return BurnParams(
            first=max(0, start),
            x_px=float(info.width / 2 + away * np.cos(way)),
            y_px=float(info.height / 2 + away * np.sin(way)),
            radius=short_floats(radius),
            ragged=float(draw.uniform(*self.ragged)),
            halo=float(halo),
            tone=float(draw.random() < self.light),
            key=rng.key("pixels"),
        )

    def paint(self, frame: Array, mask: Array, params: BurnParams, t: int) -> None:
        """See `Contaminant.paint`."""
        age = t - params.first
        if not 0 <= age < len(params.radius):
            return
        height, width, channels = frame.shape
        radius = params.radius[age]
        reach = height * (radius + params.halo + 3.5 * params.ragged)
        rows, columns = (
            slice(max(0, int(middle - reach)), max(0, min(side, int(middle + reach) + 1)))
            for middle, side in ((params.y_px, height), (params.x_px, width))
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        where = rows, columns
        x = (np.arange(width, dtype=np.float32)[columns] + np.float32(0.5 - params.x_px)) / height
        y = (np.arange(height, dtype=np.float32)[rows, None] + np.float32(0.5 - params.y_px)) / height
        edge = fractal_along(params.key, params.first, (height, width), 3, 6, 0.65, where)
        depth = np.float32(radius) - np.hypot(x, y) + np.float32(params.ragged) * np.clip(edge, -3, 3)
        walls = tiled("honeycomb", params.key, params.first, (height, width), 0.5 * height)[where]
        scorch = ease(depth, -params.halo, 0) ** 2
        cover(frame, mask, where, 1 - np.exp(-scorch[..., None] * tint(channels, 0.7, 1.5, 3.0)), 0)
        blister = ease(depth, -0.45 * params.halo, -0.1 * params.halo)
        cover(frame, mask, where, blister * 0.7 * (1 - walls) ** 2, tint(channels, 0.75, 0.45, 0.2))
        cover(frame, mask, where, blister * 0.6 * walls, 0)
        cover(
            frame, mask, where, ease(depth, -0.12 * params.halo, -0.02 * params.halo), tint(channels, 0.06, 0.03, 0.02)
        )
        hole = ease(depth, 0, max(0.006, 1.5 / height))
        cover(frame, mask, where, hole, params.tone * tint(channels, 1, 0.98, 0.92))
