"""Template blending: a template of dust, hairs or scratches over each frame, chosen anew every time."""

from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Probability, Within
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops._packing import short_floats
from degrade.ops._templates import Cut, TemplateParams, Templates, lay
from degrade.textures import open_pack


class TextureParams(TemplateParams):
    """What was drawn, per frame."""

    degrees: tuple[float, ...]
    """Rotation of the part that is shown."""
    minimum_px: tuple[int, ...]
    """Side of the minimum filter."""
    contrast: tuple[float, ...]
    """Factor of the template's contrast about its mean."""


class Texture(Templates[TextureParams]):
    """A part of a template, turned, widened, its contrast raised, and blended over the frame.

    Template and blend mode are drawn anew for every frame, out of all of the pack's groups unless some
    are named, as in RTN (Wan et al., CVPR 2022). Alpha is opacity · (1 - T); a ground that is not quite
    white lies over the frame as a thin veil, and is in the mask as such.
    """

    rotation: Annotated[Interval, Within(0, 360, "degrees")] = (0.0, 360.0)
    """Rotation of the part that is cut out; it is shown up to its greatest upright rectangle."""
    minimum_px: Annotated[tuple[Literal[1, 3, 5, 7], ...], Field(min_length=1)] = (1, 3)
    """Sides of the minimum filter that widens thin defects, equally likely, in pixels of the frame; 1 is
    none. In folders that ask for it (RTN's 002 to 007, 009 and 012)."""
    contrast: Annotated[Interval, Within(0, 10)] = (2.0, 4.0)
    """Factor of the template's contrast about its mean."""
    contrast_p: Probability = 0.7
    """Probability that the contrast of a frame's template is changed."""

    def sample(self, info: ClipInfo, rng: Stream) -> TextureParams:
        """Draws each frame's template, cut and blending."""
        pack, frames = open_pack(self.pack), info.frames
        chosen = self._choose(pack, self.groups, frames, rng)
        widths = np.array(self.minimum_px)[rng.generator("minimum").integers(len(self.minimum_px), size=frames)]
        thicken = [pack.rule(template).thicken for template in chosen["template"]]
        draw = rng.generator("contrast")
        change = draw.random(frames) < self.contrast_p
        return TextureParams(
            **chosen,
            opacity=short_floats(rng.generator("opacity").uniform(*self.opacity, frames)),
            degrees=short_floats(rng.generator("rotation").uniform(*self.rotation, frames)),
            minimum_px=tuple(np.where(thicken, widths, 1).tolist()),
            contrast=short_floats(np.where(change, draw.uniform(*self.contrast, frames), 1)),
        )

    def paint(self, frame: Array, mask: Array, params: TextureParams, t: int) -> None:
        """Blends the template of frame t."""
        template = open_pack(self.pack).load(params.template[t])
        cut = Cut(params.side_px[t], params.anchor[t], params.left[t], params.top[t], params.degrees[t])
        levels = self._cut(template, cut, *frame.shape[:2])
        if params.minimum_px[t] > 1:
            levels = cv2.erode(levels, np.ones((params.minimum_px[t],) * 2, np.uint8)).reshape(levels.shape)
        lay(frame, mask, levels, params.mode[t], params.opacity[t], params.contrast[t])
