"""Line scratches that run along the film, over many frames."""

import functools
import math
from bisect import bisect_right
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Ints, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, at, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._sprites import arrivals, cover, rounded, tones, tracks, whole

COARSE, FINE = 5, 30
"""Knots per frame of the two scales on which a scratch lifts off the film."""


class ScratchParams(Params):
    """What was drawn: one entry per line, sorted by first frame.

    A line is one mark on the film, whose frames follow each other from top to bottom: the foot of a frame
    is the head of the next. So tracks have a number for the head of each frame that the line is on, and
    one more for the foot of the last.
    """

    first: Ints
    """First frame of the clip that it is on."""
    x_px: tuple[Floats, ...]
    """Middle of the line, from the left border."""
    level: tuple[Floats, ...]
    """Strength, 0 to 1; fades in and out."""
    width_px: Floats
    """Between the zeros of its profile."""
    tone: Floats
    """0 a black line, 1 a white one."""
    opacity: Floats
    """Greatest alpha."""
    lobes: Floats
    """Strength of the fringes of the opposite tone, relative to the line."""
    lift: Floats
    """Where the contact of film and particle, a noise of about unit variance, is below this, there is no line."""
    key: Ints
    """Of that noise."""


class Scratch(Contaminant):
    """Vertical lines made by a particle in the path of the film: black on its base, white in the emulsion.

    The profile is the damped cosine of Kokaram, "Motion Picture Restoration" (1998), cut off after its
    first fringe and integrated over each pixel. Position, strength and breaks stream with the film.
    """

    drawn: ClassVar[type[Params]] = ScratchParams

    per_frame: Annotated[Interval, Within(0, 1000, "lines")] = (0.5, 3.0)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (5, 100)
    """Frames that a line runs for."""
    fade: Annotated[float, Field(ge=0, le=1000)] = 3.0
    """Frames over which it comes and goes; at most half its lifetime."""
    width: Annotated[Interval, Within(0, 0.1, "frame heights")] = (0.002, 0.006)
    """Drawn per line."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.2, 0.9)
    """Drawn per line."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 1.0)
    """Share of white lines, drawn per clip."""
    lobes: Annotated[Interval, Within(0, 1)] = (0.0, 0.3)
    """Strength of the fringes of the opposite tone, relative to the line."""
    wander: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.0003, 0.003)
    """Standard deviation of an Ornstein-Uhlenbeck sway of ten frames, drawn per line."""
    drift: Annotated[Interval, Within(0, 0.1, "frame heights per frame")] = (0.0, 0.0003)
    """Steady movement to one side, drawn per line."""
    broken: Annotated[Interval, Within(0, 1)] = (0.0, 0.5)
    """Share of its length where a line has lifted off, about; drawn per line."""

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        """Draws when lines begin and end, then every line and its tracks."""
        draw = rng.generator("lines")
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
        return ScratchParams(
            first=whole(np.maximum(first, 0)),
            x_px=tracks(x, 2),
            level=tracks(level, 2),
            width_px=rounded(height * draw.uniform(*self.width, count), 3),
            tone=rounded(tones(draw, self.light, count, (0, 0), (1, 1)), 0),
            opacity=rounded(draw.uniform(*self.opacity, count), 2),
            lobes=rounded(draw.uniform(*self.lobes, count), 2),
            lift=rounded(_quantile(draw.uniform(*self.broken, count)), 2),
            key=whole(draw.integers(2**32, size=count)),
        )

    def paint(self, frame: Array, mask: Array, params: Any, t: int) -> None:
        """See `Contaminant.paint`."""
        height, width = frame.shape[:2]
        rows = (np.arange(height, dtype=np.float32) + np.float32(0.5)) / height
        for i in range(bisect_right(params.first, t)):
            age = t - params.first[i]
            if age >= len(params.x_px[i]) - 1:
                continue
            head, foot = params.x_px[i][age : age + 2]
            half = max(params.width_px[i] / 2, 0.05)
            reach = half * (3 if params.lobes[i] else 1)
            left = max(0, math.floor(min(head, foot) - reach))
            right = min(width, math.ceil(max(head, foot) + reach))
            contact = np.clip(0.7 * (_contact(params.key[i], t, rows) - params.lift[i]), 0, 1)
            touching = np.flatnonzero(contact)
            if left >= right or not touching.size:
                continue
            part = slice(touching[0], touching[-1] + 1)
            level = np.interp(rows[part], (0, 1), params.level[i][age : age + 2])
            borders = np.arange(left, right + 1) - (head + (foot - head) * rows[part, None])
            line = np.diff(_integral(borders.astype(np.float32), half, params.lobes[i]), axis=1)
            line *= (params.opacity[i] * level * contact[part]).astype(np.float32)[:, None]
            tone = np.where(line > 0, params.tone[i], 1 - params.tone[i]).astype(np.float32)
            cover(frame, mask, (part, slice(left, right)), abs(line), tone[..., None])


def _integral(d: Array, half: float, lobes: float) -> Array:
    """Integral from the middle to `d` of the profile: cos(pi d / 2 half), `lobes` times it from half to 3 half."""
    away = np.abs(d)
    wave = np.sin(np.pi / 2 / half * np.minimum(away, 3 * half))
    total = np.where(away <= half, wave, 1 + lobes * (wave - 1))
    return np.asarray(2 * half / np.pi * np.sign(d) * total)


def _contact(key: int, t: int, rows: Array) -> Array:
    """Noise along the film, continuous from frame to frame, (H,)."""
    (coarse, fine), (coarse_after, fine_after) = _knots(key, t), _knots(key, t + 1)
    return np.asarray(
        np.interp(rows * COARSE, range(COARSE + 1), (*coarse, coarse_after[0]))
        + 0.5 * np.interp(rows * FINE, range(FINE + 1), (*fine, fine_after[0]))
    )


@functools.lru_cache(maxsize=128)
def _knots(key: int, t: int) -> tuple[list[float], list[float]]:
    """Normal numbers at even distances along one frame of film, coarse and fine."""
    knots = at(key, t).standard_normal(COARSE + FINE).tolist()
    return knots[:COARSE], knots[COARSE:]


def _quantile(share: Array) -> Array:
    """Below which that share of `_contact` lies, about: its standard deviation is 0.9."""
    return np.asarray(0.9 * np.log((share + 0.002) / (1.002 - share)) / 1.7)
