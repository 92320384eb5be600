"""What several metrics compute."""

import math

import numpy as np

from degrade.core.types import Array

MOST = 100.0
"""dB. Identical pictures have an infinite PSNR, which would make every mean infinite. 8 bits end at 59 dB."""


def decibels(squares: Array) -> float:
    """PSNR of the mean of squared errors, data range 1, at most `MOST`; NaN of no pixels."""
    if not squares.size:
        return math.nan
    error = float(squares.mean(dtype=np.float64))
    return MOST if error <= 10 ** (-MOST / 10) else -10 * math.log10(error)


def squared_error(prediction: Array, target: Array) -> Array:
    """(H, W, C) float64."""
    return np.asarray(np.square(np.subtract(prediction, target, dtype=np.float64)))
