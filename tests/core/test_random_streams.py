"""Keyed streams, the fast normal and Poisson numbers, and the Ornstein–Uhlenbeck track."""

import numpy as np
import pytest
from scipy import stats

from degrade.core.rng import Stream, at, normal, normals, ornstein_uhlenbeck, poisson


def numbers(*path: str | int, seed: int = 1) -> list[int]:
    return Stream(seed, *path).generator().integers(2**62, size=4).tolist()


def test_a_stream_depends_on_its_key_alone() -> None:
    assert numbers("clip", "dust") == numbers("clip", "dust")
    assert Stream(1).child("clip").child("dust").generator("x").random() == (
        Stream(1, "clip", "dust", "x").generator().random()
    )
    asked_before = Stream(1, "a")
    asked_before.generator("other").random(1000)
    assert asked_before.key("pixels") == Stream(1, "a").key("pixels")


def test_normal_numbers_of_many_keys_are_those_of_each() -> None:
    keys = np.array([0, 1, 2**32 - 1, 2**32, 2**53 - 1, *np.random.default_rng(1).integers(2**53, size=20)])
    frames = np.arange(keys.size) * 1000
    each = [at(int(key), int(t)).standard_normal(7) for key, t in zip(keys, frames, strict=True)]
    np.testing.assert_array_equal(normals(keys, frames, 7), each)
    assert normals(keys[:0], frames[:0], 7).shape == (0, 7)


def test_different_keys_give_different_streams() -> None:
    keys: list[tuple[str | int, ...]] = [
        (), ("",), ("", ""), ("a",), ("b",), ("ab",), ("a", "b"), ("b", "a"), ("a", ""), (1,), ("1",), (11,), (1, 1),
        ("ü",), ("a" * 300,), (2**70,),
    ]  # fmt: skip
    drawn = [tuple(numbers(*key, seed=seed)) for key in keys for seed in (0, 1, 2**80)]
    assert len(set(drawn)) == len(drawn)


def test_streams_give_the_same_numbers_for_ever() -> None:
    """Golden numbers: should they change, every dataset changes."""
    assert Stream(7, "clip", "dust").key("pixels") == GOLDEN_KEY
    words = at(GOLDEN_KEY, 3).bit_generator.random_raw(2).tolist()
    assert words == GOLDEN_WORDS
    np.testing.assert_allclose(normal(at(GOLDEN_KEY, 3), (4,)), GOLDEN_NORMAL, rtol=1e-6)


GOLDEN_KEY = 1443585571775276
GOLDEN_WORDS = [2245410180523417142, 17527920704491086574]
GOLDEN_NORMAL = [1.1170874, 0.2487274, -0.5259557, -1.1664088]


def test_keys_are_exact_in_json_readers_that_hold_doubles() -> None:
    keys = [Stream(seed).key("pixels") for seed in range(100)]
    assert all(int(float(key)) == key for key in keys)
    assert len(set(keys)) == 100


def test_frames_of_a_key_are_independent() -> None:
    frames = np.stack([normal(at(5, t), (128, 128)) for t in range(6)]).reshape(6, -1)
    correlation = np.corrcoef(frames) - np.eye(6)
    assert abs(correlation).max() < 4.5 / 128  # 4.5 standard errors


def test_normal_numbers_are_normal() -> None:
    drawn = normal(at(1, 0), (1000, 1000))
    assert drawn.dtype == np.float32
    values = drawn.ravel().astype(np.float64)
    error = 1 / np.sqrt(len(values))
    assert abs(values.mean()) < 4 * error
    assert abs(values.var() - 1) < 4 * np.sqrt(2) * error
    assert abs(stats.skew(values)) < 4 * np.sqrt(6) * error
    assert abs(stats.kurtosis(values)) < 4 * np.sqrt(24) * error + 0.002  # cut off at 4.3 sigma
    assert 4 < abs(values).max() < 4.4
    assert stats.kstest(values, "norm").pvalue > 0.001


@pytest.mark.parametrize("lag", [(0, 1), (1, 0), (0, 2), (0, 4), (1, 1), (3, 5)])
def test_normal_numbers_do_not_depend_on_their_neighbours(lag: tuple[int, int]) -> None:
    field = normal(at(2, 0), (800, 800))
    down, right = lag
    product = field[: 800 - down, : 800 - right] * field[down:, right:]
    assert abs(product.mean()) < 4.5 / np.sqrt(product.size)


@pytest.mark.parametrize("shape", [(1,), (3,), (4,), (5, 7, 3), (0, 4)])
def test_normal_numbers_come_in_any_shape(shape: tuple[int, ...]) -> None:
    assert normal(at(0, 0), shape).shape == shape


@pytest.mark.parametrize("mean", [0.01, 0.3, 1, 3, 7.9, 8.1, 12, 40, 300, 5000])
def test_poisson_counts_have_the_distribution(mean: float) -> None:
    counts = poisson(at(3, 0), np.full(400_000, mean, np.float32)).astype(np.int64)
    assert counts.min() >= 0
    assert abs(counts.mean() / mean - 1) < 4.5 / np.sqrt(mean * 400_000) + 1e-3
    assert abs(counts.var() / mean - 1) < 0.02
    known = stats.poisson(mean)
    values = np.arange(known.ppf(0.001), known.ppf(0.999) + 1)
    share = np.array([(counts <= value).mean() for value in values])
    assert abs(share - known.cdf(values)).max() < 0.005


def test_poisson_of_nothing_is_nothing() -> None:
    assert not poisson(at(0, 0), np.zeros((9, 9), np.float32)).any()


@pytest.mark.parametrize("correlation", [0.0, 0.7, 3.0, 20.0])
def test_ornstein_uhlenbeck_track_has_the_variance_and_autocorrelation_asked_for(correlation: float) -> None:
    tracks = np.stack([ornstein_uhlenbeck(Stream(i).generator(), 64, correlation) for i in range(3000)])
    assert abs(tracks.var(axis=0) - 1).max() < 0.13  # stationary: from the first frame to the last
    assert abs(tracks.mean(axis=0)).max() < 0.09
    for lag in (1, 2, 5, 20):
        expected = np.exp(-lag / correlation) if correlation else 0.0
        assert abs((tracks[:, :-lag] * tracks[:, lag:]).mean() - expected) < 0.05


def test_ornstein_uhlenbeck_track_may_be_short() -> None:
    assert ornstein_uhlenbeck(Stream(0).generator(), 1, 5).shape == (1,)
    assert ornstein_uhlenbeck(Stream(0).generator(), 0, 5).shape == (0,)
