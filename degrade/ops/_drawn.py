"""How ops draw numbers for the frames of a clip."""

from collections.abc import Iterable

import numpy as np

from degrade.core.fields import Interval


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


def plain(track: Iterable[float]) -> tuple[float, ...]:
    """A track as numbers of six significant digits, so that traces stay short."""
    return tuple(float(f"{value:.6g}") for value in track)
