"""Splices: film cut and joined with tape or cement."""

from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Ints, Neutral, Probability, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._compositing import cover, tint
from degrade.ops._film import along, ease, fractal_along
from degrade.ops._packing import pack_floats


class SpliceParams(Params):
    """What was drawn: one entry per splice, sorted by frame."""

    frame: Ints
    """First frame after the cut."""
    tape: tuple[bool, ...]
    """Tape, or else cement."""
    above: Floats
    """How far tape or overlap reaches into the frame before, in frame heights."""
    below: Floats
    """How far into the frame after, in frame heights."""
    slant: Floats
    """Slope of its ends."""
    opacity: Floats
    """How much lighter the picture is beneath."""
    dirt: Floats
    """Alpha of the dark line that gathers at its ends."""
    key: Ints
    """Of bubbles and glue."""


class Splice(Contaminant[SpliceParams]):
    """A join between two frames, which shows on the frames beside the cut.

    Tape lies over most of both: a lighter, yellowish band with silvery bubbles and straight ends where dirt
    sticks. Cement shows as a narrow band along the frame line, scraped bright, with a hard edge where the
    two pieces overlap, and smeared glue. The jump of the picture is not part of it.
    """

    count: Annotated[Interval, Within(0, 100, "splices")] = (1, 1)
    """Number in a clip, whole, drawn per clip."""
    taped: Probability = 0.5
    """Probability that a splice is of tape."""
    tape: Annotated[Interval, Within(0, 3, "frame heights")] = (0.3, 1.0)
    """How far tape reaches to either side of the cut, drawn per splice."""
    overlap: Annotated[Interval, Within(0, 1, "frame heights")] = (0.02, 0.09)
    """How far cemented film overlaps, drawn per splice; the greater part is on one side of the cut."""
    slant: Annotated[Interval, Within(0, 0.5)] = (0.0, 0.01)
    """Slope of the ends, drawn per splice."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.06, 0.3)
    """How much lighter the picture is beneath tape, drawn per splice; three times that under cement."""
    dirt: Annotated[Interval, Within(0, 1), Neutral(0)] = (0.1, 0.8)
    """Alpha of the dark line at the ends, drawn per splice."""
    seam: Annotated[float, Field(ge=0, le=1), Neutral(0)] = 0.8
    """Alpha of the dark line at the cut itself."""

    def sample(self, info: ClipInfo, rng: Stream) -> SpliceParams:
        """Draws where the splices are, then each."""
        draw = rng.generator("splices")
        count = round(draw.uniform(*self.count))
        tape = draw.random(count) < self.taped
        width = np.where(tape, draw.uniform(*self.tape, count), draw.uniform(*self.overlap, count))
        first = draw.random(count) < 0.5  # whose overlap is the greater
        less = np.where(tape, draw.uniform(0.9, 1.1, count), draw.uniform(0, 0.3, count))
        return SpliceParams(
            frame=tuple(np.sort(draw.integers(info.frames + 1, size=count)).tolist()),
            tape=tuple(tape.tolist()),
            above=pack_floats(width * np.where(first, 1, less), 4),
            below=pack_floats(width * np.where(first, less, 1), 4),
            slant=pack_floats(draw.uniform(*self.slant, count) * draw.choice((-1, 1), count), 4),
            opacity=pack_floats(np.minimum(draw.uniform(*self.opacity, count) * np.where(tape, 1, 3), 1), 3),
            dirt=pack_floats(draw.uniform(*self.dirt, count), 2),
            key=tuple(draw.integers(2**32, size=count).tolist()),
        )

    def paint(self, frame: Array, mask: Array, params: SpliceParams, t: int) -> None:
        """See `Contaminant.paint`."""
        height, width, channels = frame.shape
        for i, cut in enumerate(params.frame):
            if t - cut + 1 < -params.above[i] - 0.1 or t - cut > params.below[i] + 0.1:
                continue
            tape, dirt, key = params.tape[i], params.dirt[i], params.key[i]
            x = (np.arange(width, dtype=np.float32) + np.float32(0.5)) / height
            tilt = np.float32(params.slant[i]) * (x - np.float32(width / height / 2))
            y = (np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)) / height + np.float32(t - cut) + tilt
            pixel = 1 / height
            inside = np.minimum(y + np.float32(params.above[i]), np.float32(params.below[i]) - y)
            rows = np.flatnonzero(inside.max(1) > -0.06)
            if not rows.size:
                continue
            part = slice(rows[0], rows[-1] + 1)
            where, inside, y = (part, slice(None)), inside[part], y[part]
            uneven = fractal_along(key, t, (height, width), 3 if tape else 8, 3, 0.6, where)
            band = ease(inside, -0.5 * pixel, 0.5 * pixel)
            if tape:
                bubbles = ease(along(key + 8, t, (height, width), 14, where) - np.float32(0.3) * uneven, 1.5, 1.8)
                lighter = band * (params.opacity[i] * (np.clip(1 + 0.15 * uneven, 0.5, 1.5) + bubbles))
                cover(frame, mask, where, lighter, tint(channels, 1, 0.95, 0.8))
            else:
                glue = ease(inside + 0.02 * uneven, -0.03, 0.0) * np.clip(0.5 + 0.4 * uneven, 0, 1)
                cover(frame, mask, where, 0.5 * params.opacity[i] * glue, tint(channels, 0.85, 0.8, 0.7))
                scraped = band * params.opacity[i] * np.clip(0.8 + 0.25 * uneven, 0, 1)
                cover(frame, mask, where, scraped, tint(channels, 1, 0.98, 0.94))
            thick = max(0.0025, 0.7 * pixel) * (1 + 0.4 * uneven)
            ends = np.exp(-((inside / np.maximum(thick, 0.5 * pixel)) ** 2)) * (abs(inside) < 0.02)
            cover(frame, mask, where, np.float32(dirt) * ends * np.clip(0.7 + 0.4 * uneven, 0, 1), 0.0)
            glint = np.exp(-(((inside - 2.5 * thick) / thick) ** 2)) * (abs(inside) < 0.02)
            cover(frame, mask, where, np.float32(0.5 * dirt) * glint, 1.0)
            seam = np.exp(-((y / max(0.004, pixel)) ** 2)) * (abs(y) < 0.02)
            cover(frame, mask, where, np.float32(self.seam) * seam, 0.0)
