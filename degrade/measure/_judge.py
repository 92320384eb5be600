"""Real or made: a judge that learns to tell flat patches of films from flat patches of damaged clips."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from degrade.core.types import Array
from degrade.measure._flat import PATCH, Place, correlation, spectrum


class Grain(NamedTuple):
    """Flat patches of a clip, what is smooth in them taken away."""

    residual: Array
    """(N, PATCH, PATCH)."""
    later: Array
    """The same places one frame later."""
    level: Array
    """(N,) means of the patches."""
    level_later: Array
    """One frame later."""
    places: list[tuple[int, Place]]
    """Their frames, and where they lie in them."""


def features(found: Grain) -> Array:
    """What a patch looks like, (N, F): strength, spectrum, its direction, tails, and the step to the next frame."""
    now, later, step = found.residual, found.later, abs(np.log2((found.level_later + 0.02) / (found.level + 0.02)))
    std, after = (r.std(axis=(1, 2)) + 1e-4 for r in (now, later))
    z = now / std[:, None, None]
    neighbours = [correlation(now[:, dy:, dx:], now[:, : PATCH - dy, : PATCH - dx]) for dy, dx in _NEIGHBOURS]
    moments = [(z**3).mean(axis=(1, 2)), np.log((z**4).mean(axis=(1, 2))), np.log(abs(z).max(axis=(1, 2)))]
    time = [correlation(now, later), np.log(after / std), np.log(step + 1e-3)]
    return np.column_stack([np.log(std), np.log(spectrum(now) + 1e-3), *neighbours, *moments, *time])


_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 4), (4, 0))


def fitted(x: Array, y: Array, penalty: float = 1.0) -> Callable[[Array], Array]:
    """A logistic regression on features and their products; the returned function says how likely y is 1."""
    from scipy import optimize  # here, since only judges need it

    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-6
    pairs = np.triu_indices(x.shape[1])

    def expand(x: Array) -> Array:
        z = np.clip((x - mean) / std, -4, 4)
        return np.column_stack([np.ones(len(z)), z, z[:, pairs[0]] * z[:, pairs[1]]])

    wide, sign = expand(x), 2 * y - 1
    share = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))

    def loss(w: Array) -> tuple[float, Array]:
        margin = sign * (wide @ w)
        slope = -share * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        value = (share * np.logaddexp(0, -margin)).sum() + penalty / 2 * (w[1:] @ w[1:])
        return value, wide.T @ slope + penalty * np.concatenate([[0], w[1:]])

    weights = optimize.minimize(loss, np.zeros(wide.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return lambda x: 1 / (1 + np.exp(-np.clip(expand(x) @ weights, -50, 50)))


class Told(NamedTuple):
    """How many patches were told rightly, and of how many, each held out once; (N, 2)."""

    films: Array
    clips: Array


Fit = Callable[[Array, Array], Callable[[Array], Array]]
"""Teaches a judge by patches (N, …) and what they are (N,), 1 for films and 0 for what was made; the judge says how
likely patches are of films."""


def told_apart(real: Sequence[Array], made: Sequence[Array], fit: Fit = fitted) -> Told:
    """From patches of each film and each clip; a film is held out at a time, and with it a share of the clips."""
    films, clips = np.zeros((len(real), 2)), np.zeros((len(made), 2))
    for held in range(len(real)):
        fold = np.arange(len(made)) % len(real) == held
        kept = [f for i, f in enumerate(real) if i != held], [f for f, out in zip(made, fold, strict=True) if not out]
        x = np.concatenate([*kept[0], *kept[1]])
        judge = fit(x, np.repeat([1, 0], [sum(map(len, part)) for part in kept]))
        films[held] = (judge(real[held]) > 0.5).sum(), len(real[held])
        for i in np.flatnonzero(fold).tolist():
            clips[i] = (judge(made[i]) <= 0.5).sum(), len(made[i])
    return Told(films, clips)


def accuracy(told: Told, films: Array | slice = np.s_[:], clips: Array | slice = np.s_[:]) -> Array:
    """Balanced accuracy over the films and clips that are named: (...,) for indices (..., N)."""
    sums = [part[chosen].sum(axis=-2) for part, chosen in zip(told, (films, clips), strict=True)]
    return np.mean([right_of[..., 0] / right_of[..., 1] for right_of in sums], axis=0)
