"""Film grain: clumps of silver or dye, independent in every frame, strongest at medium densities."""

import math
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, at, normal
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._blur import even_borders, gaussian
from degrade.ops._channels import for_channels
from degrade.ops._light import GAMMA

Gauge = Literal["8mm", "16mm", "35mm"]

FRAME_MM = {"8mm": 3.5, "16mm": 7.49, "35mm": 18.67}
"""Height of the camera's frame: 4.8 × 3.5, 10.26 × 7.49 and 24.89 × 18.67 mm (silent or full aperture)."""
APERTURE_MM2 = math.pi * 0.024**2
"""Of the microdensitometer, 48 µm across, through which granularity is measured."""
BASE = 0.04
"""Density of the clearest parts, whose grain is that of fog."""


class GrainParams(Params):
    """What was drawn."""

    density: float
    """Standard deviation of density 1 over a pixel, before the clumps spread it."""
    sigma_px: float
    """Standard deviation of a clump."""
    layers: int
    """Independent ones: 1 or 3."""
    key: int
    """Of the pixels."""


class Grain(Op[GrainParams]):
    """Grain: density varies at random, its variance in proportion to the density, as Nutting's law has it.

    The standard deviation of coded values I is in proportion to I·√D: greatest at I = 0.6, nothing in black,
    and next to nothing in white. The noise is normal, with a Gaussian spectrum. Its strength is given as data
    sheets of films do, by the rms granularity: a thousand times the standard deviation of density 1 seen
    through an aperture of 48 µm. What a pixel sees follows from the gauge by Selwyn's law (deviation times the
    root of the area is constant), so that 8 mm is grainier than 35 mm, and full HD than its reduction. Sources:
    P. G. Nutting, Phil. Mag. 26 (1913), 423; E. W. H. Selwyn, Phot. J. 75 (1935), 571; Kodak, Understanding
    graininess and granularity (publication F-20).
    """

    family: ClassVar[Family] = "quality"

    gauge: Gauge = "35mm"
    """Width of the film."""
    granularity: Annotated[Interval, Within(0, 200), Neutral(0)] = (15.0, 45.0)
    """Rms granularity, drawn per clip: 5 to 20 of a camera film; a print multiplies its negative's by two or three. Of
    clumps far smaller than the aperture: where `size` is 10 µm, 0.75 of it are read."""
    size: Annotated[Interval, Within(0, 50, "µm")] = (4.0, 10.0)
    """Standard deviation of a clump on the film, drawn per clip."""
    layers: Literal["colour", "silver"] = "colour"
    """Grain of its own in each of three dye layers, or the same in all channels; grey clips have but one."""

    def sample(self, info: ClipInfo, rng: Stream) -> GrainParams:
        """Draws granularity and size, and turns both into pixels."""
        draw, pixel_mm = rng.generator("grain"), FRAME_MM[self.gauge] / info.height
        granularity, size = draw.uniform(*self.granularity), draw.uniform(*self.size)
        return GrainParams(
            density=float(granularity / 1000 * math.sqrt(APERTURE_MM2) / pixel_mm),
            sigma_px=float(size / 1000 / pixel_mm),
            layers=info.channels if self.layers == "colour" else 1,
            key=rng.key("pixels"),
        )

    def render_frame(self, frame: Array, params: GrainParams, t: int) -> Array:
        """Frame t with its grain."""
        grain = gaussian(normal(at(params.key, t), (*frame.shape[:2], params.layers)), params.sigma_px)
        even_borders(grain, params.sigma_px, params.sigma_px)
        density = np.maximum(frame, np.float32(1e-4))
        cv2.log(density, dst=density)
        density *= np.float32(-GAMMA / math.log(10))
        density += np.float32(BASE)
        change = np.sqrt(density, out=density)
        change *= frame
        change *= np.float32(-params.density * math.log(10) / GAMMA)
        change *= for_channels(grain[..., 0], frame.shape[2]) if params.layers == 1 else grain
        change += frame
        return clipped(change)
