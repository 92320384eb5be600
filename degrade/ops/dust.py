"""Dust: specks that appear on single frames."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from degrade.core.fields import Floats, Interval, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo
from degrade.ops._compositing import Sprite, lay_sprites
from degrade.ops._crowding import check_crowding, mean_square
from degrade.ops._drawn import log_normal, tones
from degrade.ops._packing import pack_floats, pack_ints
from degrade.ops._sprites import SHAPES, SpriteParams

TOGETHER = 8
"""Mean number of specks in a sprinkle."""


class DustParams(SpriteParams):
    """What was drawn: one entry per speck, sorted by frame."""

    x_px: Floats
    """Centre, from the left border."""
    y_px: Floats
    """Centre, from the upper border."""
    degrees: Floats
    """Turned by, counter-clockwise."""
    elongation: Floats | None = None
    """What each texture's breadth is divided by; 1 if not given."""
    stretch: float | None = None
    """Length along the film over that across it; 1 if not given."""


class Dust(Contaminant[DustParams]):
    """Specks of dust, each on one frame only: dark if it lay on the print, light if on the negative.

    The defaults were set beside two silent films taken with a still camera, The Great Train Robbery and
    Within Our Gates, in which a motion-compensated detector found 32 and 24 specks a frame in the median,
    their number varying by 54 and 98% of its mean; longest side 0.8% of the height in the median, its
    logarithm with a standard deviation of 0.5 and 0.6; 93 and 69% of them light. In these copies specks are
    twice as long as wide (`elongation` of 1 to 3), and 1.4 and 1.3 times as high as broad (`stretch`). Scans of
    cleaner 35 mm film (FilmDamageSimulator: 10,331 polygons of dust and dirt) have 0.3% and 0.4, and show specks as
    round as the textures.
    """

    texture: ClassVar[str] = "dust"
    """What a speck is drawn with."""
    side: ClassVar[float] = 1.0
    """Of the texture, in sizes of what is seen of it."""

    per_frame: Annotated[Interval, Within(0, 10_000, "specks")] = (5.0, 40.0)
    """Mean number on a frame, drawn per clip."""
    bursts: Annotated[float, Field(ge=0, le=2)] = 0.5
    """How much the number varies over the frames: standard deviation of the logarithm of its mean."""
    sprinkled: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Share of specks that come in groups."""
    size: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.004, 0.009)
    """Median of the longest side, soft edge included, drawn per clip."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.5
    """Standard deviation of the logarithm of the sizes within a clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.2, 1.0)
    """Drawn per speck."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 1.0)
    """Share of light specks, drawn per clip."""
    elongation: Annotated[Interval, Within(1, 6)] | None = None
    """By how much each is narrower than its texture has it, as long as it is, drawn per speck; not at all if not
    given."""
    stretch: Annotated[Interval, Within(0.25, 4)] | None = None
    """Length along the film over that across it, of the same area, drawn per clip; the same if not given."""

    @model_validator(mode="after")
    def _can_be_painted(self) -> "Dust":
        check_crowding("per_frame", self.per_frame, self.side**2 * mean_square(self.size, self.spread, 0.5))
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> DustParams:
        """Draws the number on each frame, then every speck."""
        draw = rng.generator("specks")
        slow = self.bursts * ornstein_uhlenbeck(draw, info.frames, 3)
        rate = draw.uniform(*self.per_frame) * np.exp(slow - self.bursts**2 / 2)
        frame, x, y = self._places(draw, rate, info.width / info.height)
        order = np.argsort(frame, kind="stable")
        count = order.size
        elongation = None
        if self.elongation is not None:
            elongation = pack_floats(rng.generator("elongation").uniform(*self.elongation, count), 2)
        size = log_normal(draw, draw.uniform(*self.size), self.spread, count)
        return DustParams(
            first=pack_ints(frame[order]),
            x_px=pack_floats(info.height * x[order], 2),
            y_px=pack_floats(info.height * y[order], 2),
            size_px=pack_floats(info.height * self.side * np.minimum(size, 0.5), 2),
            degrees=pack_floats(draw.uniform(0, 360, count), 0),
            shape=pack_ints(draw.integers(SHAPES, size=count)),
            tone=pack_floats(tones(draw, self.light, count, (0.02, 0.12), (0.8, 1.0)), 2),
            opacity=pack_floats(draw.uniform(*self.opacity, count), 2),
            elongation=elongation,
            stretch=self.stretch and round(float(rng.generator("stretch").uniform(*self.stretch)), 3),
        )

    def _places(self, draw: np.random.Generator, rate: Array, aspect: float) -> tuple[Array, Array, Array]:
        """Frame, x and y of every speck, the latter in frame heights."""
        frames = np.arange(rate.size)
        alone = np.repeat(frames, draw.poisson((1 - self.sprinkled) * rate))
        group_frame = np.repeat(frames, draw.poisson(self.sprinkled * rate / TOGETHER))
        members = draw.poisson(TOGETHER, group_frame.size)
        reach = np.repeat(draw.uniform(0.01, 0.06, group_frame.size), members)
        frame = np.concatenate([alone, np.repeat(group_frame, members)])
        x, y = draw.random((2, alone.size + group_frame.size))
        copies = np.concatenate([np.ones(alone.size, int), members])
        x, y = np.repeat(x * aspect, copies), np.repeat(y, copies)
        x[alone.size :] += 0.5 * reach * draw.standard_normal(reach.size)  # along the film rather than across
        y[alone.size :] += reach * draw.standard_normal(reach.size)
        return frame, x, y

    def paint(self, frame: Array, mask: Array, params: DustParams, t: int) -> None:
        """See `Contaminant.paint`."""
        shown = params.shown(t)
        columns = [params.shape, params.x_px, params.y_px, params.size_px, params.degrees, params.opacity, params.tone]
        narrow = np.asarray(params.elongation)[shown] if params.elongation else np.ones(len(shown))
        specks = zip(*(np.asarray(column)[shown].tolist() for column in columns), narrow.tolist(), strict=True)
        lay_sprites(frame, mask, [Sprite._make((self.texture, *speck, params.stretch or 1)) for speck in specks])
