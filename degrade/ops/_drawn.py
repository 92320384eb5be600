"""Random distributions shared by ops."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from degrade.core.fields import Interval
from degrade.core.types import Array

T = TypeVar("T")


def choose(draw: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, all equally likely."""
    return options[int(draw.integers(len(options)))]


def stray(draw: np.random.Generator, interval: Interval, jitter: float, frames: int) -> np.ndarray:
    """A clip's value, drawn evenly over `interval`, and each frame's even deviation from it.

    Args:
        draw: Source of the numbers.
        interval: What the values stay within.
        jitter: Greatest deviation, as a share of the interval.
        frames: How many values.

    Returns:
        (frames,) float64.
    """
    low, high = interval
    at = draw.uniform() + draw.uniform(-jitter, jitter, frames)
    return low + (high - low) * np.clip(at, 0, 1)


def tones(rng: np.random.Generator, light: Interval, count: int, dark: Interval, bright: Interval) -> Array:
    """A tone for each defect; the share of light ones is drawn once."""
    is_light = rng.random(count) < rng.uniform(*light)
    at = rng.random(count)
    return np.where(is_light, bright[0] + at * (bright[1] - bright[0]), dark[0] + at * (dark[1] - dark[0]))


def log_normal(rng: np.random.Generator, median: Array | float, spread: float, count: int) -> Array:
    """Sizes whose logarithm is normal, cut off at three standard deviations."""
    return np.asarray(median * np.exp(spread * np.clip(rng.standard_normal(count), -3, 3)))
