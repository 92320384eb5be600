"""Mottled grain: of any strength at each level, and of any spectrum, as they are read off a film."""

import functools
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field, field_validator

from degrade.core.color import luma
from degrade.core.fields import Interval, Neutral, Within
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, at, normal
from degrade.core.types import Array, ClipInfo, Params, clipped

LEVELS = (0.14, 0.275, 0.425, 0.575, 0.775)
"""Luma at which strengths are given."""
FREQUENCIES = (0.065, 0.15, 0.25, 0.35, 0.45)
"""Cycles per pixel at which powers are given."""
Five = Annotated[tuple[float, ...], Field(min_length=5, max_length=5)]


class MottledGrainParams(Params):
    """What was drawn."""

    sigma: Five
    """Standard deviation at each of the `LEVELS`, of 255."""
    power: Five
    """Relative power at each of the `FREQUENCIES`."""
    stretch: float
    """Length of the clumps along the film over that across it."""
    layers: int
    """Independent ones: 1 or 3."""
    key: int
    """Of the pixels."""


class MottledGrain(Op[MottledGrainParams]):
    """Normal noise, new in every frame, with a strength for each level and a power for each frequency.

    What a copy of a film shows of its grain is no longer grain as the stock had it: printed, scanned, smoothed and
    coded, it is soft and mottled, and strongest at levels that only a look at the film tells. So both curves are free:
    strengths lie on straight lines between luma of 0.14, 0.275, 0.425, 0.575 and 0.775, powers on straight lines
    between 0.065, 0.15, 0.25, 0.35 and 0.45 cycles per pixel, and all is constant beyond. These are the bins by which
    `degrade measure` reads grain. The defaults are near what silent films found on the web read.
    """

    family: ClassVar[Family] = "quality"

    strength: Annotated[Interval, Within(0, 10), Neutral(0)] = (0.7, 1.3)
    """Factor on all of `sigma`, drawn per clip."""
    sigma: Five = (1.5, 1.7, 2.4, 2.0, 1.4)
    """Standard deviation at the five levels, of 255."""
    power: Five = (3.6, 1.1, 0.24, 0.07, 0.04)
    """Relative power of a mode at the five frequencies."""
    stretch: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    """Length of the clumps along the film over that across it, of the same area: scans that were resized, or made of
    fields, are softer one way than the other."""
    layers: Literal["colour", "silver"] = "silver"
    """Grain of its own in each channel, or the same in all."""

    @field_validator("sigma", "power")
    @classmethod
    def _not_negative(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if min(values) < 0 or max(values) > 255:
            raise ValueError(f"must lie within 0 to 255, got {values}")
        return values

    @field_validator("power")
    @classmethod
    def _has_power(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not max(values) > 0:
            raise ValueError("must not all be 0")
        return values

    def sample(self, info: ClipInfo, rng: Stream) -> MottledGrainParams:
        """Draws the strength."""
        strength = float(rng.generator("strength").uniform(*self.strength))
        return MottledGrainParams(
            sigma=tuple(strength * value for value in self.sigma),
            power=self.power,
            stretch=self.stretch,
            layers=info.channels if self.layers == "colour" else 1,
            key=rng.key("pixels"),
        )

    def render_frame(self, frame: Array, params: MottledGrainParams, t: int) -> Array:
        """Frame t with its grain."""
        from scipy import fft  # here, since it takes longer to import than all else together

        height, width = frame.shape[:2]
        size = fft.next_fast_len(height, real=True), fft.next_fast_len(width, real=True)
        white = normal(at(params.key, t), (params.layers, *size))
        shaped = fft.irfft2(fft.rfft2(white) * _shape(size, params.power, params.stretch), s=size)[:, :height, :width]
        sigma = np.interp(luma(frame), LEVELS, np.array(params.sigma) / 255).astype(np.float32)
        shaped *= sigma
        noisy = cv2.merge(list(shaped) * (frame.shape[2] // params.layers)).reshape(frame.shape)
        noisy += frame
        return clipped(noisy)


@functools.lru_cache(maxsize=8)
def _shape(size: tuple[int, int], power: tuple[float, ...], stretch: float) -> Array:
    """Gain of each mode, so that white noise of unit variance keeps it."""
    across, longer = np.fft.rfftfreq(size[1]), np.sqrt(stretch)
    frequency = np.hypot(longer * np.fft.fftfreq(size[0])[:, None], across / longer)
    gain = np.sqrt(np.interp(frequency, FREQUENCIES, power))
    twice = np.where((across > 0) & (across < 0.5), 2, 1)  # modes that stand for two
    mean = float((twice * gain**2).sum() / (size[0] * size[1]))
    return np.asarray(gain / np.sqrt(max(mean, 1e-12)), np.float32)
