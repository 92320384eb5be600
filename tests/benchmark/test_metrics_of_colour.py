"""Metrics of colour against independent implementations, published values, and cases known by hand."""

import math

import cv2
import numpy as np
import pytest
import skimage.data
from scipy.spatial.distance import jensenshannon
from scoring import score
from skimage.color import lab2rgb

from degrade.benchmark.metrics import Frame, make
from degrade.sources.stills import Stills


def footage(frames: int = 3) -> np.ndarray:
    return Stills(count=1, frames=frames, height=48, width=64).read("00_coffee", 0, frames).astype(np.float32) / 255


def noisy(clip: np.ndarray, sigma: float = 0.05) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, clip.shape)
    return np.clip(clip + noise, 0, 1).astype(np.float32)


def lab_by_definition(rgb: np.ndarray) -> np.ndarray:
    """CIE 1976 of one pixel, with exact fractions."""
    matrix = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
    x, y, z = (
        t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29
        for t in matrix @ linear / np.array([0.95047, 1, 1.08883])
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_psnr_of_ab_is_that_of_the_definition() -> None:
    clean = footage(1)
    bad = noisy(clean)
    labs = [np.apply_along_axis(lab_by_definition, -1, clip[0].astype(np.float64)) for clip in (bad, clean)]
    error = np.square(labs[0] - labs[1])[..., 1:].mean()
    assert score("psnr_ab", bad, clean) == pytest.approx(10 * math.log10(255**2 / error), abs=1e-4)


def test_psnr_of_ab_is_nearly_opencvs() -> None:
    clean = footage()
    bad = noisy(clean)
    values = []
    for one, other in zip(bad, clean, strict=True):
        difference = (cv2.cvtColor(one, cv2.COLOR_RGB2Lab) - cv2.cvtColor(other, cv2.COLOR_RGB2Lab))[..., 1:]
        values.append(10 * math.log10(255**2 / np.square(difference, dtype=np.float64).mean()))
    assert score("psnr_ab", bad, clean) == pytest.approx(np.mean(values), abs=0.02)


def test_psnr_of_ab_of_one_step_and_of_lightness_alone() -> None:
    grey = np.full((1, 8, 8, 3), 0.5, np.float32)
    assert score("psnr_ab", grey * 0.5, grey) == 100  # L is not its business
    shifted = lab2rgb(np.broadcast_to([53.389, 10.0, 0.0], (1, 8, 8, 3))).astype(np.float32)
    assert score("psnr_ab", shifted, grey) == pytest.approx(10 * math.log10(255**2 / 50), abs=0.01)


@pytest.mark.parametrize(("share", "step"), [(0.25, 40), (0.05, 60)])
def test_psnr_of_rgb_does_not_wrap(share: float, step: int) -> None:
    """Published scripts subtract and square bytes, which wrap around above 15: they cannot fall below 24 dB."""
    clean = np.full((1, 20, 20, 3), 100 / 255, np.float32)
    bad = clean.copy()
    bad[0, : round(20 * share)] += step / 255
    assert score("psnr", bad, clean) == pytest.approx(10 * math.log10(255**2 / (share * step**2)), abs=1e-3)


@pytest.mark.parametrize(("name", "expected"), [("astronaut", 72.61), ("coffee", 76.92), ("chelsea", 37.96)])
def test_colourfulness_of_photographs(name: str, expected: float) -> None:
    picture = getattr(skimage.data, name)()[None].astype(np.float32) / 255
    assert score("colorfulness_difference", picture, np.zeros_like(picture)) == pytest.approx(expected, abs=0.005)
    assert score("colorfulness_difference", np.zeros_like(picture), picture) == pytest.approx(expected, abs=0.005)


def test_colourfulness_of_two_pure_colours() -> None:
    halves = np.zeros((1, 8, 8, 3), np.float32)
    halves[:, :, :4, 0] = halves[:, :, 4:, 1] = 1
    assert score("colorfulness_difference", halves, np.zeros_like(halves)) == pytest.approx(293.25, abs=0.005)
    assert score("colorfulness_difference", np.ones_like(halves), np.zeros_like(halves)) == 0


def test_cdc_of_black_and_white_in_turn() -> None:
    flashing = np.zeros((5, 8, 8, 3), np.float32)
    flashing[1::2] = 1
    assert score("cdc_difference", flashing, np.zeros_like(flashing)) == pytest.approx(1000 * math.log(2) / 3, abs=1e-6)
    assert score("cdc_difference", np.zeros_like(flashing), flashing) == pytest.approx(231.049, abs=1e-3)
    assert score("cdc_difference", np.ones_like(flashing), np.zeros_like(flashing)) == 0
    assert math.isnan(score("cdc_difference", flashing[:4], flashing[:4]))


def test_cdc_is_scipys() -> None:
    clean = footage(7)
    bad = noisy(clean) * np.linspace(0.7, 1, 7, dtype=np.float32)[:, None, None, None]

    def cdc(clip: np.ndarray) -> float:
        shares = [
            [np.histogram(np.rint(255 * frame[..., c]), 256, (-0.5, 255.5))[0] / frame[..., c].size for c in range(3)]
            for frame in clip
        ]
        steps = [
            [jensenshannon(shares[t][c], shares[t + d][c]) ** 2 for t in range(len(clip) - d)]
            for d in (1, 2, 4)
            for c in range(3)
        ]
        return 1000 * float(np.mean([np.mean(step) for step in steps]))

    assert score("cdc_difference", bad, clean) == pytest.approx(abs(cdc(bad) - cdc(clean)), abs=1e-6)


def test_cdc_leaves_out_pairs_with_a_key_frame() -> None:
    rng = np.random.default_rng(0)
    frames = [rng.random((8, 8, 3)).astype(np.float32) for _ in range(9)]
    black = np.zeros((8, 8, 3), np.float32)
    metric, wild = make("cdc_difference"), make("cdc_difference")
    for t, frame in enumerate(frames):
        metric.update(Frame(black if t == 4 else frame, black, given=t == 4))
        wild.update(Frame(1 - frame if t == 4 else frame, black, given=t == 4))
    assert metric.result() == wild.result() > 0
