"""Translucent dirt: smudges and dried water."""

from typing import Annotated, ClassVar

from pydantic import Field

from degrade.core.fields import Interval, Within
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops._sprites import PlacedParams, Sprites


class Dirt(Sprites[PlacedParams]):
    """Stains with cloudy bodies and tide lines: dark ones multiply the picture, light ones screen it."""

    texture: ClassVar[str] = "stain"

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

    def sample(self, info: ClipInfo, rng: Stream) -> PlacedParams:
        """Draws when stains come and go, then every stain."""
        return PlacedParams(**self.place(rng.generator("stains"), info))
