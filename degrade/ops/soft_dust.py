"""Soft dust: specks that lay beside the plane of the film."""

from typing import Annotated, ClassVar

from pydantic import Field

from degrade.core.fields import Interval, Within
from degrade.ops.dust import Dust


class SoftDust(Dust):
    """Specks out of focus, each on one frame only: dust on the glass of a printer, or between two films as they touch.

    They show as soft discs, often with a halo, as many do in The Great Train Robbery (1903).
    """

    texture: ClassVar[str] = "mote"
    side: ClassVar[float] = 2.0

    per_frame: Annotated[Interval, Within(0, 10_000, "specks")] = (0.3, 5.0)
    """Mean number on a frame, drawn per clip."""
    sprinkled: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of specks that come in groups."""
    size: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.01, 0.035)
    """Median of the longest side, soft edge included, drawn per clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.3, 0.9)
    """Drawn per speck."""
    light: Annotated[Interval, Within(0, 1)] = (0.3, 1.0)
    """Share of light specks, drawn per clip: what lies in a printer, between lamp and negative, shows light."""
