"""The frame's border: the dark edge of the aperture, round at its corners."""

import functools
from typing import Annotated

import numpy as np

from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._compositing import cover


class FrameBorderParams(Params):
    """What was drawn, in frame heights."""

    widths: tuple[float, float, float, float]
    """Left, right, top, foot."""
    radius: float
    """Of the corners."""
    softness: float
    """From the inner edge to where the border is dark."""
    tone: float
    """Of the border, 0 to 1."""


class FrameBorder(Contaminant[FrameBorderParams]):
    """A dark border with rounded corners and a soft edge: the aperture of the camera, the printer or the scanner.

    Put it before `weave` for the camera's, which moves with the picture, and after it for one that stands still.
    """

    left: Annotated[Interval, Within(0, 0.25, "frame heights"), Neutral(0)] = (0.0, 0.012)
    """Width at the left, drawn per clip."""
    right: Annotated[Interval, Within(0, 0.25, "frame heights"), Neutral(0)] = (0.0, 0.012)
    """The same at the right."""
    top: Annotated[Interval, Within(0, 0.25, "frame heights"), Neutral(0)] = (0.0, 0.012)
    """The same at the top."""
    foot: Annotated[Interval, Within(0, 0.25, "frame heights"), Neutral(0)] = (0.0, 0.012)
    """The same at the foot."""
    radius: Annotated[Interval, Within(0, 0.5, "frame heights"), Neutral(0)] = (0.02, 0.08)
    """Of the corners, drawn per clip."""
    softness: Annotated[Interval, Within(0, 0.2, "frame heights")] = (0.001, 0.006)
    """Over which the border gets dark, from its inner edge on; drawn per clip."""
    tone: Annotated[Interval, Within(0, 1)] = (0.0, 0.03)
    """Its value, drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> FrameBorderParams:
        """Draws widths, corners and edge."""
        draw = rng.generator("border")
        left, right, top, foot = (float(draw.uniform(*side)) for side in (self.left, self.right, self.top, self.foot))
        return FrameBorderParams(
            widths=(left, right, top, foot),
            radius=float(draw.uniform(*self.radius)),
            softness=float(draw.uniform(*self.softness)),
            tone=float(draw.uniform(*self.tone)),
        )

    def paint(self, frame: Array, mask: Array, params: FrameBorderParams, t: int) -> None:
        """See `Contaminant.paint`."""
        alpha = _alpha(frame.shape[:2], params.widths, params.radius, params.softness)
        cover(frame, mask, np.s_[:, :], alpha, params.tone)


@functools.lru_cache(maxsize=4)
def _alpha(shape: tuple[int, int], widths: tuple[float, ...], radius: float, softness: float) -> Array:
    """How dark the border is, (H, W) float32: none within the aperture, all of it `softness` beyond its edge."""
    height, width = shape
    left, right, top, foot = (height * side for side in widths)
    halves = max(width - left - right, 0) / 2, max(height - top - foot, 0) / 2
    round_px = min(height * radius, *halves)
    x = np.arange(width, dtype=np.float32) + np.float32(0.5)
    y = np.arange(height, dtype=np.float32) + np.float32(0.5)
    beside = abs(x - np.float32(left + halves[0])) - np.float32(halves[0] - round_px)
    above = (abs(y - np.float32(top + halves[1])) - np.float32(halves[1] - round_px))[:, None]
    outside = np.hypot(np.maximum(beside, 0), np.maximum(above, 0)) + np.minimum(np.maximum(beside, above), 0)
    over = np.float32(height * softness + 1)  # a hard edge covers pixels in part
    share = np.clip((outside - np.float32(round_px - 0.5)) / over, 0, 1)
    alpha = np.asarray(share * share * (3 - 2 * share), np.float32)
    alpha.flags.writeable = False
    return alpha
