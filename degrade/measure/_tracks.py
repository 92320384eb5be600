"""What a track over frames does besides the slow movement of the scene: strength and memory.

A track is the sum of an Ornstein–Uhlenbeck process, the machine's, and of a smooth path, the scene's or the camera's:
a random walk of its velocity, of a strength that every shot has for itself and that is integrated out. So a shot whose
camera shakes says little of the machine, and a still one much. Straight lines are projected out (restricted maximum
likelihood), so that short shots are not read too low. In a short shot a long memory with a great strength is about as
likely as a short one with a small strength; there the prior of the memory decides.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.special import logsumexp

from degrade.core.types import Array

MEMORIES = np.array([0, 0.4, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8, 11, 16, 22, 32])
"""Frames, the candidates."""
EXPECTED = -0.5 * np.log((MEMORIES + 0.3) / 2) ** 2
"""Logarithm of the memories' prior: about two frames, within a factor of e."""
STEP = 1.25
"""From one candidate of the strength to the next."""
STRENGTHS = STEP ** np.arange(44)
"""The candidates, in units of the smallest strength that is told."""
PATHS = np.concatenate([[0], 10.0 ** np.arange(-4, 4, 0.5)])
"""Candidates of the smooth path's strength: what is added to its velocity each frame, in the same units."""


class Fit(NamedTuple):
    """Of a machine's movement."""

    std: float
    """Standard deviation."""
    memory: float
    """Frames after which the autocorrelation has fallen to 1/e."""


def evidence(track: Array, smallest: float, regular: Array | None = None) -> Array:
    """Logarithm of the likelihood of each pair of strength and memory, (S, M), to be added up over shots.

    Args:
        track: (T,), or (T, N) for several of the same kind.
        smallest: Strength that is told from none.
        regular: (T, K), what else is projected out.
    """
    frames = len(track)
    base = np.stack([np.ones(frames), np.linspace(-1, 1, frames)], axis=1)
    if regular is not None:
        base = np.concatenate([base, regular], axis=1)
    free = linalg.null_space(base.T)
    if not free.shape[1]:
        return np.zeros((len(STRENGTHS), len(MEMORIES)))
    seen = free.T @ track.reshape(frames, -1) / smallest
    path = free.T @ smooth_path(frames) @ free
    out = []
    for memory in MEMORIES:
        lower = linalg.cholesky(free.T @ machine(frames, memory) @ free, lower=True)
        whitened = linalg.solve_triangular(lower, linalg.solve_triangular(lower, path, lower=True).T, lower=True)
        stretch, turn = linalg.eigh(whitened)
        power = (turn.T @ linalg.solve_triangular(lower, seen, lower=True)) ** 2
        variance = STRENGTHS[:, None, None] ** 2 + PATHS[:, None] ** 2 * np.maximum(stretch, 0)
        fits = -0.5 * (power.shape[1] * np.log(variance).sum(axis=2) + (power.sum(axis=1) / variance).sum(axis=2))
        out.append(logsumexp(fits, axis=1) - power.shape[1] * np.log(np.diag(lower)).sum())
    return np.stack(out, axis=1)


def machine(frames: int, memory: float) -> Array:
    """Covariance of an Ornstein–Uhlenbeck process of unit strength, (T, T)."""
    decay = np.exp(-1 / memory) if memory else 0.0
    return np.asarray(linalg.toeplitz(decay ** np.arange(frames)))


def smooth_path(frames: int) -> Array:
    """Covariance of a path whose velocity is a random walk of unit steps, (T, T)."""
    steps = np.tril(np.ones((frames, frames)))
    way = steps @ steps
    return np.asarray(way @ way.T)


def fit(evidences: Sequence[Array], smallest: float) -> Fit:
    """The most likely strength and memory, between the candidates."""
    total = np.sum(evidences, axis=0) + EXPECTED
    i, j = np.unravel_index(int(np.argmax(total)), total.shape)
    std = smallest * STEP ** (i + _peak(total[:, j], int(i)))
    memory = np.interp(j + _peak(total[i], int(j)), np.arange(len(MEMORIES)), MEMORIES)
    return Fit(float(std) if i else 0.0, float(memory))


def _peak(values: Array, i: int) -> float:
    """Where a parabola through a peak and its neighbours peaks, from it."""
    if not 1 <= i < len(values) - 1:
        return 0.0
    left, peak, right = values[i - 1 : i + 2]
    bend = left - 2 * peak + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0
