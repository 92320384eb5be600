"""Translucent stains of water, oil and fingers, which dim, blur and refract the picture beneath."""

from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from degrade.core.fields import Floats, Interval, Neutral, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops._compositing import cover, textures_on, tint
from degrade.ops._packing import pack_floats
from degrade.ops._sprites import PlacedParams, Sprites

Kind = Literal["water", "oil", "fingerprint"]


class StainParams(PlacedParams):
    """What was drawn: one entry per stain, sorted by first frame."""

    kind: tuple[Kind, ...]
    """Its texture."""
    blur_px: Floats
    """Sigma of the blur where the stain is thickest."""
    shift_px: Floats
    """Farthest that the picture is moved."""


class Stain(Sprites[StainParams]):
    """A thin clear layer on the film. With its thickness a in [0, 1], the picture I becomes (1 - opacity a) B.

    B is I seen through the layer: with weight a it is blurred, and fetched from down the slope of a, as a
    prism bends light. Light stains (on the negative) screen instead. On colour film the layer is yellowish.
    """

    shapes: ClassVar[int] = 32

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = ("water", "oil", "fingerprint")
    """Kinds, equally likely."""
    per_frame: Annotated[Interval, Within(0, 1000, "stains")] = (0.1, 0.8)
    """Mean number on a frame, drawn per clip."""
    lifetime: Annotated[Interval, Within(1, 100_000, "frames")] = (1, 2)
    """Frames that one stays for."""
    size: Annotated[Interval, Within(0, 4, "frame heights")] = (0.12, 0.4)
    """Median side of the square that a stain lies in, drawn per clip. A fingertip is as large as a frame of 35 mm,
    so fingerprints are drawn twice as large."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.4
    """Standard deviation of the logarithm of the sizes within a clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.15, 0.5)
    """Drawn per stain."""
    light: Annotated[Interval, Within(0, 1)] = (0.0, 0.5)
    """Share of stains that lighten, drawn per clip."""
    blur: Annotated[Interval, Within(0, 0.1, "frame heights"), Neutral(0)] = (0.001, 0.004)
    """Sigma of the blur where a stain is thickest, drawn per stain."""
    shift: Annotated[Interval, Within(0, 0.1, "frame heights"), Neutral(0)] = (0.0, 0.004)
    """How far the picture is moved at most, drawn per stain."""

    def sample(self, info: ClipInfo, rng: Stream) -> StainParams:
        """Draws when stains come and go, then every stain."""
        placed = self.place(rng.generator("stains"), info)
        draw, count = rng.generator("layers"), len(placed["first"])
        kinds = [self.kinds[k] for k in draw.integers(len(self.kinds), size=count)]
        sizes = [
            size * (2 if kind == "fingerprint" else 1) for size, kind in zip(placed["size_px"], kinds, strict=True)
        ]
        return StainParams(
            **(placed | {"size_px": pack_floats(sizes, 2)}),
            kind=tuple(kinds),
            blur_px=pack_floats(info.height * draw.uniform(*self.blur, count), 2),
            shift_px=pack_floats(info.height * draw.uniform(*self.shift, count), 2),
        )

    def paint(self, frame: Array, mask: Array, params: StainParams, t: int) -> None:
        """See `Contaminant.paint`."""
        for i in params.shown(t):
            sprite = params.sprite(params.kind[i], i, params.x_px[i], params.y_px[i], params.degrees[i])
            for _, where, thickness in textures_on([sprite], (frame.shape[0], frame.shape[1])):
                if params.blur_px[i] >= 0.2 or params.shift_px[i]:
                    cover(frame, mask, where, thickness, _beneath(frame, where, thickness, params, i))
                clear = tint(frame.shape[2], 0.85, 1, 1.25) if params.tone[i] == 0 else tint(frame.shape[2], 1, 1, 1)
                cover(frame, mask, where, params.opacity[i] * thickness[..., None] * clear, params.tone[i])


def _beneath(frame: Array, where: tuple[slice, slice], thickness: Array, params: StainParams, i: int) -> Array:
    """The part of the picture that lies under a stain, bent and blurred, (h, w, C)."""
    part = np.ascontiguousarray(frame[where])
    if params.shift_px[i]:
        smooth = cv2.GaussianBlur(thickness, (0, 0), max(0.7, 0.02 * params.size_px[i])).reshape(thickness.shape)
        slopes = [
            np.gradient(smooth, axis=axis) if smooth.shape[axis] > 1 else np.zeros_like(smooth) for axis in (1, 0)
        ]
        steepest = max(1e-6, float(np.hypot(*slopes).max()))
        x, y = (
            np.arange(side, dtype=np.float32).reshape(shape) - np.float32(params.shift_px[i] / steepest) * slope
            for side, shape, slope in zip(part.shape[1::-1], ((1, -1), (-1, 1)), slopes, strict=True)
        )
        part = cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if params.blur_px[i] >= 0.2:
        part = cv2.GaussianBlur(part, (0, 0), params.blur_px[i], borderType=cv2.BORDER_REPLICATE)
    return part.reshape(*thickness.shape, -1)
