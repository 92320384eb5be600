"""What a handful of clips can tell: bootstrap intervals, paired differences, ranks with ties."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

from degrade.core.errors import DatasetError, SpecError
from degrade.core.rng import Stream
from degrade.core.types import Array

DRAWS = 10_000


class Estimate(NamedTuple):
    """A mean over clips and its confidence interval; NaN where there are no clips, or too few."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero: for a difference, whether the test is passed."""
        return self.low > 0 or self.high < 0


def interval(values: Sequence[float] | Array, level: float = 0.95, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """The mean over clips with a bootstrap interval.

    Clips are drawn with replacement; the interval spans the percentiles of the drawn means, widened about the mean by
    t / z · √(n / (n − 1)), without which it is too narrow for few clips (of 4, it would hold the true mean
    in 79% of the cases instead of 95%). Source: Hesterberg, "What Teachers Should Know About the
    Bootstrap", The American Statistician 2015.

    Args:
        values: One number per clip. NaN, a clip on which the metric says nothing, is left out.
        level: Share of repetitions in which the interval holds the true mean.
        seed: Of the draws.
        draws: How many.

    Returns:
        The estimate; the interval is NaN for fewer than two clips.
    """
    known = _known(values)
    count = len(known)
    if not count:
        return Estimate(math.nan, math.nan, math.nan)
    mean = float(known.mean())
    if count < 2:
        return Estimate(mean, math.nan, math.nan)
    rng = Stream(seed, "bootstrap").generator()
    means = known[rng.integers(count, size=(draws, count))].mean(1)
    tail = (1 - level) / 2
    widening = t.ppf(tail, count - 1) / norm.ppf(tail) * math.sqrt(count / (count - 1))
    low, high = (mean + widening * (np.quantile(means, (tail, 1 - tail)) - mean)).tolist()
    return Estimate(mean, low, high)


def difference(
    values: Sequence[float] | Array,
    others: Sequence[float] | Array,
    level: float = 0.95,
    seed: int = 0,
    draws: int = DRAWS,
) -> Estimate:
    """The mean of the paired differences over the same clips, values − others, with its interval.

    A paired bootstrap test: the two differ at the level 1 − `level` if the interval excludes zero.

    Raises:
        DatasetError: Numbers of clips that differ.
    """
    if len(values) != len(others):
        raise DatasetError(f"cannot compare {len(values)} clips with {len(others)}")
    return interval(np.asarray(values, np.float64) - np.asarray(others, np.float64), level, seed, draws)


def versus_best(
    scores: Mapping[str, Sequence[float]], baselines: Collection[str], higher_is_better: bool, seed: int = 0
) -> tuple[str, dict[str, Estimate]]:
    """Every model against the baseline of the best mean.

    Args:
        scores: Per model, one number per clip, the same clips in the same order.
        baselines: Names that count as baselines.
        higher_is_better: Of the metric.
        seed: Of the bootstrap.

    Returns:
        The best baseline, and each other model's difference from it (`difference`).

    Raises:
        SpecError: No scores of a baseline.
    """
    candidates = [name for name in _best_first(scores, higher_is_better) if name in baselines]
    if not candidates:
        raise SpecError(f"none of the baselines {', '.join(sorted(baselines)) or '(none)'} has scores")
    best = candidates[0]
    return best, {name: difference(values, scores[best], seed=seed) for name, values in scores.items() if name != best}


def ranks(scores: Mapping[str, Sequence[float]], higher_is_better: bool, seed: int = 0) -> dict[str, int]:
    """Ranks from 1, best first; what the clips cannot tell apart is tied.

    A model's rank is one more than the number of models above it that are better by the paired test at 5%, and
    never less than that of a model with a better mean.

    Args:
        scores: Per model, one number per clip, the same clips in the same order.
        higher_is_better: Of the metric.
        seed: Of the bootstrap.
    """
    order = _best_first(scores, higher_is_better)
    found: dict[str, int] = {}
    for place, name in enumerate(order):
        above = order[:place]
        beaten = sum(difference(scores[other], scores[name], seed=seed).excludes_zero for other in above)
        found[name] = max([beaten + 1, *(found[other] for other in above)])
    return found


def _best_first(scores: Mapping[str, Sequence[float]], higher_is_better: bool) -> list[str]:
    def worth(name: str) -> float:
        known = _known(scores[name])
        return (known.mean() if higher_is_better else -known.mean()) if len(known) else -math.inf

    return sorted(scores, key=lambda name: (-worth(name), name))


def _known(values: Sequence[float] | Array) -> Array:
    numbers = np.asarray(values, np.float64)
    return numbers[~np.isnan(numbers)]
