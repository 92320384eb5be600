"""Intervals that hold the truth about as often as they say, and ranks no finer than the data."""

import math

import numpy as np
import pandas as pd
import pytest

from degrade.benchmark.statistics import Estimate, compare, difference, interval, ranks, versus_best
from degrade.core.errors import DatasetError, SpecError


@pytest.mark.parametrize(("clips", "least"), [(4, 0.82), (8, 0.90), (40, 0.92)])
@pytest.mark.parametrize("kind", ["normal", "uniform", "skewed"])
def test_intervals_hold_the_true_mean_in_about_95_of_100_cases(clips: int, least: float, kind: str) -> None:
    rng = np.random.default_rng(clips)
    draw, truth = {
        "normal": (lambda: rng.normal(30, 2, clips), 30.0),
        "uniform": (lambda: rng.random(clips), 0.5),
        "skewed": (lambda: np.exp(rng.normal(0, 0.3, clips)), math.exp(0.3**2 / 2)),
    }[kind]
    repeats = 250
    estimates = [interval(draw(), draws=1000) for _ in range(repeats)]
    held = sum(e.low <= truth <= e.high for e in estimates) / repeats
    assert least <= held <= 0.99


def test_clips_of_one_sequence_are_drawn_together() -> None:
    """Two clips of a sequence that differ little: drawn one by one, they promise more than they know."""
    rng = np.random.default_rng(0)
    sequences = np.repeat(np.arange(8), 2)
    held = {"clips": 0, "sequences": 0}
    for _ in range(250):
        values = rng.normal(0, 2, 8)[sequences] + rng.normal(0, 1, 16)
        for name, drawn in (("clips", values), ("sequences", pd.Series(values, sequences))):
            estimate = interval(drawn, draws=1000)
            held[name] += estimate.low <= 0 <= estimate.high
    assert held["sequences"] / 250 >= 0.90
    assert held["clips"] / 250 < 0.88
    values = pd.Series([1.0, 2.0, 3.0, 9.0], ["a", "a", "b", "b"])
    assert interval(values).mean == 3.75  # of the clips, not of the sequences' means
    assert difference(values, values - 1) == (1, 1, 1)


def test_an_interval_lies_within_what_was_measured() -> None:
    """So it never leaves the range of its metric, however few the clips and far apart."""
    for values in ([0.99, 0.98, 1.0, 0.3], [0.0, 0.01, 0.4], [1.0, 0.2]):
        estimate = interval(values)
        assert min(values) - 1e-12 < estimate.low < estimate.mean < estimate.high < max(values) + 1e-12


def test_intervals_are_seeded() -> None:
    values = np.random.default_rng(0).random(10)
    assert interval(values, seed=1) == interval(values, seed=1)
    assert interval(values, seed=1) != interval(values, seed=2)


def test_an_interval_is_about_its_mean() -> None:
    values = np.arange(12.0)
    estimate = interval(values)
    assert estimate.mean == 5.5
    assert estimate.low < 5.5 < estimate.high
    wider = interval(values, level=0.99)
    assert wider.low < estimate.low
    assert wider.high > estimate.high


def test_a_constant_has_no_spread() -> None:
    assert interval([5.0] * 6) == (5, 5, 5)


def test_clips_without_a_value_are_left_out() -> None:
    assert interval([1.0, math.nan, 3.0, 4.0]) == interval([1.0, 3.0, 4.0])
    assert all(math.isnan(value) for value in interval([math.nan]))


def test_one_clip_has_no_interval() -> None:
    estimate = interval([7.0])
    assert estimate.mean == 7
    assert math.isnan(estimate.low)
    assert not estimate.excludes_zero


def test_pairing_finds_what_clips_hide() -> None:
    """Clips differ by 10 dB, models by 0.3: separate intervals overlap, the paired one does not hold zero."""
    rng = np.random.default_rng(0)
    one = rng.normal(30, 10, 12)
    other = one + rng.normal(0.3, 0.1, 12)
    assert interval(one).high > interval(other).low
    estimate = difference(other, one)
    assert estimate.excludes_zero
    assert estimate.mean == pytest.approx(0.3, abs=0.1)


def test_equal_models_are_told_apart_in_about_5_of_100_cases() -> None:
    rng = np.random.default_rng(0)
    found = sum(difference(rng.normal(0, 1, 10), rng.normal(0, 1, 10), draws=1000).excludes_zero for _ in range(400))
    assert 0.02 <= found / 400 <= 0.09


def test_different_clips_are_not_compared() -> None:
    with pytest.raises(DatasetError, match="cannot compare 3 clips with 4"):
        difference([1, 2, 3], [1, 2, 3, 4])


CLIPS = np.array([20.0, 25.0, 30.0, 35.0, 28.0, 31.0])
NOISE = np.array([0.3, -0.2, 0.1, -0.3, 0.2, -0.1])


def test_ranks_tie_what_the_clips_cannot_tell_apart() -> None:
    scores = pd.DataFrame({"good": CLIPS + 3, "same": CLIPS + 3 + NOISE, "input": CLIPS})
    assert ranks(scores, higher_is_better=True) == {"good": 1, "same": 1, "input": 3}
    assert ranks(-scores, higher_is_better=False) == {"good": 1, "same": 1, "input": 3}


def test_every_two_models_are_compared_the_better_mean_first() -> None:
    scores = pd.DataFrame({"input": CLIPS - 3, "good": CLIPS, "none": math.nan})
    found = compare(scores, higher_is_better=True)
    assert list(found) == [("good", "input"), ("good", "none"), ("input", "none")]
    assert found["good", "input"] == difference(CLIPS, CLIPS - 3)
    assert list(compare(scores[["good", "input"]], higher_is_better=False)) == [("input", "good")]
    made_up = {("good", "input"): Estimate(3, -1, 7)}
    assert ranks(scores[["good", "input"]], higher_is_better=True, compared=made_up) == {"good": 1, "input": 1}


def test_a_rank_is_never_above_that_of_a_better_mean() -> None:
    """The erratic model is not told apart from the best, but stands below the second, which is."""
    erratic = CLIPS - 1 + np.array([9, -9, 9, -9, 9, -9.0])
    found = ranks(pd.DataFrame({"best": CLIPS, "second": CLIPS - 0.5, "erratic": erratic}), higher_is_better=True)
    assert found == {"best": 1, "second": 2, "erratic": 2}


def test_models_without_values_come_last() -> None:
    found = ranks(pd.DataFrame({"none": [math.nan] * 6, "input": CLIPS}), higher_is_better=True)
    assert list(found) == ["input", "none"]


def test_models_are_compared_with_the_best_baseline() -> None:
    scores = pd.DataFrame({"input": CLIPS, "median": CLIPS + 1, "rtn": CLIPS + 3 + NOISE})
    best, differences = versus_best(scores, {"input", "median"}, higher_is_better=True)
    assert best == "median"
    assert differences["rtn"].excludes_zero
    assert differences["rtn"].mean == pytest.approx(2, abs=0.1)
    assert differences["input"].mean == -1
    assert versus_best(scores, {"input", "median"}, higher_is_better=False)[0] == "input"
    with pytest.raises(SpecError, match="none of the baselines bicubic has scores"):
        versus_best(scores, {"bicubic"}, higher_is_better=True)
