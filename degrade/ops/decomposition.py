"""Nitrate decomposition: film bleached, bubbling and eroded from its sides."""

from typing import Annotated, Literal

import cv2
import numpy as np

from degrade.core.fields import Floats, Interval, Neutral, Probability, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._compositing import cover, tint
from degrade.ops._film import along, ease, fractal_along, tiled
from degrade.ops._packing import short_floats


class DecompositionParams(Params):
    """What was drawn."""

    level: Floats
    """Per frame: how far from the side the damage reaches on average, in frame heights."""
    side: Literal["left", "right", "both"]
    """Where it comes from."""
    rough: float
    """How much it reaches farther in some places, standard deviation in frame heights."""
    bubbles_px: float
    """Side of the square after which the bubbles repeat."""
    melt_px: float
    """How far the picture has flowed."""
    tone: float
    """Of what is eaten away: 0 black, 1 white."""
    key: int
    """Of all noise."""


class Decomposition(Contaminant[DecompositionParams]):
    """Decay that creeps in from the sides of the film, and farther from frame to frame.

    From its front inwards: a dark rim; the picture flowing and bleached to mottled tones; a honeycomb of
    bubbles; and nothing at all, white in projection. It breathes once in every turn of the roll, since it
    spreads from one layer to the next.
    """

    reach: Annotated[Interval, Within(0, 5, "frame heights"), Neutral(0)] = (0.0, 0.4)
    """How far from the side it reaches on average at the beginning, drawn per clip."""
    spread: Annotated[Interval, Within(0, 1, "frame heights per frame"), Neutral(0)] = (0.0, 0.01)
    """How much farther in each frame, drawn per clip."""
    rough: Annotated[Interval, Within(0, 5, "frame heights"), Neutral(0)] = (0.15, 0.35)
    """Standard deviation of the reach from place to place, drawn per clip."""
    turn: Annotated[Interval, Within(1, 1000, "frames")] = (12, 48)
    """Frames in a turn of the roll, drawn per clip."""
    breath: Annotated[Interval, Within(0, 5, "frame heights"), Neutral(0)] = (0.02, 0.15)
    """How much farther it reaches on one side of the roll, drawn per clip."""
    bubbles: Annotated[Interval, Within(0.02, 10, "frame heights")] = (0.3, 0.8)
    """Side of the square with 16 bubbles across it, drawn per clip."""
    melt: Annotated[Interval, Within(0, 1, "frame heights"), Neutral(0)] = (0.005, 0.03)
    """How far the picture has flowed where it is attacked, drawn per clip."""
    light: Probability = 0.8
    """Probability that what is eaten away shows white, as on a print; else black, as printed from a negative."""

    def sample(self, info: ClipInfo, rng: Stream) -> DecompositionParams:
        """Draws front, pattern and how the front moves over the frames."""
        draw, frames = rng.generator("front"), np.arange(info.frames)
        level = draw.uniform(*self.reach) + draw.uniform(*self.spread) * frames
        level += draw.uniform(*self.breath) * np.cos(2 * np.pi * (frames / draw.uniform(*self.turn) + draw.random()))
        level += 0.02 * ornstein_uhlenbeck(draw, info.frames, 2)
        return DecompositionParams(
            level=short_floats(level),
            side=("left", "right", "both")[int(draw.integers(3))],
            rough=float(draw.uniform(*self.rough)),
            bubbles_px=float(info.height * draw.uniform(*self.bubbles)),
            melt_px=float(info.height * draw.uniform(*self.melt)),
            tone=float(draw.random() < self.light),
            key=rng.key("pixels"),
        )

    def paint(self, frame: Array, mask: Array, params: DecompositionParams, t: int) -> None:
        """See `Contaminant.paint`."""
        height, width, channels = frame.shape
        key, size = params.key, (height, width)
        x = (np.arange(width, dtype=np.float32) + np.float32(0.5)) / height
        inwards = {"left": x, "right": x[::-1], "both": np.minimum(x, x[::-1])}[params.side]
        depth = np.float32(params.rough) * fractal_along(key, t, size, 2, 5, 0.6)
        depth += np.float32(params.level[t]) - inwards  # positive behind the front
        columns = np.flatnonzero(depth.max(0) > -0.04)
        if not columns.size:
            return
        where = np.s_[:, columns[0] : columns[-1] + 1]
        depth = depth[where]
        flow = along(key + 8, t, size, 3, where)
        if params.melt_px:
            way, reach = np.float32(2 * np.pi) * flow, np.float32(params.melt_px) * ease(depth, 0, 0.05)
            from_x = np.arange(width, dtype=np.float32)[where[1]] + reach * np.cos(way)
            from_y = np.arange(height, dtype=np.float32)[:, None] + reach * np.sin(way)
            melted = cv2.remap(frame, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            cover(frame, mask, where, ease(depth, 0, 0.01), melted.reshape(*depth.shape, channels))
        mottled = np.clip(0.35 + 0.25 * params.tone + 0.4 * fractal_along(key + 16, t, size, 6, 3, 0.7, where), 0, 1)
        bleached = mottled[..., None] * tint(channels, 1, 0.95, 0.82)
        cover(frame, mask, where, 0.8 * ease(depth, 0.02, 0.15), bleached)
        walls = tiled("honeycomb", key + 24, t, size, params.bubbles_px)[where]
        boiling = ease(depth + 0.1 * flow, 0.1, 0.2)
        cover(frame, mask, where, 0.4 * boiling * (1 - walls) ** 2, params.tone)
        cover(frame, mask, where, boiling * walls * (0.25 + 0.6 * mottled), 0.05 + 0.9 * (1 - params.tone))
        uneven = np.clip(0.5 + 0.5 * flow, 0.05, 1)  # where the silver that left the front gathers
        rim = np.exp(-((depth / (0.008 + 0.02 * uneven)) ** 2)) * (depth > -0.04)
        cover(frame, mask, where, 0.75 * uneven * rim, tint(channels, 0.14, 0.09, 0.05))
        cover(frame, mask, where, ease(depth - 0.08 * walls, 0.26, 0.28), params.tone)
