"""Transparent dirt: smudges and dried water that the picture shows through."""

from bisect import bisect_right
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Ints, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._sprites import (
    SHAPES,
    SpriteParams,
    arrivals,
    cover,
    log_normal,
    rounded,
    texture_at,
    tones,
    whole,
    within,
)


class DirtParams(SpriteParams):
    """What was drawn: one entry per stain, sorted by first frame."""

    lifetime: Ints
    """Frames of the clip that it shows on."""
    x_px: Floats
    """Centre, from the left border."""
    y_px: Floats
    """Centre, from the upper border."""
    degrees: Floats
    """Turned by, counter-clockwise."""


class Dirt(Contaminant):
    """Stains with cloudy bodies and tide lines: dark ones multiply the picture, light ones screen it."""

    drawn: ClassVar[type[Params]] = DirtParams

    per_frame: Annotated[Interval, Within(0, 1000, "stains")] = (0.05, 0.6)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (1, 3)
    """Frames that one stays for: 1 on the film, more on what the film passes."""
    size: Annotated[Interval, Within(0, 4, "frame heights")] = (0.04, 0.15)
    """Median side of the square that a stain lies in, drawn per clip; it spans about 0.7 of it."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.6
    """Standard deviation of the logarithm of the sizes within a clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.15, 0.7)
    """Drawn per stain; its body is about half as opaque as its rim."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 0.6)
    """Share of stains that lighten (on the negative, or emulsion washed out), drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        """Draws when stains come and go, then every stain."""
        draw = rng.generator("stains")
        stays = arrivals(draw, draw.uniform(*self.per_frame), self.lifetime, info.frames)
        first, life = within(*stays, info.frames)
        count = first.size
        size = np.minimum(log_normal(draw, draw.uniform(*self.size), self.spread, count), 4)
        return DirtParams(
            first=whole(first),
            lifetime=whole(life),
            x_px=rounded(draw.uniform(0, info.width, count), 2),
            y_px=rounded(draw.uniform(0, info.height, count), 2),
            size_px=rounded(info.height * size, 2),
            degrees=rounded(draw.uniform(0, 360, count), 0),
            shape=whole(draw.integers(SHAPES, size=count)),
            tone=rounded(tones(draw, self.light, count, (0, 0), (1, 1)), 0),
            opacity=rounded(draw.uniform(*self.opacity, count), 2),
        )

    def paint(self, frame: Array, mask: Array, params: Any, t: int) -> None:
        """See `Contaminant.paint`."""
        for i in range(bisect_right(params.first, t)):
            if t >= params.first[i] + params.lifetime[i]:
                continue
            place = params.x_px[i], params.y_px[i], params.size_px[i], params.degrees[i]
            if found := texture_at("stain", params.shape[i], frame.shape[:2], *place):
                where, alpha = found
                cover(frame, mask, where, params.opacity[i] * alpha, params.tone[i])
