"""Plain, slow implementations in float64 of the photographic and the tape ops, to check them against.

Each takes a frame (H, W, C) and what the op drew, and gives frame 0 of the clip.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from oracles_quality import flicker, gaussian_blur, words
from scipy import ndimage, stats

from degrade.core.rng import at, ornstein_uhlenbeck

Array = np.ndarray

YUV = np.array([[0.299, 0.587, 0.114], [1 - 0.299, -0.587, -0.114], [-0.299, -0.587, 1 - 0.114]])
"""To luma, R - Y, B - Y."""


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """The quantiles that 16-bit words choose."""
    quantiles = stats.norm.ppf((np.arange(65536) + 0.5) / 65536)
    return (quantiles / quantiles.std())[words(generator, int(np.prod(shape)))].reshape(shape)


def strength(blurred: Callable[[Array], Array], length: int) -> Array:
    """Deviation that a blur with mirrored ends leaves of white noise, relative to that inside a long line."""
    inside = np.linalg.norm(blurred(np.eye(2001)[:, 1000:1001]))
    return np.linalg.norm(blurred(np.eye(length)), axis=1) / inside


def grain(frame: Array, p: Any) -> Array:
    """In density, to first order."""
    z = normal(at(p.key, 0), (*frame.shape[:2], p.layers))
    if p.sigma_px >= 0.1:

        def blurred(line: Array) -> Array:
            return ndimage.gaussian_filter1d(line, p.sigma_px, axis=0, mode="mirror", truncate=8)

        z = ndimage.gaussian_filter(z, (p.sigma_px, p.sigma_px, 0), mode="mirror", truncate=8)
        z /= strength(blurred, z.shape[0])[:, None, None] * strength(blurred, z.shape[1])[:, None]
    exact = frame.astype(np.float64)
    density = -2.2 * np.log10(np.maximum(exact, 1e-4)) + 0.04
    return np.clip(exact - exact * np.log(10) / 2.2 * p.density * np.sqrt(density) * z, 0, 1)


def spatial_flicker(frame: Array, p: Any) -> Array:
    """Cosine by cosine."""
    height, width, _ = frame.shape
    y, x = (np.mgrid[:height, :width] + 0.5) / np.array([height, width]).reshape(2, 1, 1)
    stops = np.zeros((height, width))
    for (down, across), track in zip(p.waves, p.stops, strict=True):
        stops += track[0] * np.cos(np.pi * down * y) * np.cos(np.pi * across * x)
    return np.clip(frame * 2 ** stops[..., None], 0, 1)


def tone_curve(frame: Array, p: Any) -> Array:
    """By the odds of each value."""
    exact = frame.astype(np.float64)
    with np.errstate(divide="ignore"):
        odds = p.middle / (1 - p.middle) * (exact / (1 - exact)) ** p.contrast
        return np.where(exact == 1, 1, 1 / (1 + 1 / odds))


def base_fog(frame: Array, p: Any) -> Array:
    """In density, of the negative or the print."""
    exact = frame.astype(np.float64)
    yellow = np.array([-1, 0, 1]) * p.yellow if frame.shape[-1] == 3 else np.zeros(1)
    if p.film == "negative":
        return 1 - (1 - exact) * (1 - np.minimum(p.density / 3 * (1 - yellow), 1))
    return exact - exact**2 * (1 - 10 ** (-p.density * (1 + yellow) / 2.2))


def scale_density(frame: Array, factor: Any) -> Array:
    """Of a print whose black has density 2.6."""
    black = 10**-2.6
    density = -np.log10(frame.astype(np.float64) ** 2.2 * (1 - black) + black)
    return np.clip((10 ** (-density * np.array(factor)) - black) / (1 - black), 0, 1) ** (1 / 2.2)


def fading(frame: Array, p: Any) -> Array:
    return scale_density(frame, p.kept if frame.shape[-1] == 3 else p.kept_silver)


def toning(frame: Array, p: Any) -> Array:
    return scale_density(frame, p.factor) if frame.shape[-1] == 3 else frame


def tinting(frame: Array, p: Any) -> Array:
    return frame.astype(np.float64) * p.white if frame.shape[-1] == 3 else frame


def black_and_white(frame: Array, p: Any) -> Array:
    if frame.shape[-1] == 1:
        return frame
    seen = frame.astype(np.float64) ** 2.2 @ np.array(p.weights)
    return np.repeat(np.clip(seen, 0, 1)[..., None] ** (1 / 2.2), 3, axis=-1)


def halation(frame: Array, p: Any) -> Array:
    """With both Gaussians in full."""
    seen, low = frame.astype(np.float64) ** 2.2, p.threshold**2.2
    bright = np.maximum(seen.max(-1) - low, 0) * p.strength / (1 - low)
    narrow, wide = (ndimage.gaussian_filter(bright, s * p.sigma_px, mode="mirror", truncate=8) for s in (1, 3))
    tint = np.array([1, 0.3, 0.06] if frame.shape[-1] == 3 else [1])
    return np.clip(seen + (2 * narrow + wide)[..., None] / 3 * tint, 0, 1) ** (1 / 2.2)


def radius2(shape: tuple[int, ...], x: float = 0, y: float = 0) -> Array:
    """Squared distance in half diagonals."""
    height, width = shape[:2]
    down, across = np.mgrid[:height, :width] + 0.5
    distance2 = (down - height / 2 - y * height) ** 2 + (across - width / 2 - x * height) ** 2
    return distance2 / ((height**2 + width**2) / 4)


def vignette(frame: Array, p: Any) -> Array:
    """By the angle from the axis."""
    angle = np.arctan(np.sqrt(radius2(frame.shape, p.x, p.y) * (2 ** (p.stops / 2) - 1)))
    return frame * (np.cos(angle) ** 4)[..., None] ** (1 / 2.2)


def lens_softness(frame: Array, p: Any) -> Array:
    """Four blurs, the variance between them interpolated."""
    blurs = [frame.astype(np.float64), *(gaussian_blur(frame, p.sigma_px * k / 3, 0) for k in (1, 2, 3))]
    variance = (3 * np.minimum(radius2(frame.shape), 1)) ** 2
    weights = np.stack([np.interp(variance, [0, 1, 4, 9], row) for row in np.eye(4)])
    return sum(weight[..., None] * blur for weight, blur in zip(weights, blurs, strict=True))


def breathing(frame: Array, p: Any) -> Array:
    sigma = abs(p.defocus_px[0])
    return frame if sigma < 0.1 else gaussian_blur(frame, sigma, 0)


def with_chroma(frame: Array, change: Callable[[Array], Array]) -> Array:
    """A frame whose colour differences, a plane each, have been changed."""
    if frame.shape[-1] == 1:
        return frame
    luma, *chroma = np.moveaxis(frame.astype(np.float64) @ YUV.T, -1, 0)
    return np.clip(np.stack([luma, *map(change, chroma)], axis=-1) @ np.linalg.inv(YUV).T, 0, 1)


def chroma_shift(frame: Array, p: Any) -> Array:
    return with_chroma(frame, lambda c: ndimage.shift(c, (p.y_px, p.x_px[0]), order=1, mode="nearest"))


def chroma_bleed(frame: Array, p: Any) -> Array:
    """The Gaussian, then the tail, each by itself."""
    tail = np.exp(-np.arange(0, 12 * p.smear_px + 1) / p.smear_px)
    tail = np.concatenate([np.zeros(len(tail) - 1), tail / tail.sum()])

    def bleed(plane: Array) -> Array:
        room = 30 + len(tail)
        wide = np.pad(plane, ((0, 0), (room, room)), mode="edge")
        wide = ndimage.gaussian_filter1d(wide, p.sigma_px, axis=1, truncate=6)
        return ndimage.convolve1d(wide, tail, axis=1)[:, room:-room]

    return with_chroma(frame, bleed)


def ringing(frame: Array, p: Any) -> Array:
    """Each filter by itself."""
    exact = frame.astype(np.float64)
    luma = exact[..., 0] if frame.shape[-1] == 1 else exact @ YUV[0]

    def low_pass(cutoff: float) -> Array:
        taps = np.arange(-int(4 / cutoff), int(4 / cutoff) + 1)
        weights = np.where(abs(taps) < 2 / cutoff, np.sinc(2 * cutoff * taps), 0)
        return ndimage.correlate1d(luma, weights / weights.sum(), axis=1, mode="nearest")

    low, half = low_pass(p.cutoff), low_pass(p.cutoff / 2)
    return np.clip(exact + (low + p.peaking * (low - half) - luma)[..., None], 0, 1)


def sideways(frame: Array, right: Array) -> Array:
    """Each line interpolated by itself."""
    x = np.arange(frame.shape[1], dtype=np.float64)
    lines = [
        np.stack([np.interp(x - shift, x, line[:, c]) for c in range(frame.shape[-1])], axis=-1)
        for line, shift in zip(frame.astype(np.float64), right, strict=True)
    ]
    return np.stack(lines)


def line_jitter(frame: Array, p: Any) -> Array:
    height, draw = len(frame), at(p.key, 0)
    right = p.jitter * draw.standard_normal(height) + p.wave * ornstein_uhlenbeck(draw, height, p.length * height)
    right += p.bend[0] * np.exp(-np.arange(height) / height / 0.06)
    return sideways(frame, right * height)


def tape_noise(frame: Array, p: Any) -> Array:
    """White noise through filters, its variance kept."""
    (height, width, channels), draw = frame.shape, at(p.key, 0)

    def filtered(white: Array, along: float, down: float) -> Array:
        for axis, sigma in ((1, along), (0, down)):
            taps = np.arange(-int(4 * sigma + 1), int(4 * sigma + 1) + 1)
            weights = np.exp(-(taps**2) / 2 / max(sigma, 0.1) ** 2)
            weights = weights / np.sqrt((weights**2).sum())
            white = ndimage.correlate1d(white, weights, axis=axis, mode="reflect")
            ends = strength(partial(ndimage.correlate1d, weights=weights, axis=0, mode="reflect"), white.shape[axis])
            white /= ends[:, None] if axis == 0 else ends
        return white

    luma = filtered(normal(draw, (height, width)), 0.0011 * height, 0)
    noisy = np.clip(frame + p.luma / 255 * luma[..., None], 0, 1)
    if channels == 1:
        return noisy
    chroma = normal(draw, (height, width, 2))
    planes = iter(filtered(chroma[..., c], 0.0084 * height, 0.003 * height) for c in range(2))
    return with_chroma(noisy, lambda plane: plane + p.chroma / 255 * next(planes))


def bit_depth(frame: Array, p: Any) -> Array:
    levels = frame.astype(np.float64) * (2**p.bits - 1)
    if p.dithered:
        one, other = at(p.key, 0).random((2, *frame.shape), np.float32)
        levels += one - other
    return np.clip(np.round(levels) / (2**p.bits - 1), 0, 1)


def banding(frame: Array, p: Any) -> Array:
    height, exact = len(frame), frame.astype(np.float64)
    base = gaussian_blur(frame, 0.006 * height, 0)
    detail = gaussian_blur(abs(exact - base).mean(-1, keepdims=True), 0.012 * height, 0)
    weight = 1 / (1 + (detail / p.flat) ** 4)
    bands = np.round(base * (p.levels - 1)) / (p.levels - 1)
    return np.clip(exact + weight * (bands - exact), 0, 1)


def periodic_flicker(frame: Array, p: Any) -> Array:
    return flicker(frame, p.stops[0])


ORACLES: dict[str, Callable[[Array, Any], Array]] = {
    "grain": grain,
    "spatial_flicker": spatial_flicker,
    "periodic_flicker": periodic_flicker,
    "tone_curve": tone_curve,
    "base_fog": base_fog,
    "fading": fading,
    "toning": toning,
    "tinting": tinting,
    "black_and_white": black_and_white,
    "halation": halation,
    "vignette": vignette,
    "lens_softness": lens_softness,
    "breathing": breathing,
    "chroma_shift": chroma_shift,
    "chroma_bleed": chroma_bleed,
    "ringing": ringing,
    "line_jitter": line_jitter,
    "tape_noise": tape_noise,
    "bit_depth": bit_depth,
    "banding": banding,
}
"""By the op's name."""
