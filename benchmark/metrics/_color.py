"""Helpers of the metrics of colour."""

import numpy as np
from skimage.color import rgb2lab

from degrade.core.types import Array


def ab(frame: Array) -> Array:
    """a and b of CIELAB (H, W, 2), float64; D65, 2° observer; 0 where a frame (H, W, C) is grey."""
    if frame.shape[-1] == 1:
        return np.zeros((*frame.shape[:2], 2))
    made = rgb2lab(frame.astype(np.float64))[..., 1:]
    made[(frame == frame[..., :1]).all(-1)] = 0  # its matrix leaves a trace
    return np.asarray(made)


def histograms(frame: Array) -> Array:
    """Shares of the 256 8-bit levels in each channel of a frame (H, W, C), (C, 256)."""
    levels = np.rint(255 * frame).astype(np.intp)
    counts = [np.bincount(levels[..., c].ravel(), minlength=256) for c in range(frame.shape[-1])]
    return np.array(counts) / levels[..., 0].size


def divergence(p: Array, q: Array) -> float:
    """Jensen–Shannon divergence of distributions (C, N), natural logarithm, the mean over C."""
    middle = (p + q) / 2

    def half(x: Array) -> Array:
        ratio = np.divide(x, middle, out=np.ones_like(x), where=x > 0)
        return np.asarray((x * np.log(ratio)).sum(-1) / 2)

    return float((half(p) + half(q)).mean())


def colorfulness(frame: Array) -> float:
    """M of Hasler and Süsstrunk, on levels of 255; 0 of a grey frame (H, W, C)."""
    red, green, blue = np.broadcast_to(255 * frame.astype(np.float64), (*frame.shape[:2], 3)).transpose(2, 0, 1)
    opponents = red - green, (red + green) / 2 - blue
    spread, centre = (np.hypot(*(of(x) for x in opponents)) for of in (np.std, np.mean))
    return float(spread + 0.3 * centre)
