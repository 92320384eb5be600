"""Detail lost and invented: pictures whose shares are known."""

import cv2
import numpy as np
import pytest

from degrade.benchmark.metrics._detail import Detail, detail
from degrade.benchmark.metrics.base import Frame
from degrade.core.types import Array


def noise(seed: int, strength: float = 0.08) -> Array:
    """Texture (96, 128, 1), independent of that of another seed."""
    return (np.random.default_rng(seed).normal(0, strength, (96, 128, 1))).astype(np.float32)


TARGET = (0.5 + noise(1)).clip(0.2, 0.8)
DAMAGE = noise(2, 0.05)
GIVEN = TARGET + DAMAGE


def measured(prediction: Array, given: Array = GIVEN, target: Array = TARGET) -> Detail:
    return detail(Frame(prediction.astype(np.float32), target, given))


def blurred(picture: Array, sigma: float) -> Array:
    return cv2.GaussianBlur(picture, (0, 0), sigma)[..., None]


def test_the_target_has_lost_and_invented_nothing() -> None:
    assert measured(TARGET) == pytest.approx((0, 0), abs=1e-9)
    assert measured(TARGET, given=TARGET) == pytest.approx((0, 0), abs=1e-9)


def test_damage_that_is_left_is_neither() -> None:
    assert measured(GIVEN) == pytest.approx((0, 0), abs=1e-3)
    assert measured(TARGET + DAMAGE / 2) == pytest.approx((0, 0), abs=1e-3)


@pytest.mark.parametrize("kept", [0.25, 0.5, 0.9])
def test_of_fainter_detail_the_rest_is_lost(kept: float) -> None:
    found = measured(0.5 + kept * (TARGET - 0.5))
    assert found == pytest.approx((1 - kept, 0), abs=0.01)


def test_a_stronger_blur_loses_more() -> None:
    lost = [measured(blurred(TARGET, sigma)).lost for sigma in (0.5, 1, 2, 4)]
    assert lost == sorted(lost)
    assert lost[-1] > 0.95


@pytest.mark.parametrize("strength", [0.02, 0.04, 0.08])
def test_texture_of_its_own_is_invented(strength: float) -> None:
    own = noise(3, strength)
    energy = [float(np.square(part - blurred(part, 2)).mean()) for part in (own, TARGET)]
    found = measured((TARGET + own).clip(0, 1))
    assert found.invented == pytest.approx(energy[0] / energy[1], rel=0.1)
    assert found.lost < 0.05


def test_detail_out_of_place_is_both_lost_and_invented() -> None:
    found = measured(np.roll(TARGET, 3, 1))
    assert found.lost > 0.8
    assert found.invented > 0.8


def test_a_flat_target_says_nothing() -> None:
    flat = np.full_like(TARGET, 0.5)
    assert np.isnan(measured(flat, given=flat, target=flat)).all()
