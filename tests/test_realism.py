"""The instruments of docs/realism.py read what is there."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from degrade.core.types import Array
from degrade.measure._judge import Told
from degrade.measure._shapes import outline_measures

PATH = Path(__file__).resolve().parents[1] / "docs/realism.py"
SPEC = importlib.util.spec_from_file_location("realism", PATH)
realism: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(realism)


@pytest.fixture
def draw() -> np.random.Generator:
    """The same numbers for a test, whichever ran before it."""
    return np.random.default_rng(0)


def still(frames: int = 12) -> Array:
    picture = cv2.resize(data.camera(), (realism.WIDTH, realism.HEIGHT)).astype(np.float32) / 255
    return np.repeat(picture[None], frames, axis=0)


def test_exposure_is_read_in_stops(draw: np.random.Generator) -> None:
    stops = draw.normal(0, 0.1, 12)
    dark = 0.5 * still() * 2 ** stops[:, None, None].astype(np.float32)
    np.testing.assert_allclose(realism.exposure(dark), stops - stops[0], atol=0.02)


def test_position_is_read_in_thousandths_of_the_height(draw: np.random.Generator) -> None:
    shifts = draw.normal(0, 2, (12, 2))
    moved = [
        cv2.warpAffine(f, np.array([[1, 0, x], [0, 1, y]]), f.shape[::-1], flags=cv2.INTER_CUBIC)
        for f, (x, y) in zip(still(), shifts, strict=True)
    ]
    read = realism.position(np.clip(moved, 0, 1))
    np.testing.assert_allclose(read[:, :2], 1000 / realism.HEIGHT * (shifts - shifts[0]), atol=0.4)
    assert abs(read[:, 2]).max() < 0.05


def test_tracks_are_told_by_their_spectrum(draw: np.random.Generator) -> None:
    white, slow = draw.normal(size=4000), np.repeat(draw.normal(size=400), 10)
    fast = realism.track(white)
    assert fast.lags == pytest.approx((0, 0, 0), abs=0.15)
    assert fast.shares[2] == pytest.approx(0.56, abs=0.04)  # the slow part is away
    assert realism.track(slow).shares[0] > 0.7
    assert sum(fast.shares) == pytest.approx(1)


def test_white_noise_has_a_flat_spectrum_and_its_own_strength(draw: np.random.Generator) -> None:
    noise = draw.normal(0, 4 / 255, (7, realism.HEIGHT, realism.WIDTH)).astype(np.float32)
    found = realism.flat_patches(0.5 + noise, 400)
    assert found.residual.std() * 255 == pytest.approx(4, rel=0.03)
    expected = (0.91, 1.02, 1.02, 1.02, 1.02)  # the polynomial takes from the lowest
    assert realism.spectrum(found.residual).mean(axis=0) == pytest.approx(expected, rel=0.06)
    assert abs(realism.correlation(found.residual, found.later).mean()) < 0.02
    assert realism.correlation(found.residual, found.residual) == pytest.approx(1)


def test_lines_are_found_along_the_film_and_followed(draw: np.random.Generator) -> None:
    size = realism.PATCH
    patches = draw.normal(0, 0.2 / 255, (3, size, size))
    patches[0, :, 10] += 4 / 255
    patches[1, :, 20:22] -= 6 / 255
    patches[2, 15] += 4 / 255  # across the film
    found = realism.lines(patches)
    assert np.argwhere(found).tolist()[0] == [0, 10]
    assert np.count_nonzero(found) == 2
    assert found[0, 10] == pytest.approx(4, abs=0.5)
    assert found[1].min() == pytest.approx(-6, abs=0.5)
    assert np.argwhere(realism.lines(patches, axis=2)).tolist() == [[2, 15]]
    moved = realism.lines(np.roll(patches, 1, axis=2))
    assert realism.stay(found, found).tolist() == [True, True]
    assert realism.stay(found, moved).tolist() == [True, True]
    assert realism.stay(found, -found).tolist() == [False, False]
    assert realism.stay(found, 0.4 * found).tolist() == [False, False]


def test_flat_patches_are_those_of_the_same_flatness_in_all_footage() -> None:
    clip = np.full((7, realism.HEIGHT, realism.WIDTH), 0.5, np.float32)
    clip[:, :, realism.WIDTH // 2 :] += 0.1 * np.sin(np.arange(realism.WIDTH // 2) / 3).astype(np.float32)
    found = realism.flat_patches(clip, 20)
    assert len(found.places) == 20
    assert all(place[1].stop <= realism.WIDTH // 2 + 4 for _, place in found.places)
    none = realism.flat_patches(clip[..., realism.WIDTH // 2 + 8 :], 20)
    assert none.residual.shape == (0, realism.PATCH, realism.PATCH)


def test_shapes_are_measured_and_compared(draw: np.random.Generator) -> None:
    bar = np.array([[0, 0], [19, 0], [19, 4], [0, 4]])
    assert outline_measures(bar) == pytest.approx((20, 4, 1))
    ((longest, ratio, _),) = realism.parts_of(realism.filled(0.4 * bar + 50.3))
    assert longest == pytest.approx(0.4 * 20, abs=1)
    assert ratio == pytest.approx(4, rel=0.4)
    sizes = np.column_stack([draw.lognormal(0, 0.5, 3000), *draw.random((2, 3000))])
    assert max(realism.distances(sizes, sizes * [3, 1, 1])[1:]) < 0.001
    assert realism.distances(sizes, sizes * [3, 1, 1])[0] > 0.6


def test_the_judge_knows_what_differs_and_guesses_what_does_not(draw: np.random.Generator) -> None:
    def draws(shift: float) -> list[Array]:
        return [draw.normal(shift, 1, (150, 3)) for _ in range(4)]

    same, other = (realism.told_apart(draws(0), draws(shift)) for shift in (0, 3))
    assert realism.accuracy(same) == pytest.approx(0.5, abs=0.1)
    assert realism.accuracy(other) > 0.95
    assert other.films[:, 1].tolist() == other.clips[:, 1].tolist() == [150] * 4


def test_accuracy_is_balanced_and_taken_over_what_is_drawn() -> None:
    told = Told(np.array([[8, 10], [6, 10]]), np.array([[50, 100], [0, 0]]))
    assert realism.accuracy(told) == pytest.approx((0.7 + 0.5) / 2)
    films, clips = np.array([[0, 0], [1, 1]]), np.array([[0, 1], [0, 0]])
    assert realism.accuracy(told, films, clips) == pytest.approx(((0.8 + 0.5) / 2, (0.6 + 0.5) / 2))


def test_data_that_is_absent_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(PATH), "--data", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"{tmp_path} has no films, clips, textures/filmdamage/scans: give the folder with --data"
    ]
