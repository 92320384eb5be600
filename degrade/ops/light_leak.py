"""Light leaks and edge fog: stray light that bypasses the lens."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from degrade.core.fields import Interval, Neutral, Probability, Within
from degrade.core.op import Contaminant
from degrade.core.rng import Stream, ornstein_uhlenbeck
from degrade.core.types import Array, ClipInfo, Params
from degrade.ops._compositing import cover, tint
from degrade.ops._film import fractal_along
from degrade.ops._packing import short_floats


class LightLeakParams(Params):
    """What was drawn."""

    side: Literal["left", "right"]
    """Where the light comes from."""
    fog: tuple[float, ...]
    """Per frame: exposure along the whole side."""
    flare: tuple[float, ...]
    """Per frame: exposure of the flare."""
    y: tuple[float, ...]
    """Per frame: middle of the flare, in frame heights from the top."""
    reach: float
    """Distance from the side at which fog has fallen to 1/e, in frame heights."""
    size: float
    """Half height of the flare, in frame heights."""
    warmth: float
    """How much more red than blue is exposed."""
    perforations: int
    """At the side of a frame, through which the fog came; 0 for an even fog."""
    tone: float
    """0 darkens, 1 lightens."""
    key: int
    """Of the streaks."""


class LightLeak(Contaminant[LightLeakParams]):
    """Fog along one side, and a flare that drifts along it and flares up: orange at its border, white in its middle.

    An exposure E of the film, with more of red than of blue, is added: 1 - I falls by exp(-E) in each channel.
    A print that was fogged itself gets darker instead: I falls by as much.
    """

    fog: Annotated[Interval, Within(0, 10), Neutral(0)] = (0.1, 0.8)
    """Mean exposure at the side, drawn per clip."""
    flare: Annotated[Interval, Within(0, 10), Neutral(0)] = (0.3, 2.5)
    """Greatest exposure of the flare, drawn per clip."""
    reach: Annotated[Interval, Within(0.01, 5, "frame heights")] = (0.05, 0.25)
    """Distance from the side at which fog has fallen to 1/e; the flare reaches three times as far. Drawn per clip."""
    size: Annotated[Interval, Within(0.01, 5, "frame heights")] = (0.15, 0.6)
    """Half height of the flare, drawn per clip."""
    warmth: Annotated[Interval, Within(0, 1)] = (0.5, 1.0)
    """0 for white light, 1 for deep orange; drawn per clip."""
    correlation: Annotated[Interval, Within(0, 10_000, "frames")] = (3.0, 15.0)
    """Frames after which brightness and place are forgotten, drawn per clip."""
    perforations: Annotated[int, Field(ge=0, le=16)] = 0
    """Perforations at the side of a frame through which the fog came, 4 on 35 mm; 0 for an even fog."""
    light: Probability = 1.0
    """Probability that it lightens."""

    def sample(self, info: ClipInfo, rng: Stream) -> LightLeakParams:
        """Draws light and place, then their tracks."""
        draw, frames = rng.generator("leak"), info.frames
        correlation = draw.uniform(*self.correlation)
        fog = draw.uniform(*self.fog) * np.exp(0.4 * ornstein_uhlenbeck(draw, frames, correlation))
        flare = draw.uniform(*self.flare) * np.clip(0.4 + 0.6 * ornstein_uhlenbeck(draw, frames, correlation), 0, 1)
        y = draw.uniform(0, 1) + 0.3 * ornstein_uhlenbeck(draw, frames, correlation)
        return LightLeakParams(
            side=("left", "right")[int(draw.integers(2))],
            fog=short_floats(fog),
            flare=short_floats(flare),
            y=short_floats(y),
            reach=float(draw.uniform(*self.reach)),
            size=float(draw.uniform(*self.size)),
            warmth=float(draw.uniform(*self.warmth)),
            perforations=self.perforations,
            tone=float(draw.random() < self.light),
            key=rng.key("streaks"),
        )

    def paint(self, frame: Array, mask: Array, params: LightLeakParams, t: int) -> None:
        """See `Contaminant.paint`."""
        height, width, channels = frame.shape
        x = (np.arange(width, dtype=np.float32) + np.float32(0.5)) / height
        x = x if params.side == "left" else x[::-1]
        y = (np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)) / height
        through = np.cos(2 * np.pi * params.perforations * y) if params.perforations else np.zeros_like(y)
        fog = np.float32(params.fog[t]) * (1 + np.float32(0.7) * through) * np.exp(-x / np.float32(params.reach))
        streaks = fractal_along(params.key, t, (height, width), 1, 2, 0.5)
        away = np.float32(params.size) * np.exp(np.float32(-0.3) * streaks)
        flare = np.exp(-(((y - np.float32(params.y[t])) / away) ** 2) - (x / np.float32(3 * params.reach)) ** 2)
        exposure = (fog + np.float32(params.flare[t]) * flare) * (1 + np.float32(0.2) * streaks)
        exposure -= np.float32(0.01)  # so that it ends somewhere
        lit = np.flatnonzero(exposure.max(0) > 0)
        if not lit.size:
            return
        where = slice(None), slice(lit[0], lit[-1] + 1)
        exposure = np.maximum(exposure[where], 0)[..., None]
        colour = tint(channels, 1, 1 - 0.6 * params.warmth, 1 - 0.92 * params.warmth)
        cover(frame, mask, where, 1 - np.exp(-exposure * colour), params.tone)
