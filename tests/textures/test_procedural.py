"""What the procedural textures promise: range, clear borders, one defect at any size, shapes as on real film."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from degrade.core.types import Array
from degrade.textures import draw, registry
from degrade.textures.dust import Dust
from degrade.textures.fibre import Fibre
from degrade.textures.scratch import Scratch

REPEATING = ["craquelure", "honeycomb", "reticulation"]
NAMES = [name for name in registry.names() if name not in REPEATING]


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (7, 1), (2, 2), (48, 48), (90, 31), (300, 200)])
def test_alpha_is_of_the_size_asked_for_and_in_range(name: str, height: int, width: int) -> None:
    for seed in range(5):
        alpha = draw(name, seed, height, width)
        assert alpha.shape == (height, width)
        assert alpha.dtype == np.float32
        assert 0 <= alpha.min() <= alpha.max() <= 1


@pytest.mark.parametrize("name", registry.names())
def test_it_depends_on_the_seed_alone(name: str) -> None:
    texture = registry.get(name)()
    first, again, other = (texture.draw(generator(seed), 64, 64) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_it_shows_something_and_ends_before_the_border(name: str) -> None:
    for seed in range(40):
        alpha = draw(name, seed, 64, 64)
        sides = [alpha[:, 0], alpha[:, -1]]
        if name != "scratch":  # which runs through from top to bottom
            sides += [alpha[0], alpha[-1]]
            assert alpha.max() > 0.1, seed
        assert max(side.max() for side in sides) < 1e-3, seed


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("side", [16, 48])
def test_the_same_seed_is_the_same_defect_at_another_resolution(name: str, side: int) -> None:
    """A large drawing reduced to `side` is much closer to the small one than to any other defect."""
    large = [
        cv2.resize(draw(name, s, 4 * side, 4 * side), (side, side), interpolation=cv2.INTER_AREA) for s in range(8)
    ]
    small = [draw(name, s, side, side) for s in range(8)]
    apart = np.array([[np.abs(a - b).mean() for a in large] for b in small])
    np.testing.assert_array_equal(apart.argmin(1), np.arange(8))
    assert np.diag(apart).mean() < 0.4 * apart[~np.eye(8, dtype=bool)].mean()


@pytest.mark.parametrize("name", REPEATING)
def test_it_repeats_without_a_seam(name: str) -> None:
    for seed in range(3):
        alpha = draw(name, seed, 128, 128)
        for picture in (alpha, alpha.T):
            steps = np.abs(np.diff(picture, axis=0)).mean(1)
            assert np.abs(picture[0] - picture[-1]).mean() < 2 * np.median(steps)


def test_fingerprints_have_ridges_of_one_width() -> None:
    """Most of the power lies at 14 to 18 ridges in half a canvas, give or take what the skin stretched."""
    x, y = np.fft.fftfreq(128, 1 / 128), np.fft.fftfreq(128, 1 / 128)
    ring = np.hypot(x, y[:, None])
    for seed in range(12):
        print_ = draw("fingerprint", seed, 128, 128)
        power = abs(np.fft.fft2(print_ - print_.mean())) ** 2
        fine = ring > 12
        assert power[fine & (ring < 44)].sum() > 0.7 * power[fine].sum()


def test_a_colony_branches_outwards() -> None:
    crossed = []
    for seed in range(8):
        alpha = draw("mycelium", seed, 256, 256) > 0.3
        points = np.argwhere(alpha)
        middle = points[np.argmax([alpha[r - 5 : r + 6, c - 5 : c + 6].sum() for r, c in points])]
        distance = np.hypot(*(points - middle).T)
        rings = [cv2.connectedComponents((alpha & _ring(middle, r)).astype(np.uint8))[0] - 1 for r in (10, 45)]
        crossed.append(rings)
        assert np.percentile(distance, 90) > 50
    near, far = np.mean(crossed, 0)
    assert far > near > 2


def _ring(middle: Array, radius: float) -> Array:
    away = np.hypot(*(np.mgrid[:256, :256] - middle[:, None, None]))
    return (away > radius - 1.5) & (away < radius + 1.5)


def test_out_of_focus_dirt_has_no_sharp_edge_and_water_has_a_dark_rim() -> None:
    for seed in range(10):
        mote = draw("mote", seed, 128, 128)
        assert mote.max() == pytest.approx(1, abs=0.01)
        assert np.abs(np.diff(mote)).max() < 0.3
    rims = []
    for seed in range(10):
        water = draw("water", seed, 128, 128)
        inside = cv2.distanceTransform((water > 0.02).astype(np.uint8), cv2.DIST_L2, 5)
        rims.append(water[(inside > 1) & (inside < 5)].mean() / water[inside > 12].mean())
    assert np.median(rims) > 2


def test_a_speck_is_opaque_within_and_fills_the_canvas() -> None:
    for seed in range(30):
        alpha = draw("dust", seed, 96, 96)
        rows, columns = np.nonzero(alpha > 0.5)
        assert alpha.max() > 0.98
        assert 0.7 * 96 < max(np.ptp(rows), np.ptp(columns)) < 0.95 * 96


def outlines(alphas: list[Array]) -> Array:
    """Length over width of the largest outline in each."""
    found = []
    for alpha in alphas:
        contours, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        (_, sides, _) = cv2.minAreaRect(max(contours, key=cv2.contourArea))
        found.append((max(sides) + 1) / (min(sides) + 1))
    return np.array(found)


def test_specks_are_as_elongated_as_on_scans(outside: Callable[[str], Path]) -> None:
    real = []
    for file in sorted(outside("textures/filmdamage/scans").glob("*.json")):
        for shape in json.loads(file.read_text()).values():
            points = np.array([(p["x"], p["y"]) for p in shape["points"]], np.float32)
            if shape["label"]["name"] in ("Dust", "Dirt") and len(points) > 2:
                _, sides, _ = cv2.minAreaRect(points)
                real.append(max(sides) / max(min(sides), 1))
    single = Dust(clumps=0)
    drawn = outlines([single.draw(generator(seed), 96, 96) for seed in range(300)])
    assert len(real) == 10331
    np.testing.assert_allclose(np.percentile(drawn, [25, 50, 75, 95]), np.percentile(real, [25, 50, 75, 95]), rtol=0.2)


def test_clumps_are_of_several_grains_and_jagged_grains_are_less_convex() -> None:
    def solidity(texture: Dust) -> float:
        shares = []
        for seed in range(60):
            mask = (texture.draw(generator(seed), 96, 96) > 0.5).astype(np.uint8)
            points = cv2.findNonZero(mask)
            shares.append(mask.sum() / cv2.contourArea(cv2.convexHull(points)))
        return float(np.mean(shares))

    smooth = solidity(Dust(clumps=0, flakes=0, jagged=0))
    assert smooth > 0.98
    assert solidity(Dust(clumps=0, flakes=0, jagged=0.5)) < smooth - 0.05
    assert solidity(Dust(clumps=1, flakes=0, jagged=0)) < smooth - 0.05


def test_the_thickness_of_a_fibre_is_what_is_asked_for() -> None:
    for thickness in (0.02, 0.06):
        texture = Fibre(lint=0, thickness=(thickness, thickness), softness=0)
        widths = []
        for seed in range(20):
            mask = (texture.draw(generator(seed), 400, 400) > 0.5).astype(np.uint8)
            inwards = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
            widths.append(4 * (inwards[mask > 0].mean() - 0.5) / 400)  # a quarter of a ribbon's width, on average
        assert np.median(widths) == pytest.approx(thickness, rel=0.2)


def test_a_scratch_is_upright_and_lifts_off_as_often_as_asked() -> None:
    touching = []
    for breaks in (0.05, 0.4, 0.8):
        texture = Scratch(breaks=breaks)
        alphas = np.stack([texture.draw(generator(seed), 200, 24) for seed in range(60)])
        touching.append((alphas.max(2) > 0.3).mean())
        columns = alphas.sum((0, 1))
        assert columns[8:16].sum() > 0.6 * columns.sum()
    np.testing.assert_allclose(touching, (0.95, 0.6, 0.2), atol=0.12)
