"""Defects that lie on the film: when they come and go, and how their textures are laid on a frame."""

import functools
import itertools
import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar

import cv2
import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Ints, Within
from degrade.core.op import Contaminant
from degrade.core.types import Array, ClipInfo, Params
from degrade.textures import draw

SHAPES = 256
"""How many different defects each texture has; few enough that all that are used stay in memory."""
DRAWN, LARGEST = 64, 256
"""Sides of the smallest prototype that is drawn, smaller ones being reductions of it, and of the largest."""


class Lasting(Params):
    """What was drawn for defects that come and go: one entry per defect in each field, sorted by first frame."""

    first: Ints
    """First frame of the clip that it shows on."""

    def lifetimes(self) -> Iterable[int]:
        """Frames of the clip that each shows on; one, unless a subclass says otherwise."""
        return itertools.repeat(1)

    def shown(self, t: int) -> list[int]:
        """Which of them frame t shows, in order; among thousands of frames as fast as among ten."""
        first, end, longest = self._span
        begin, stop = np.searchsorted(first, (t - longest, t), side="right")
        return (begin + np.flatnonzero(t < end[begin:stop])).tolist()

    @functools.cached_property
    def _span(self) -> tuple[Array, Array, int]:
        first = np.array(self.first, np.int64)
        life = np.fromiter(self.lifetimes(), np.int64, first.size)
        return first, first + life, int(life.max(initial=0))


class SpriteParams(Lasting):
    """What was drawn for defects that are textures, laid on the frame."""

    shape: Ints
    """Seed of the texture."""
    size_px: Floats
    """Side of the texture."""
    tone: Floats
    """What it covers the picture with: 0 black, 1 white."""
    opacity: Floats
    """Greatest alpha."""


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
        """See `Lasting.lifetimes`."""
        return self.lifetime


class Sprites(Contaminant):
    """Defects that come at random, lie still, and go; the op sets texture and defaults, or paints each one itself."""

    drawn: ClassVar[type[Params]] = PlacedParams
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

    def place(self, draw: np.random.Generator, info: ClipInfo) -> dict[str, Any]:
        """Draws when defects come and go, then every defect: the fields of `PlacedParams`."""
        stays = arrivals(draw, draw.uniform(*self.per_frame), self.lifetime, info.frames)
        first, life = within(*stays, info.frames)
        count = first.size
        size = np.minimum(log_normal(draw, draw.uniform(*self.size), self.spread, count), 4)
        return {
            "first": whole(first),
            "lifetime": whole(life),
            "x_px": rounded(draw.uniform(0, info.width, count), 2),
            "y_px": rounded(draw.uniform(0, info.height, count), 2),
            "size_px": rounded(info.height * size, 2),
            "degrees": rounded(draw.uniform(0, 360, count), 0),
            "shape": whole(draw.integers(self.shapes, size=count)),
            "tone": rounded(tones(draw, self.light, count, (0, 0), (1, 1)), 0),
            "opacity": rounded(draw.uniform(*self.opacity, count), 2),
        }

    def paint(self, frame: Array, mask: Array, params: Any, t: int) -> None:
        """See `Contaminant.paint`."""
        for i in params.shown(t):
            place = params.x_px[i], params.y_px[i], params.size_px[i], params.degrees[i]
            if found := texture_at(self.texture, params.shape[i], frame.shape[:2], *place):
                where, alpha = found
                cover(frame, mask, where, params.opacity[i] * alpha, params.tone[i])


def tones(rng: np.random.Generator, light: Interval, count: int, dark: Interval, bright: Interval) -> Array:
    """A tone for each defect; the share of light ones is drawn once."""
    is_light = rng.random(count) < rng.uniform(*light)
    at = rng.random(count)
    return np.where(is_light, bright[0] + at * (bright[1] - bright[0]), dark[0] + at * (dark[1] - dark[0]))


def log_normal(rng: np.random.Generator, median: Array | float, spread: float, count: int) -> Array:
    """Sizes whose logarithm is normal, cut off at three standard deviations."""
    return np.asarray(median * np.exp(spread * np.clip(rng.standard_normal(count), -3, 3)))


def arrivals(rng: np.random.Generator, per_frame: float, lifetime: Interval, frames: int) -> tuple[Array, Array]:
    """Defects that come at random and stay for a while, in a steady state from frame 0 on.

    Args:
        rng: Source of the numbers.
        per_frame: Mean number that a frame shows.
        lifetime: Frames that a defect stays for, drawn evenly, whole.
        frames: Length of the clip.

    Returns:
        First frames, ascending, and lifetimes, both (N,) int; all show in the clip.
    """
    shortest, longest = (max(1, round(bound)) for bound in lifetime)
    rate = per_frame / ((shortest + longest) / 2)
    starts = np.arange(1 - longest, frames)
    first = np.repeat(starts, rng.poisson(rate, starts.size))
    life = rng.integers(shortest, longest + 1, first.size)
    shown = first + life > 0
    return first[shown], life[shown]


def within(first: Array, life: Array, frames: int) -> tuple[Array, Array]:
    """What a clip of that many frames sees of such lifetimes: first frames and their number."""
    start = np.maximum(first, 0)
    return start, np.minimum(first + life, frames) - start


def texture_at(
    name: str, seed: int, shape: tuple[int, int], x: float, y: float, size: float, degrees: float
) -> tuple[tuple[slice, slice], Array] | None:
    """A texture, turned and scaled, where it falls on a frame.

    Args:
        name: Of the texture.
        seed: Of the texture.
        shape: Height and width of the frame.
        x: Its centre, in pixels from the frame's left border.
        y: Its centre, in pixels from the frame's upper border.
        size: Side of the texture in pixels; under 1 px it is drawn at 1 px and fainter by its area.
        degrees: Turned by, counter-clockwise.

    Returns:
        The part of the frame that it touches and its alpha there, (h, w) float32; None if it misses.
    """
    drawn = max(size, 1.0)
    reach = drawn * (abs(math.cos(math.radians(degrees))) + abs(math.sin(math.radians(degrees)))) / 2 + 1
    top, bottom = max(0, math.floor(y - reach)), min(shape[0], math.ceil(y + reach))
    left, right = max(0, math.floor(x - reach)), min(shape[1], math.ceil(x + reach))
    if top >= bottom or left >= right:
        return None
    side = min(LARGEST, 2 << max(0, math.ceil(math.log2(drawn)) - 1))
    prototype = draw(name, seed, side, side) if side >= DRAWN else _shrunk(name, seed, side)
    cos, sin = (f(math.radians(degrees)) * drawn / side for f in (math.cos, math.sin))
    middle = (side - 1) / 2
    x, y = x - 0.5 - left, y - 0.5 - top  # to where the centre of a pixel has whole coordinates
    matrix = np.array([[cos, sin, x - (cos + sin) * middle], [-sin, cos, y + (sin - cos) * middle]], np.float64)
    alpha = cv2.warpAffine(prototype, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    return (slice(top, bottom), slice(left, right)), alpha * np.float32(min(size, 1.0) ** 2)


@functools.lru_cache(maxsize=4096)
def _shrunk(name: str, seed: int, side: int) -> Array:
    return cv2.resize(draw(name, seed, DRAWN, DRAWN), (side, side), interpolation=cv2.INTER_AREA)


def cover(frame: Array, mask: Array, where: tuple[slice, slice], alpha: Array, tone: float | Array) -> None:
    """Lays a tone over part of a frame, in place, and raises the mask: I + alpha (tone - I).

    With tone 0 this multiplies by 1 - alpha, with tone 1 it screens; where alpha is 0 nothing changes.

    Args:
        frame: (H, W, C).
        mask: (H, W, 1).
        where: The part.
        alpha: Of that part, (h, w), or (h, w, C) if channels differ: then the greatest is the mask's.
        tone: One, or (h, w, 1), or one for each channel, (C,).
    """
    alpha = np.clip(alpha, 0, 1).reshape(*alpha.shape[:2], -1)
    part, covered = frame[where], mask[where]
    part += alpha * (tone - part)
    one = alpha.shape[2] == 1
    greatest = alpha if one else functools.reduce(np.maximum, np.split(alpha, alpha.shape[2], axis=2))  # not max(2)
    covered += greatest * (1 - covered)


def tint(channels: int, *rgb: float) -> Array:
    """A number for each channel of the picture, (C,) float32; of grey ones the mean."""
    return np.array(rgb if channels == 3 else [sum(rgb) / 3], np.float32)


def rounded(values: Array | Sequence[float], digits: int) -> Floats:
    """As numbers that are short in a trace."""
    return array("d", np.round(np.asarray(values, float), digits).tobytes())


def whole(values: Array) -> Ints:
    """Whole numbers, packed."""
    return array("q", values.astype(np.int64).tobytes())


def tracks(rows: Iterable[Array], digits: int) -> tuple[Floats, ...]:
    """A run of numbers for each defect."""
    return tuple(rounded(row, digits) for row in rows)
