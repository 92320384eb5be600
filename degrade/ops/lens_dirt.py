"""Lens dirt: particles on glass in the light path, out of focus and stationary."""

from typing import Annotated, ClassVar

from pydantic import Field

from degrade.core.fields import Interval, Within
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo
from degrade.ops._sprites import PlacedParams, Sprites


class LensDirt(Sprites[PlacedParams]):
    """Soft, faint discs that stand still while the picture moves: a speck seen as the lens's aperture.

    Put it before `weave` for the camera's lens, after it for the projector's or scanner's.
    """

    texture: ClassVar[str] = "mote"
    shapes: ClassVar[int] = 32

    per_frame: Annotated[Interval, Within(0, 1000, "specks")] = (2.0, 10.0)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (500, 5000)
    """Frames that one stays for, until someone cleans the glass."""
    size: Annotated[Interval, Within(0, 4, "frame heights")] = (0.05, 0.15)
    """Median side of the square that a speck lies in, drawn per clip; it spans about half of it."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.5
    """Standard deviation of the logarithm of the sizes within a clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.05, 0.3)
    """Drawn per speck."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 0.0)
    """Share of specks that lighten (on the glass of the printer), drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> PlacedParams:
        """Draws when specks come and go, then every speck."""
        return PlacedParams(**self.place(rng.generator("specks"), info))
