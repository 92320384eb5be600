"""Lines along the film: one mark, whose frames follow each other from top to bottom."""

import functools
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Ints, Within
from degrade.core.op import Contaminant
from degrade.core.rng import at, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._sprites import arrivals, tracks, whole

COARSE, FINE = 5, 30
"""Knots per frame of the two scales on which a particle lifts off the film."""


class LineParams(Params):
    """What was drawn: one entry per line, sorted by first frame.

    The foot of a frame is the head of the next. So tracks have a number for the head of each frame that
    the line is on, and one more for the foot of the last.
    """

    first: Ints
    """First frame of the clip that it is on."""
    x_px: tuple[Floats, ...]
    """Middle of the line, from the left border."""
    level: tuple[Floats, ...]
    """Strength, 0 to 1; fades in and out."""
    width_px: Floats
    """Between the zeros of its profile."""
    lift: Floats
    """Where the contact of film and particle, a noise of about unit variance, is below this, there is no line."""
    key: Ints
    """Of that noise."""


class Stretch(NamedTuple):
    """The part of a frame that a line may touch."""

    line: int
    """Its index in the params."""
    where: tuple[slice, slice]
    """The part."""
    borders: Array
    """Signed distances of its pixels' left and right borders from the middle of the line, (h, w + 1) float32."""
    level: Array
    """Strength of the line in each of its rows, (h,)."""
    contact: Array
    """How firmly the particle presses there, (h,), 0 to 1."""

    def weight(self, greatest: float) -> Array:
        """Strength of the mark in each row, (h, 1) float32."""
        return (greatest * self.level * self.contact).astype(np.float32)[:, None]


class Lines(Contaminant):
    """Lines that come at random, wander, break and fade; the op says what they look like."""

    per_frame: Annotated[Interval, Within(0, 1000, "lines")] = (0.5, 3.0)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (5, 100)
    """Frames that a line runs for."""
    fade: Annotated[float, Field(ge=0, le=1000)] = 3.0
    """Frames over which it comes and goes; at most half its lifetime."""
    width: Annotated[Interval, Within(0, 0.1, "frame heights")] = (0.002, 0.006)
    """Drawn per line."""
    wander: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.0003, 0.003)
    """Standard deviation of an Ornstein-Uhlenbeck sway of ten frames, drawn per line."""
    drift: Annotated[Interval, Within(0, 0.1, "frame heights per frame")] = (0.0, 0.0003)
    """Steady movement to one side, drawn per line."""
    broken: Annotated[Interval, Within(0, 1)] = (0.0, 0.5)
    """Share of its length where a line has lifted off, about; drawn per line."""

    def run(self, draw: np.random.Generator, info: ClipInfo) -> dict[str, Any]:
        """Draws when lines begin and end, and their tracks: the first three fields of `LineParams`."""
        first, life = arrivals(draw, draw.uniform(*self.per_frame), self.lifetime, info.frames)
        count, height = first.size, info.height
        start = draw.uniform(0, info.width, count)
        sway = height * draw.uniform(*self.wander, count)
        drift = height * draw.uniform(*self.drift, count) * draw.choice([-1, 1], count)
        x, level = [], []
        for i in range(count):
            knots = np.arange(max(0, -first[i]), min(life[i], info.frames - first[i]) + 1)
            ends = np.minimum(knots, life[i] - knots) + 0.5
            strength = np.minimum(1, ends / max(min(self.fade, life[i] / 2), 0.5))
            strength *= np.clip(1 + 0.2 * ornstein_uhlenbeck(draw, knots.size, 4), 0.3, 1)
            centre = start[i] + drift[i] * (knots - life[i] / 2)
            x.append(centre + sway[i] * ornstein_uhlenbeck(draw, knots.size, 10))
            level.append(strength)
        return {
            "first": whole(np.maximum(first, 0)),
            "x_px": tracks(x, 2),
            "level": tracks(level, 2),
        }


def stretches(params: Any, t: int, size: tuple[int, int], reach: Sequence[float]) -> Iterator[Stretch]:
    """The lines on frame t; `reach` is how far each shows to either side, in half widths."""
    height, width = size
    rows = (np.arange(height, dtype=np.float32) + np.float32(0.5)) / height
    for i in range(bisect_right(params.first, t)):
        age = t - params.first[i]
        if age >= len(params.x_px[i]) - 1:
            continue
        head, foot = params.x_px[i][age : age + 2]
        away = half_width(params, i) * reach[i]
        left, right = max(0, math.floor(min(head, foot) - away)), min(width, math.ceil(max(head, foot) + away))
        touch = np.clip(0.7 * (contact(params.key[i], t, rows) - params.lift[i]), 0, 1)
        touching = np.flatnonzero(touch)
        if left >= right or not touching.size:
            continue
        part = slice(touching[0], touching[-1] + 1)
        level = np.interp(rows[part], (0, 1), params.level[i][age : age + 2])
        borders = np.arange(left, right + 1) - (head + (foot - head) * rows[part, None])
        yield Stretch(i, (part, slice(left, right)), borders.astype(np.float32), level, touch[part])


def half_width(params: Any, i: int) -> float:
    """Of line i, in pixels; never so small that it vanishes."""
    return max(params.width_px[i] / 2, 0.05)


def contact(key: int, t: int, rows: Array) -> Array:
    """Noise along the film, continuous from frame to frame, (H,)."""
    (coarse, fine), (coarse_after, fine_after) = _knots(key, t), _knots(key, t + 1)
    return np.asarray(
        np.interp(rows * COARSE, range(COARSE + 1), (*coarse, coarse_after[0]))
        + 0.5 * np.interp(rows * FINE, range(FINE + 1), (*fine, fine_after[0]))
    )


@functools.lru_cache(maxsize=1024)
def _knots(key: int, t: int) -> tuple[list[float], list[float]]:
    """Normal numbers at even distances along one frame of film, coarse and fine."""
    knots = at(key, t).standard_normal(COARSE + FINE).tolist()
    return knots[:COARSE], knots[COARSE:]


def quantile(share: Array) -> Array:
    """Below which that share of `contact` lies, about: its standard deviation is 0.9."""
    return np.asarray(0.9 * np.log((share + 0.002) / (1.002 - share)) / 1.7)
