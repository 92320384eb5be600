"""Sensor or scanner noise, independent in every frame: Gaussian or speckle."""

from typing import Annotated, ClassVar, Literal

import cv2
from pydantic import Field

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, at, normal
from degrade.core.types import Array, ClipInfo, Params, clipped
from degrade.ops._drawn import stray
from degrade.ops._packing import short_floats

Kind = Literal["gaussian", "speckle"]


class NoiseParams(Params):
    """What was drawn."""

    kind: tuple[Kind, ...]
    """Per frame."""
    sigma: tuple[float, ...]
    """Per frame, of 255."""
    key: int
    """Of the pixels."""


class Noise(Op[NoiseParams]):
    """Normal noise n, independent between pixels, channels and frames: I + n, or speckle I + n·I.

    Sigma is drawn once per clip, evenly over its range, and strays from frame to frame by `jitter`.
    """

    family: ClassVar[Family] = "quality"

    sigma: Annotated[Interval, Within(0, 255, "of 255"), Neutral(0)] = (2.0, 8.0)
    """Standard deviation in 8-bit levels; of speckle, the one at white."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Greatest deviation of a frame's sigma from the clip's, as a share of the range."""
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = ("gaussian",)
    """``gaussian`` or ``speckle``; one of them is drawn for each frame."""

    def sample(self, info: ClipInfo, rng: Stream) -> NoiseParams:
        """Draws the clip's sigma, each frame's deviation and kind."""
        kinds = rng.generator("kind").integers(len(self.kinds), size=info.frames)
        return NoiseParams(
            kind=tuple(self.kinds[k] for k in kinds),
            sigma=short_floats(stray(rng.generator("sigma"), self.sigma, self.jitter, info.frames)),
            key=rng.key("pixels"),
        )

    def render_frame(self, frame: Array, params: NoiseParams, t: int) -> Array:
        """Frame t with noise."""
        noisy = normal(at(params.key, t), frame.shape)
        if params.kind[t] == "speckle":
            noisy *= frame
        cv2.scaleAdd(noisy, params.sigma[t] / 255, frame, dst=noisy)
        return clipped(noisy)
