"""Shared code of `texture` and `moving_line`: choosing, cropping and blending a template."""

import math
from typing import Annotated, Any, Literal, NamedTuple

import cv2
import numpy as np
from pydantic import Field

from degrade.core.cache import ByteCache
from degrade.core.fields import Interval, Probability, Within
from degrade.core.op import Contaminant, P
from degrade.core.rng import Stream
from degrade.core.types import Array, Params
from degrade.ops._channels import for_channels
from degrade.ops._packing import short_floats
from degrade.textures import Pack, Template, open_pack

WHOLE_BYTES = 16 * 2**20
"""Pixels of whole templates at the size of a frame that a process keeps, those used last."""

Mode = Literal["add", "subtract", "multiply", "screen"]


class Cut(NamedTuple):
    """Which part of a template is shown."""

    side_px: int
    """Of the square box, in the template's pixels; 0 for the whole template."""
    anchor: float
    """Which of the template's defect pixels lies in the box, in [0, 1)."""
    left: float
    """Where the box may lie around that pixel, in [0, 1): at 0 as far left as it goes."""
    top: float
    """The same downwards."""
    degrees: float
    """Rotation."""


class TemplateParams(Params):
    """What was drawn, for each frame or once for the clip; see `Cut`."""

    template: tuple[str, ...]
    mode: tuple[Mode, ...]
    opacity: tuple[float, ...]
    side_px: tuple[int, ...]
    anchor: tuple[float, ...]
    left: tuple[float, ...]
    top: tuple[float, ...]


class Templates(Contaminant[P]):
    """A contaminant that is a picture out of a pack."""

    pack: Annotated[str, Field(min_length=1)] = "builtin:rtn"
    """``builtin:rtn``, or a folder of pictures: RTN's ``noise_data``, or any other."""
    groups: tuple[str, ...] = ()
    """Folders of the pack to take templates from; see the op for what is taken if none is named."""
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)] = ("add", "subtract", "multiply", "screen")
    """Blend modes, equally likely; of these a folder may allow but some (RTN's 011: add only)."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.6, 1.0)
    """Opacity of the template, drawn per frame."""
    whole_p: Probability = 0.15
    """Probability that the whole template is shown, not a part of it."""
    crop_px: Annotated[Interval, Within(1, 10_000, "px")] = (150.0, 360.0)
    """Side of the part that is cut out, in the template's pixels; at most its shorter side."""
    darker: Annotated[float, Field(ge=0, le=255)] = 15.0
    """A part has in it a pixel darker than the template's mean by more than so many levels of 255."""
    border_px: Annotated[int, Field(ge=0)] = 40
    """So many columns at the template's left and right in which that pixel is not sought."""

    def files(self) -> dict[str, str]:
        """The pack; see `Op.files`."""
        return {self.pack: open_pack(self.pack).fingerprint()}

    def _choose(self, pack: Pack, groups: tuple[str, ...], count: int, rng: Stream) -> dict[str, Any]:
        """Draws `count` templates with their mode and cut: fields of `TemplateParams` but for opacity."""
        pool = pack.select(groups)
        templates = [pool[i] for i in rng.generator("template").integers(len(pool), size=count)]
        modes = []
        for template, at in zip(templates, rng.generator("mode").random(count), strict=True):
            allowed = [mode for mode in self.modes if mode in pack.rule(template).modes] or self.modes
            modes.append(allowed[int(at * len(allowed))])
        draw = rng.generator("cut")
        whole = draw.random(count) < self.whole_p
        whole |= [pack.rule(template).whole for template in templates]
        smallest, greatest = (round(side) for side in self.crop_px)
        sides = draw.integers(smallest, greatest, count, endpoint=True)
        places = {name: short_floats(draw.random(count)) for name in ("anchor", "left", "top")}
        return {
            "template": tuple(templates),
            "mode": tuple(modes),
            "side_px": tuple(np.where(whole, 0, sides).tolist()),
            **places,
        }

    def _cut(self, template: Template, cut: Cut, height: int, width: int) -> Array:
        """The part of the template that is shown, at the frame's size, (height, width) uint8."""
        pixels = template.pixels
        spot = template.defect(self.darker, self.border_px, cut.anchor) if cut.side_px else None
        if spot is None:
            made = (open_pack(self.pack).name, template.name, template.stamp, height, width)
            return _whole.get(made, lambda: resize(pixels, height, width))
        side = min(cut.side_px, *pixels.shape)
        top = _start(spot[0], side, pixels.shape[0], cut.top)
        left = _start(spot[1], side, pixels.shape[1], cut.left)
        if not cut.degrees:
            return resize(pixels[top : top + side, left : left + side], height, width)
        return resize(_turned(pixels, top, left, side, math.radians(cut.degrees)), height, width)


_whole: ByteCache[Array] = ByteCache(WHOLE_BYTES, lambda levels: levels.nbytes)


def _start(spot: int, side: int, length: int, at: float) -> int:
    """First pixel of a box of `side` within `length` that holds `spot`; any that does is equally likely."""
    low, high = max(0, spot - side + 1), min(spot, length - side)
    return min(low + int(at * (high - low + 1)), high)


def _turned(pixels: Array, top: int, left: int, side: int, angle: float) -> Array:
    """The greatest upright rectangle within a square box that was turned about its centre: a square."""
    cos, sin = math.cos(angle), math.sin(angle)
    inner = max(1, int(side / (abs(cos) + abs(sin))))
    middle, half = (side - 1) / 2, (inner - 1) / 2
    x, y = left + middle - half * (cos - sin), top + middle - half * (cos + sin)
    return cv2.warpAffine(
        pixels,
        np.array([[cos, -sin, x], [sin, cos, y]]),
        (inner, inner),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def resize(pixels: Array, height: int, width: int) -> Array:
    """Lanczos, (H, W) uint8 to (height, width) uint8; with a low-pass where it shrinks."""
    if height < pixels.shape[0] or width < pixels.shape[1]:
        from PIL import Image

        shrunk = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(shrunk)
    # OpenCV's Lanczos is three times faster on floats than on bytes.
    large = cv2.resize(pixels.astype(np.float32), (width, height), interpolation=cv2.INTER_LANCZOS4)
    return cv2.addWeighted(large, 1, large, 0, 0, dtype=cv2.CV_8U)  # rounds and saturates


def lay(frame: Array, mask: Array, levels: Array, mode: Mode, opacity: float, contrast: float = 1.0) -> None:
    """Blends a template into a frame in place, and writes its alpha, opacity · (1 - T), to the mask.

    Args:
        frame: (H, W, C) I in [0, 1].
        mask: (H, W, 1); overwritten.
        levels: (H, W) uint8, the template T of 255.
        mode: With a for alpha: add I + a, subtract I - a, multiply I · (1 - a), screen 1 - (1 - I)(1 - a);
            clipped to [0, 1].
        opacity: In [0, 1].
        contrast: Of the template, about its mean.
    """
    table = np.arange(256.0)
    if contrast != 1:
        mean = cv2.mean(levels)[0]
        table = np.clip(np.rint(mean + contrast * (table - mean)), 0, 255)
    alpha = mask[..., 0]
    cv2.LUT(levels, (opacity * (1 - table / 255)).astype(np.float32)[None], dst=alpha)
    alpha = for_channels(alpha, frame.shape[-1])
    if mode == "add":
        frame += alpha
        np.minimum(frame, 1, out=frame)
    elif mode == "subtract":
        frame -= alpha
        np.maximum(frame, 0, out=frame)
    elif mode == "multiply":
        frame *= 1 - alpha
    else:
        frame += alpha * (1 - frame)
        np.minimum(frame, 1, out=frame)  # rounding may lead a little beyond
