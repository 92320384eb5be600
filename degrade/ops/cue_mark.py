"""Cue marks: circles at the end of a reel that tell the projectionist to change over."""

from typing import Annotated, Literal

import numpy as np

from degrade.core.fields import Interval, Ints, Probability, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, at
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._compositing import cover

LENGTH, APART = 4, 172
"""Frames of a cue, and of picture between the motor and the changeover cue (SMPTE 301M)."""
REACH = 1.5
"""What a mark lies within, in radii."""


class CueMarkParams(Params):
    """What was drawn."""

    first: Ints
    """First frame of each cue, of which 4 show it; the first may lie before the clip."""
    style: Literal["punched", "scribed"]
    """A hole with a rim, or a ring."""
    x_px: float
    """Middle, from the left border."""
    y_px: float
    """Middle, from the upper border."""
    radius_px: float
    """Mean radius."""
    tone: float
    """0 a black mark, 1 a white one."""
    jitter: float
    """How much place and shape differ between the frames, in radii."""
    opacity: float
    """Greatest alpha."""
    key: int
    """Of the shapes."""


class CueMark(Contaminant[CueMarkParams]):
    """A circle near the upper right corner on four frames: the motor cue, 172 frames before the changeover cue.

    Punched marks are discs with a thin rim of the opposite tone: black if the negative was punched, white if
    the print was. Scribed ones are rings scratched into every frame by hand. Which part of the end of a
    reel the clip is, is drawn so that it holds at least one of the two cues.
    """

    style: Literal["punched", "scribed", "any"] = "any"
    """How it was made; drawn per clip if any."""
    right: Annotated[Interval, Within(0, 1, "frame widths")] = (0.05, 0.09)
    """Distance from the right border, drawn per clip."""
    top: Annotated[Interval, Within(0, 1, "frame heights")] = (0.08, 0.13)
    """Distance from the upper border, drawn per clip."""
    diameter: Annotated[Interval, Within(0, 1, "frame heights")] = (0.035, 0.07)
    """Drawn per clip."""
    opacity: Annotated[Interval, Within(0, 1)] = (0.8, 1.0)
    """Drawn per clip."""
    light: Probability = 0.6
    """Probability that the marks are white."""

    def sample(self, info: ClipInfo, rng: Stream) -> CueMarkParams:
        """Draws when the cues come, and the mark."""
        draw = rng.generator("mark")
        shown = int(draw.integers(1 - LENGTH, info.frames))
        other = shown + (LENGTH + APART) * int(draw.choice((-1, 1)))
        style = ("punched", "scribed")[int(draw.integers(2))] if self.style == "any" else self.style
        return CueMarkParams(
            first=tuple(sorted(start for start in (shown, other) if -LENGTH < start < info.frames)),
            style=style,
            x_px=float(info.width * (1 - draw.uniform(*self.right))),
            y_px=float(info.height * draw.uniform(*self.top)),
            radius_px=float(info.height * draw.uniform(*self.diameter) / 2),
            tone=float(draw.random() < self.light),
            jitter=float(draw.uniform(0.02, 0.08) if style == "punched" else draw.uniform(0.08, 0.2)),
            opacity=float(draw.uniform(*self.opacity)),
            key=rng.key("shapes"),
        )

    def paint(self, frame: Array, mask: Array, params: CueMarkParams, t: int) -> None:
        """See `Contaminant.paint`."""
        if not any(0 <= t - first < LENGTH for first in params.first):
            return
        draw = at(params.key, t)
        x0, y0 = np.array([params.x_px, params.y_px]) + params.jitter * params.radius_px * draw.standard_normal(2)
        reach = REACH * params.radius_px + 2
        rows, columns = (
            slice(int(np.clip(middle - reach, 0, side)), int(np.clip(middle + reach, 0, side)))
            for middle, side in ((y0, frame.shape[0]), (x0, frame.shape[1]))
        )
        y, x = np.mgrid[rows, columns].astype(np.float32)
        if not x.size:
            return
        x, y = x + np.float32(0.5 - x0), y + np.float32(0.5 - y0)
        angle, harmonics = np.arctan2(y, x), np.arange(2, 7)
        waves = draw.standard_normal(harmonics.size) / harmonics, draw.uniform(0, 2 * np.pi, harmonics.size)
        bulge = sum(a * np.cos(k * angle + phase) for k, a, phase in zip(harmonics, *waves, strict=True))
        edge = params.radius_px * (1 + np.clip(params.jitter * bulge, -0.3, 0.3)) - np.hypot(x, y)  # positive inside
        where, opacity = (rows, columns), params.opacity
        if params.style == "punched":
            rim = max(1.0, 0.15 * params.radius_px)
            cover(frame, mask, where, opacity * np.clip(edge + rim + 0.5, 0, 1), 1 - params.tone)
            cover(frame, mask, where, opacity * np.clip(edge + 0.5, 0, 1), params.tone)
        else:
            line = max(0.6, params.radius_px * draw.uniform(0.08, 0.16))
            pressed = np.clip(0.75 + 0.5 * np.cos(angle + draw.uniform(0, 2 * np.pi)), 0.15, 1)
            cover(frame, mask, where, opacity * pressed * np.clip(line + 0.5 - abs(edge), 0, 1), params.tone)
