"""Keyed random streams. This is the only module that creates generators.

A stream is identified by (seed, clip id, op label, purpose). The parts of its key are length-prefixed, hashed and
passed to `numpy.random.SeedSequence` as spawn key, so streams are independent of each other, of the order in
which they are created, of processes, and of numpy's global state.
"""

import functools
import hashlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np


class Stream:
    """A node in the tree of random streams.

    Args:
        seed: The dataset's one integer, 0 or greater.
        path: Parts of the key, strings or integers, outermost first.
    """

    def __init__(self, seed: int, *path: str | int) -> None:
        self.seed, self.path = seed, path

    def child(self, *parts: str | int) -> "Stream":
        """The stream below this one; siblings are independent."""
        return Stream(self.seed, *self.path, *parts)

    def generator(self, *purpose: str | int) -> np.random.Generator:
        """A new generator for one purpose; the same purpose yields the same numbers every time."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (*self.path, *purpose):
            word = f"{type(part).__name__}:{part}".encode()
            digest.update(len(word).to_bytes(4, "little") + word)
        words = np.frombuffer(digest.digest(), "<u4").tolist()
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=words)))

    def key(self, purpose: str) -> int:
        """An integer to store in params, from which `at` recreates per-pixel randomness."""
        return int(self.generator(purpose).integers(2**53))  # 2^53: exact in every JSON reader


def at(key: int, frame: int) -> np.random.Generator:
    """The generator for the pixels of one frame.

    Args:
        key: From `Stream.key`, stored in the op's params.
        frame: Absolute frame index in the clip.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key, spawn_key=(frame,))))


def normals(keys: np.ndarray, frames: np.ndarray, count: int) -> np.ndarray:
    """``at(key, frame).standard_normal(count)`` for many keys, three times faster.

    Args:
        keys: (N,) whole numbers below 2^64.
        frames: (N,) frame indices, below 2^32.
        count: Numbers for each.

    Returns:
        (N, count) float64.
    """
    drawn = np.empty((len(keys), count))
    bits = np.random.PCG64()
    generator = np.random.Generator(bits)
    state: Any = bits.state
    pcg = state["state"]
    words = _seed_words(np.asarray(keys, np.uint64), np.asarray(frames, np.uint64))
    for row, (high, low, above, below) in zip(drawn, words.tolist(), strict=True):
        step = (above << 65 | below << 1 | 1) & _ALL
        pcg["state"], pcg["inc"] = ((step + (high << 64 | low)) * _PCG + step) & _ALL, step
        bits.state = state
        generator.standard_normal(out=row)
    return drawn


_PCG = 0x2360ED051FC65DA44385DF649FCCF645
"""Multiplier of PCG64."""
_ALL = 2**128 - 1
"""Bits of its state."""


def _seed_words(keys: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """``SeedSequence(key, spawn_key=(frame,)).generate_state(4, np.uint64)`` of each, by numpy's algorithm."""
    zero = np.zeros(len(keys), np.uint32)
    low, high = (part.astype(np.uint32) for part in (keys & np.uint64(2**32 - 1), keys >> np.uint64(32)))
    consts = _constants(0x43B0D7E5, 0x931E8875)
    pool = [_hashed(word, consts) for word in (low, high, zero, zero)]
    for source in range(4):
        for to in range(4):
            if to != source:
                pool[to] = _mixed(pool[to], _hashed(pool[source], consts))
    for to in range(4):
        pool[to] = _mixed(pool[to], _hashed(frames.astype(np.uint32), consts))
    consts = _constants(0x8B51F9DD, 0x58F38DED)
    halves = [_hashed(pool[i % 4], consts).astype(np.uint64) for i in range(8)]
    return np.stack([halves[i] | halves[i + 1] << np.uint64(32) for i in range(0, 8, 2)], axis=1)


def _constants(start: int, factor: int) -> Iterator[tuple[np.uint32, np.uint32]]:
    while True:
        after = start * factor % 2**32
        yield np.uint32(start), np.uint32(after)
        start = after


def _hashed(words: np.ndarray, constants: Iterator[tuple[np.uint32, np.uint32]]) -> np.ndarray:
    before, after = next(constants)
    words = (words ^ before) * after
    return np.asarray(words ^ words >> np.uint32(16))


def _mixed(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    words = np.asarray(np.uint32(0xCA01F9DD) * one - np.uint32(0x4973F715) * other, np.uint32)
    return np.asarray(words ^ words >> np.uint32(16))


@functools.cache
def _normal_quantiles() -> np.ndarray:
    from scipy.special import ndtri  # here, since it takes longer to import than all else together

    table = ndtri((np.arange(65536) + 0.5) / 65536)
    return (table / table.std()).astype(np.float32)


def _words(rng: np.random.Generator, count: int) -> np.ndarray:
    """Raw 16-bit words, independent of the machine's byte order."""
    raw = rng.bit_generator.random_raw((count + 3) // 4)
    return np.asarray(raw, "<u8").view("<u2")[:count]


_CHUNK = 1 << 16
"""Numbers generated at a time, so that they fit the processor's cache."""


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers, float32, |z| <= 4.33: 65,536 quantiles, indexed by raw 16-bit words.

    Four to five times faster than the generator's own method, and based only on its raw bits, whose sequence
    numpy guarantees to be stable.
    """
    drawn = np.empty(shape, np.float32)
    flat = drawn.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        cv2.LUT(_words(rng, part.size), _normal_quantiles(), dst=part)  # takes two thirds of the time of np.take
    return drawn


def poisson(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Poisson counts, float32, one for each mean (0 or greater), from raw 16-bit words as in `normal`.

    Below a mean of 8 the distribution function is inverted; above, quantiles come from the Cornish–Fisher
    expansion to third order, which is off by one count for at most 1.2% of all words up to a mean of 10,000.
    """
    counts = np.empty(mean.shape, np.float32)
    flat, means = counts.reshape(-1), mean.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        flat[part] = _poisson(_words(rng, flat[part].size), means[part])
    return counts


def _poisson(words: np.ndarray, mean: np.ndarray) -> np.ndarray:
    z = np.take(_normal_quantiles(), words)
    root = np.sqrt(np.maximum(mean, 8))
    counts = np.rint(mean + root * z + (z * z - 1) / 6 + (z - z * z * z) / (72 * root))
    np.maximum(counts, 0, out=counts)
    dark = mean < 8
    if dark.any():
        counts[dark] = _invert_poisson((words[dark] + np.float32(0.5)) / 65536, mean[dark])
    return counts


def _invert_poisson(u: np.ndarray, mean: np.ndarray) -> np.ndarray:
    term = np.exp(-mean)
    total, count = term.copy(), np.zeros_like(mean)
    for k in range(1, 64):
        above = u > total
        if not above.any():
            break
        count += above
        term *= mean / k
        total += term
    return count


def ornstein_uhlenbeck(rng: np.random.Generator, frames: int, correlation: float) -> np.ndarray:
    """A stationary Ornstein–Uhlenbeck track of unit variance, sampled once a frame.

    Args:
        rng: Source of the increments.
        frames: Length of the track.
        correlation: Frames after which the autocorrelation has fallen to 1/e; 0 gives white noise.

    Returns:
        (frames,) float64.
    """
    return correlated(rng.standard_normal(frames), correlation)


def correlated(noise: np.ndarray, correlation: float) -> np.ndarray:
    """White noise of unit variance as Ornstein–Uhlenbeck tracks along its last axis, in place; see above."""
    decay = float(np.exp(-1 / correlation)) if correlation > 0 else 0.0
    noise[..., 1:] *= np.sqrt(1 - decay**2)
    for t in range(1, noise.shape[-1]):
        noise[..., t] += decay * noise[..., t - 1]
    return noise
