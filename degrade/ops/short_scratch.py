"""Short scratches and cinch marks: strokes on one frame."""

import math
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from degrade.core.fields import Floats, Interval, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo
from degrade.ops._compositing import cover
from degrade.ops._crowding import check_crowding, mean_square
from degrade.ops._drawn import log_normal, tones
from degrade.ops._events import EventParams
from degrade.ops._packing import pack_floats

TOGETHER = 14
"""Mean number of strokes in a bundle of cinch marks."""


class ShortScratchParams(EventParams):
    """What was drawn: one entry per stroke, sorted by frame."""

    x_px: Floats
    """Middle, from the left border."""
    y_px: Floats
    """Middle, from the upper border."""
    degrees: Floats
    """From upright, counter-clockwise."""
    length_px: Floats
    """From end to end."""
    width_px: Floats
    """In its middle."""
    bend: Floats
    """How far its ends lie off the tangent at its middle, in lengths."""
    chatter: Floats
    """Share of its strength that comes and goes along it."""
    phase: Floats
    """Of that, in turns."""
    tone: Floats
    """0 a black stroke, 1 a white one."""
    opacity: Floats
    """Greatest alpha."""


class ShortScratch(Contaminant[ShortScratchParams]):
    """Strokes that taper to their ends and mostly run along the film: scuffs, and bundles of cinch marks.

    Cinching, layers of the roll that slide on each other when it is pulled tight, leaves bundles of parallel
    strokes; loose grit leaves single ones. The projector's rain is both, on every frame.
    """

    per_frame: Annotated[Interval, Within(0, 1000, "strokes")] = (2.0, 20.0)
    """Mean number on a frame, drawn per clip."""
    bursts: Annotated[float, Field(ge=0, le=2)] = 0.6
    """How much the number varies over the frames: standard deviation of the logarithm of its mean."""
    cinched: Annotated[Interval, Within(0, 1)] = (0.2, 0.8)
    """Share of strokes that come in bundles, drawn per clip."""
    length: Annotated[Interval, Within(0, 2, "frame heights")] = (0.03, 0.12)
    """Median length, drawn per clip."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.6
    """Standard deviation of the logarithm of the lengths within a clip."""
    width: Annotated[Interval, Within(0, 0.05, "frame heights")] = (0.001, 0.003)
    """Drawn per stroke."""
    slant: Annotated[Interval, Within(0, 90, "degrees")] = (3.0, 15.0)
    """Standard deviation of the direction of bundles and single strokes about upright, drawn per clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.2, 0.9)
    """Drawn per stroke."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 1.0)
    """Share of white strokes (in the print's emulsion, or on the negative's base), drawn per clip; a bundle has
    one tone."""

    @model_validator(mode="after")
    def _can_be_painted(self) -> "ShortScratch":
        square = mean_square(self.length, self.spread, 2)
        area = square * math.sin(math.radians(min(self.slant[1], 45))) + math.sqrt(square) * self.width[1]
        check_crowding("per_frame", self.per_frame, area)
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> ShortScratchParams:
        """Draws the number on each frame, then every bundle and stroke."""
        draw, height = rng.generator("strokes"), info.height
        slow = self.bursts * ornstein_uhlenbeck(draw, info.frames, 3)
        rate = draw.uniform(*self.per_frame) * np.exp(slow - self.bursts**2 / 2)
        cinched, frames = draw.uniform(*self.cinched), np.arange(info.frames)
        alone = np.repeat(frames, draw.poisson((1 - cinched) * rate))
        bundles = np.repeat(frames, draw.poisson(cinched * rate / TOGETHER))
        members = np.concatenate([np.ones(alone.size, int), draw.poisson(TOGETHER, bundles.size)])
        group = np.repeat(np.arange(members.size), members)  # a single stroke is a group of one
        group = group[np.argsort(np.concatenate([alone, bundles])[group], kind="stable")]
        count, wide = group.size, draw.uniform(0.01, 0.08, members.size)
        loose = (group >= alone.size).astype(float)
        slant = draw.uniform(*self.slant)
        x, y = draw.uniform(0, info.width, members.size), draw.uniform(0, height, members.size)
        x = x[group] + loose * height * wide[group] * draw.standard_normal(count)
        y = y[group] + loose * height * 2 * wide[group] * draw.standard_normal(count)
        degrees = slant * draw.standard_normal(members.size)
        length = np.minimum(log_normal(draw, draw.uniform(*self.length), self.spread, count), 2)
        return ShortScratchParams(
            first=tuple(np.concatenate([alone, bundles])[group].tolist()),
            x_px=pack_floats(x, 2),
            y_px=pack_floats(y, 2),
            degrees=pack_floats(degrees[group] + loose * 0.15 * slant * draw.standard_normal(count), 1),
            length_px=pack_floats(height * length, 2),
            width_px=pack_floats(height * draw.uniform(*self.width, count), 2),
            bend=pack_floats(0.02 * draw.standard_normal(members.size)[group], 3),
            chatter=pack_floats(draw.uniform(0, 1, count), 2),
            phase=pack_floats(draw.uniform(0, 1, count), 2),
            tone=pack_floats(tones(draw, self.light, members.size, (0.0, 0.1), (0.9, 1.0))[group], 2),
            opacity=pack_floats(draw.uniform(*self.opacity, count), 2),
        )

    def paint(self, frame: Array, mask: Array, params: ShortScratchParams, t: int) -> None:
        """See `Contaminant.paint`."""
        for i in params.shown(t):
            angle, length, half = math.radians(params.degrees[i]), max(params.length_px[i], 1.0), params.width_px[i] / 2
            sin, cos = math.sin(angle), math.cos(angle)
            margin = abs(params.bend[i]) * length + half + 1
            reach = abs(sin) * length / 2 + margin, abs(cos) * length / 2 + margin
            columns, rows = (
                slice(max(0, math.floor(middle - far)), min(side, math.ceil(middle + far)))
                for middle, far, side in zip((params.x_px[i], params.y_px[i]), reach, frame.shape[1::-1], strict=True)
            )
            if rows.start >= rows.stop or columns.start >= columns.stop:
                continue
            x = np.arange(columns.start, columns.stop, dtype=np.float32) + np.float32(0.5 - params.x_px[i])
            y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + np.float32(0.5 - params.y_px[i])
            along, across = (sin * x + cos * y) * np.float32(2 / length), cos * x - sin * y
            across -= np.float32(params.bend[i] * length) * along**2
            ends = np.clip(1 - along**2, 0, 1)
            thin = np.float32(half) * np.sqrt(ends)
            body = np.minimum(np.clip(thin + np.float32(0.5) - abs(across), 0, 1), 2 * thin)
            wave = np.cos(np.float32(length / 6 / max(half, 0.5)) * along + np.float32(2 * np.pi * params.phase[i]))
            pressed = 1 - np.float32(params.chatter[i]) * (np.float32(0.5) + np.float32(0.5) * wave)
            alpha = np.float32(params.opacity[i]) * body * pressed * np.minimum(5 * ends, 1)
            cover(frame, mask, (rows, columns), alpha, params.tone[i])
