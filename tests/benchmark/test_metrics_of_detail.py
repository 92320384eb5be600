"""Detail lost and invented: pictures whose shares are known, and least squares window by window."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

pytest.importorskip("torch", reason="the benchmark needs PyTorch")
from degrade.benchmark.metrics._detail import AROUND, COARSE, STEP
from degrade.core.types import Array
from tests.scoring import score


def noise(seed: int, strength: float = 0.08) -> Array:
    """Texture (96, 128, 1), independent of that of another seed."""
    return (np.random.default_rng(seed).normal(0, strength, (96, 128, 1))).astype(np.float32)


TARGET = (0.5 + noise(1)).clip(0.2, 0.8)
DAMAGE = noise(2, 0.05)
GIVEN = (TARGET + DAMAGE).clip(0, 1)


def measured(prediction: Array, given: Array = GIVEN, target: Array = TARGET) -> tuple[float, float]:
    """Lost and invented, percent."""
    clip = [part.astype(np.float32)[None] for part in (prediction, target, given)]
    lost = score("detail_lost", clip[0], clip[1], input=clip[2])
    return lost, score("detail_invented", clip[0], clip[1], input=clip[2])


def blurred(picture: Array, sigma: float) -> Array:
    return cv2.GaussianBlur(picture, (0, 0), sigma)[..., None]


def test_the_target_has_lost_and_invented_nothing() -> None:
    assert measured(TARGET) == pytest.approx((0, 0), abs=1e-6)
    assert measured(TARGET, given=TARGET) == pytest.approx((0, 0), abs=1e-6)


def test_damage_that_is_left_is_neither() -> None:
    assert measured(GIVEN) == pytest.approx((0, 0), abs=0.1)
    assert measured((TARGET + GIVEN) / 2) == pytest.approx((0, 0), abs=0.1)


@pytest.mark.parametrize("kept", [0.25, 0.5, 0.9])
def test_of_fainter_detail_the_rest_is_lost(kept: float) -> None:
    assert measured(0.5 + kept * (TARGET - 0.5)) == pytest.approx((100 * (1 - kept), 0), abs=1)


def test_a_stronger_blur_loses_more() -> None:
    lost = [measured(blurred(TARGET, sigma))[0] for sigma in (0.5, 1, 2, 4)]
    assert lost == sorted(lost)
    assert lost[-1] > 95


@pytest.mark.parametrize("strength", [0.02, 0.04, 0.08])
def test_texture_of_its_own_is_invented(strength: float) -> None:
    own = noise(3, strength)
    energy = [float(np.square(part - blurred(part, 2)).mean()) for part in (own, TARGET)]
    lost, invented = measured((TARGET + own).clip(0, 1))
    assert invented == pytest.approx(100 * energy[0] / energy[1], rel=0.1)
    assert lost < 5


def test_detail_out_of_place_is_both_lost_and_invented() -> None:
    lost, invented = measured(np.roll(TARGET, 3, 1))
    assert lost > 80
    assert invented > 80


def test_a_flat_target_says_nothing() -> None:
    flat = np.full_like(TARGET, 0.5)
    assert np.isnan(measured(flat, given=flat, target=flat)).all()


def test_least_squares_window_by_window_split_the_same() -> None:
    """SciPy's filter makes the bands, NumPy's solver every window."""
    rng = np.random.default_rng(4)
    target, given, prediction = (rng.uniform(0.2, 0.8, (40, 44)).astype(np.float32) for _ in range(3))
    prediction = 0.5 * target + 0.3 * given + 0.2 * prediction
    p, t, n = (
        picture - gaussian_filter(picture, COARSE, mode="mirror", truncate=4)
        for picture in np.stack([prediction, target, given - target]).astype(np.float64)
    )
    reach = 40
    p, t, n = (np.pad(band, reach, mode="symmetric") for band in (p, t, n))
    ys, xs = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    weight = np.exp(-(ys**2 + xs**2) / (2 * AROUND**2))
    weight = np.sqrt(weight / weight.sum()).ravel()
    lost, rest, whole = 0.0, 0.0, 0.0
    for y in range(40):
        for x in range(44):
            window = np.s_[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
            wp, wt, wn = (weight * band[window].ravel() for band in (p, t, n))
            system = np.stack([np.append(wt, 0), np.append(wn, np.sqrt(STEP))], 1)
            a, b = np.linalg.lstsq(system, np.append(wp, 0), rcond=None)[0]
            lost, whole = lost + max(1 - a, 0) * wt @ wt, whole + wt @ wt
            rest += np.square(wp - a * wt - b * wn).sum()
    found = measured(prediction[..., None], given=given[..., None], target=target[..., None])
    assert found == pytest.approx((100 * lost / whole, 100 * rest / whole), rel=0.03)
