"""Vignetting: less light towards the corners."""

from typing import Annotated, ClassVar

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._channels import for_channels
from degrade.ops._geometry import radius2
from degrade.ops._light import GAMMA, power


class VignetteParams(Params):
    """What was drawn."""

    stops: float
    """Lost half a diagonal away from the brightest point."""
    x: float
    """Brightest point, in frame heights to the right of the centre."""
    y: float
    """The same downwards."""


class Vignette(Op[VignetteParams]):
    """Light times cos⁴ of the angle from the axis, the natural falloff of a lens, as strong as asked for."""

    family: ClassVar[Family] = "exposure"

    falloff: Annotated[Interval, Within(0, 8, "stops"), Neutral(0)] = (0.5, 2.0)
    """Light lost half a diagonal away from the brightest point, drawn per clip."""
    offset: Annotated[Interval, Within(0, 0.5, "frame heights")] = (0.0, 0.06)
    """Distance of the brightest point from the centre, in any direction, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> VignetteParams:
        """Draws falloff and centre."""
        draw = rng.generator("falloff")
        stops, offset, angle = draw.uniform(*self.falloff), draw.uniform(*self.offset), draw.uniform(0, 2 * np.pi)
        return VignetteParams(stops=stops, x=float(offset * np.cos(angle)), y=float(offset * np.sin(angle)))

    def render_frame(self, frame: Array, params: VignetteParams, t: int) -> Array:
        """Frame t, darkened."""
        distance = radius2(frame.shape[:2], params.x, params.y)
        steepness = 2 ** (params.stops / 2) - 1  # cos⁴ = 1 / (1 + tan²)²
        distance *= np.float32(steepness)
        distance += 1
        return frame * for_channels(power(distance, -2 / GAMMA), frame.shape[2])
