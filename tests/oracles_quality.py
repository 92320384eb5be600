"""Plain, slow implementations in float64 of what the quality and transport ops do, to check them against.

Each takes and gives one frame, (H, W, C).
"""

import io

import numpy as np
from PIL import Image
from scipy import ndimage, stats

Array = np.ndarray


def gaussian_blur(frame: Array, sigma: float, side: int) -> Array:
    """By scipy; `side` 0: as far as the weights matter."""
    radius = side // 2 if side else int(np.ceil(7 * sigma)) + 1
    frame = frame.astype(np.float64)
    return ndimage.gaussian_filter(frame, (sigma, sigma, 0), mode="mirror", radius=(radius, radius, 0))


def anisotropic_blur(frame: Array, along: float, across: float, degrees: float, side: int) -> Array:
    """The density of a bivariate normal at the pixels, correlated with the frame."""
    radius = side // 2 if side else int(np.ceil(6 * np.sqrt(max(along, across)))) + 1
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag([along, across]) @ turn.T
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    weights = stats.multivariate_normal([0, 0], covariance).pdf(np.dstack([x, y]))
    weights = weights.reshape(x.shape) / weights.sum()
    channels = [ndimage.correlate(channel, weights, mode="mirror") for channel in _channels(frame)]
    return np.stack(channels, axis=-1)


def words(generator: np.random.Generator, count: int) -> Array:
    """16-bit words in the order in which ops use them: the lowest of each 64 bits first."""
    raw = [int(number) for number in generator.bit_generator.random_raw(-(-count // 4))]
    return np.array([number >> shift & 0xFFFF for number in raw for shift in (0, 16, 32, 48)][:count])


def noise(frame: Array, sigma: float, kind: str, generator: np.random.Generator) -> Array:
    """Sigma of 255."""
    quantiles = stats.norm.ppf((np.arange(65536) + 0.5) / 65536)
    z = (quantiles / quantiles.std())[words(generator, frame.size)].reshape(frame.shape)
    levels = 255 * frame.astype(np.float64)
    levels += sigma * z if kind == "gaussian" else sigma * z * levels / 255
    return np.clip(levels / 255, 0, 1)


def shot_noise(frame: Array, photons: float, generator: np.random.Generator) -> Array:
    """By inversion of the exact distribution."""
    u = (words(generator, frame.size).reshape(frame.shape) + 0.5) / 65536
    return np.clip(stats.poisson.ppf(u, photons * frame.astype(np.float64)) / photons, 0, 1)


def jpeg(frame: Array, quality: int) -> Array:
    """By PIL, chroma at half size."""
    levels = np.rint(frame.astype(np.float64) * 255).astype(np.uint8)
    picture = Image.fromarray(levels.squeeze(-1) if levels.shape[-1] == 1 else levels)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file), np.float64).reshape(frame.shape) / 255


def exposure_jitter(frame: Array, brightness: float, contrast: float) -> Array:
    """Brightness, then contrast about the mean luma."""
    bright = np.clip(frame.astype(np.float64) * brightness, 0, 1)
    luma = bright.mean(-1) if frame.shape[-1] == 1 else bright @ [0.299, 0.587, 0.114]
    return np.clip(luma.mean() + contrast * (bright - luma.mean()), 0, 1)


def flicker(frame: Array, stops: float) -> Array:
    """Exposed by so many stops."""
    return np.clip(frame.astype(np.float64) * 2**stops, 0, 1)


def weave(frame: Array, right: float, down: float, degrees: float) -> Array:
    """Each pixel fetched from where it was, by Keys' cubic with a = -3/4, the border mirrored."""
    height, width, _ = frame.shape
    angle, middle = np.radians(degrees), ((width - 1) / 2, (height - 1) / 2)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    x, y = x - right - middle[0], y - down - middle[1]
    from_x = np.cos(angle) * x - np.sin(angle) * y + middle[0]  # counter-clockwise, y points down
    from_y = np.sin(angle) * x + np.cos(angle) * y + middle[1]
    total = np.zeros(frame.shape)
    for row in range(-1, 3):
        for column in range(-1, 3):
            at_x, at_y = np.floor(from_x) + column, np.floor(from_y) + row
            weight = _cubic(from_x - at_x) * _cubic(from_y - at_y)
            pixels = frame[_mirror(at_y, height), _mirror(at_x, width)].astype(np.float64)
            total += weight[..., None] * pixels
    return np.clip(total, 0, 1)


def _cubic(distance: Array, a: float = -0.75) -> Array:
    d = abs(distance)
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def _mirror(at: Array, length: int) -> Array:
    """… c b a | a b c … z | z y x …"""
    folded = np.mod(at, 2 * length).astype(int)
    return np.where(folded < length, folded, 2 * length - 1 - folded)


def resize(frame: Array, height: int, width: int, kernel: str) -> Array:
    """Each axis by itself; pixel centres at halves, no low-pass, the border repeated."""
    for axis, size in ((0, height), (1, width)):
        length = frame.shape[axis]
        at = (np.arange(size) + 0.5) * length / size - 0.5
        reach = {"bilinear": 1, "bicubic": 2, "lanczos": 4}[kernel]
        total, weights = 0.0, 0.0
        for tap in range(1 - reach, reach + 1):
            near = np.floor(at) + tap
            weight = {"bilinear": _linear, "bicubic": _cubic, "lanczos": _lanczos}[kernel](at - near)
            shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
            pixels = np.take(frame.astype(np.float64), np.clip(near, 0, length - 1).astype(int), axis=axis)
            total, weights = total + weight.reshape(shape) * pixels, weights + weight.reshape(shape)
        frame = total / weights
    return np.clip(frame, 0, 1)


def _linear(distance: Array) -> Array:
    return np.maximum(1 - abs(distance), 0)


def _lanczos(distance: Array) -> Array:
    return np.where(abs(distance) < 4, np.sinc(distance) * np.sinc(distance / 4), 0)


def sharpen(frame: Array) -> Array:
    """Unsharp mask with all 51 weights of σ = 8."""
    frame = frame.astype(np.float64)
    weights = np.exp(-(np.arange(-25.0, 26) ** 2) / (2 * 8**2))
    weights /= weights.sum()

    def blur(picture: Array) -> Array:
        rows = ndimage.correlate1d(picture, weights, axis=0, mode="mirror")
        return ndimage.correlate1d(rows, weights, axis=1, mode="mirror")

    residual = frame - blur(frame)
    soft = blur((abs(residual) * 255 > 10).astype(np.float64))
    return soft * np.clip(frame + 0.5 * residual, 0, 1) + (1 - soft) * frame


def _channels(frame: Array) -> list[Array]:
    return [frame[..., c].astype(np.float64) for c in range(frame.shape[-1])]
