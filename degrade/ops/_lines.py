"""Lines along the film: each is one continuous mark across consecutive frames."""

import functools
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator
from typing_extensions import TypeVar

from degrade.core.fields import Floats, Interval, Ints, Within
from degrade.core.op import Contaminant
from degrade.core.rng import correlated, normals
from degrade.core.types import Array, ClipInfo
from degrade.ops._crowding import check_crowding
from degrade.ops._events import EventParams, arrivals
from degrade.ops._packing import pack_ints, pack_tracks

COARSE, FINE = 5, 30
"""Knots per frame of the two scales on which a particle lifts off the film."""
AHEAD = 8
"""Frames that the noise is drawn for at once."""


class LineParams(EventParams):
    """What was drawn: one entry per line, sorted by first frame.

    The foot of a frame is the head of the next. So pack_tracks have a number for the head of each frame that
    the line is on, and one more for the foot of the last.
    """

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

    def lifetimes(self) -> Iterable[int]:
        """See `EventParams.lifetimes`."""
        return (len(track) - 1 for track in self.x_px)

    def ends(self, lines: Array, t: int) -> tuple[Array, Array, Array, Array]:
        """Middle at the head and at the foot of frame t, level at both, of lines that it shows, (N,) each."""
        x, level, begin = self._runs
        at = begin[lines] + t
        return x[at], x[at + 1], level[at], level[at + 1]

    def knots(self, lines: Array, t: int) -> tuple[Array, Array]:
        """The noise at its knots on frame t and on the next, for lines that t shows, each (N, COARSE + FINE)."""
        block = t // AHEAD
        drawn = self._drawn.get(block)
        if drawn is None:
            drawn = self._draw_knots(block * AHEAD, (block + 1) * AHEAD)
            self._drawn.clear()
            self._drawn[block] = drawn
        shown, rows, noise = drawn
        at = rows[np.searchsorted(shown, lines)] + t
        return noise[at], noise[at + 1]

    @functools.cached_property
    def _runs(self) -> tuple[Array, Array, Array]:
        """`x_px` and `level` of all lines one after the other, and where frame 0 of each would be."""
        first, end, _ = self._span
        count = end + 1 - first
        x, level = (np.concatenate([*runs, []]) for runs in (self.x_px, self.level))
        return x, level, np.cumsum(count) - count - first

    @functools.cached_property
    def _drawn(self) -> dict[int, tuple[Array, Array, Array]]:
        """What `_draw_knots` gave last."""
        return {}

    def _draw_knots(self, start: int, stop: int) -> tuple[Array, Array, Array]:
        """The lines that a stretch of the clip shows, the row where frame 0 of each would be, and the rows."""
        first, end, _ = self._span
        shown = np.flatnonzero((first < stop) & (end > start))
        begin = np.maximum(first[shown], start)
        count = np.minimum(end[shown], stop) + 1 - begin
        rows = np.cumsum(count) - count - begin
        of = np.repeat(np.arange(shown.size), count)
        keys = np.asarray(self.key)[shown].astype(np.uint64)
        noise = normals(keys[of], np.arange(of.size) - rows[of], COARSE + FINE)
        return shown, rows, noise.astype(np.float32)


class Marks(NamedTuple):
    """Some of the lines on a frame, an entry for each of N, in their order."""

    lines: Array
    """Their indices in the params, (N,) int."""
    left: Array
    """The first column that each may touch, (N,) int."""
    right: Array
    """The column after the last, (N,) int."""
    reach: Array
    """How far each shows to either side, in pixels, (N,) float32."""
    half: Array
    """Half widths in pixels, (N,) float32."""
    middle: Array
    """Of each in each row from the left border of column `left`, (H, N) float32."""
    weight: Array
    """Strength of each in each row, (H, N) float32; 0 where the particle has lifted off."""

    def of(self, values: Sequence[float]) -> Array:
        """Those of these lines, (N,) float32, out of one for each line of the params."""
        return np.asarray(values)[self.lines].astype(np.float32)


L = TypeVar("L", bound=LineParams, default=Any)


class Lines(Contaminant[L]):
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

    @model_validator(mode="after")
    def _can_be_painted(self) -> Self:
        check_crowding("per_frame", self.per_frame, 3 * self.width[1])
        return self

    def run(self, draw: np.random.Generator, info: ClipInfo) -> dict[str, Any]:
        """Draws when lines begin and end, and their pack_tracks: the first three fields of `LineParams`."""
        first, life = arrivals(draw, draw.uniform(*self.per_frame), self.lifetime, info.frames)
        count, height = first.size, info.height
        start = draw.uniform(0, info.width, count)
        sway = height * draw.uniform(*self.wander, count)
        drift = height * draw.uniform(*self.drift, count) * draw.choice([-1, 1], count)
        seen = np.maximum(0, -first)  # of its knots the first that the clip sees, and how many it does
        lengths = np.minimum(life, info.frames - first) + 1 - seen
        knots = seen[:, None] + np.arange(lengths.max(initial=0))
        noise = np.zeros((count, 2, knots.shape[1]))
        drawn = np.broadcast_to((knots - seen[:, None] < lengths[:, None])[:, None], noise.shape)
        noise[drawn] = draw.standard_normal(2 * lengths.sum())
        unrest, wander = correlated(noise[:, 0], 4), correlated(noise[:, 1], 10)
        start, sway, drift, life = (each[:, None] for each in (start, sway, drift, life))
        ends = np.minimum(knots, life - knots) + 0.5
        level = np.minimum(1, ends / np.maximum(np.minimum(self.fade, life / 2), 0.5))
        level *= np.clip(1 + 0.2 * unrest, 0.3, 1)
        x = start + drift * (knots - life / 2) + sway * wander
        return {
            "first": pack_ints(np.maximum(first, 0)),
            "x_px": pack_tracks((row[:n] for row, n in zip(x, lengths, strict=True)), 2),
            "level": pack_tracks((row[:n] for row, n in zip(level, lengths, strict=True)), 2),
        }


def quantile(share: Array) -> Array:
    """Below which that share of a particle's contact lies, about: its standard deviation is 0.9."""
    return np.asarray(0.9 * np.log((share + 0.002) / (1.002 - share)) / 1.7)
