"""Flat patches of a picture, and the rest that is not smooth in them: where grain and thin lines are seen alone."""

import cv2
import numpy as np

from degrade.core.types import Array

PATCH = 32
"""Side of a patch in pixels."""
FLAT = 0.0125
"""What is flat strays, blurred, from its smooth part by less than this share of its level."""
LEVELS = (0.08, 0.2, 0.35, 0.5, 0.65, 0.9)
"""Bounds of the levels of patches."""
BANDS = ((0.03, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5))
"""Of the grain's spectrum, cycles per pixel."""

Place = tuple[slice, slice]


def flat_places(grey: Array) -> tuple[list[Place], Array]:
    """Where flat patches lie in a frame (H, W), half a patch apart, and the mean level of each.

    What is flat is the same for all footage: blurred (σ 2.5), a patch strays from its smooth part by less than `FLAT`.
    """
    places = [
        np.s_[y : y + PATCH, x : x + PATCH]
        for y in range(PATCH // 2, grey.shape[0] - PATCH, PATCH // 2)
        for x in range(PATCH // 2, grey.shape[1] - PATCH, PATCH // 2)
    ]
    if not places:
        return [], np.zeros(0)
    soft = cv2.GaussianBlur(grey, (0, 0), 2.5)
    level = np.array([grey[place].mean() for place in places])
    rough = smoothed_out(np.stack([soft[place] for place in places])).std(axis=(1, 2)) / (level + 0.1)
    flat = np.flatnonzero((rough < FLAT) & (level > LEVELS[0]) & (level < LEVELS[-1]))
    return [places[i] for i in flat], level[flat]


_Y, _X = np.mgrid[-1 : 1 : PATCH * 1j, -1 : 1 : PATCH * 1j]
_SMOOTH = np.linalg.qr(np.stack([_X**i * _Y**j for i in range(4) for j in range(4 - i)], -1).reshape(PATCH**2, -1))[0]


def smoothed_out(patches: Array) -> Array:
    """Patches (N, PATCH, PATCH) less the polynomials of third order that fit them best."""
    flat = patches.reshape(-1, PATCH**2).astype(float)
    return np.asarray((flat - flat @ _SMOOTH @ _SMOOTH.T).reshape(patches.shape))


def spectrum(residual: Array) -> Array:
    """Mean power of a mode in each of the `BANDS`, over the mean of them all; patches (N, PATCH, PATCH) → (N, 5)."""
    window = np.outer(np.hanning(PATCH), np.hanning(PATCH))
    power = np.abs(np.fft.fft2(residual * window)) ** 2
    at = np.hypot(*np.meshgrid(np.fft.fftfreq(PATCH), np.fft.fftfreq(PATCH)))
    bands = np.stack([power[:, (at >= low) & (at < high)].mean(axis=1) for low, high in BANDS], axis=1)
    return np.asarray(bands / np.maximum(bands.mean(axis=1, keepdims=True), 1e-12))


def correlation(one: Array, other: Array) -> Array:
    """Of each pair of patches (N, H, W), (N,)."""
    norm = np.sqrt((one**2).sum(axis=(1, 2)) * (other**2).sum(axis=(1, 2)))
    return np.asarray((one * other).sum(axis=(1, 2)) / np.maximum(norm, 1e-12))
