"""What each kind of damage promises of its own: where it lies, how it looks, how it changes over the frames."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops import (
    Blotch,
    Burn,
    Crackle,
    CueMark,
    Decomposition,
    EmulsionScratch,
    GateDirt,
    LensDirt,
    LightLeak,
    Mould,
    ShortScratch,
    Splice,
    Stain,
)
from degrade.ops._compositing import textures_on, tint
from degrade.ops._film import ease, fractal_along

HEIGHT, WIDTH = 120, 160


def sampled(op: Any, frames: int = 24, seed: int = 0, channels: int = 3) -> Any:
    info = ClipInfo(frames=frames, height=HEIGHT, width=WIDTH, channels=channels)
    return op.sample(info, Stream(seed, "clip"))


def painted(op: Any, params: Any, t: int, ground: Array) -> tuple[Array, Array]:
    frame, mask = ground.copy(), np.zeros((*ground.shape[:2], 1), np.float32)
    op.paint(frame, mask, params, t)
    assert 0 <= frame.min() <= frame.max() <= 1
    return frame, mask[..., 0]


def flat(level: float = 0.5, channels: int = 3) -> Array:
    return np.full((HEIGHT, WIDTH, channels), level, np.float32)


def alone(params: Any, i: int) -> Any:
    """The params of defect `i` by itself."""
    return type(params)(**{name: (value[i],) for name, value in params.model_dump().items()})


# ---- what lies on the film here and there ----


def test_a_torn_blotch_has_its_flake_of_the_other_tone_at_one_side() -> None:
    op = Blotch(per_frame=3, size=0.3, flake=0.15, light=1, opacity=1)
    params = sampled(op)
    for t in range(4):
        frame, mask = painted(op, params, t, flat())
        assert (frame.max(), frame.min()) == (1, 0)
        assert (mask[(frame == 0).all(2)] == 1).all()
    i = int(np.argmin(np.hypot(np.array(params.x_px) - WIDTH / 2, np.array(params.y_px) - HEIGHT / 2)))
    frame, _ = painted(op, alone(params, i), params.first[i], flat())
    torn, flake = (np.mean(np.argwhere(frame[..., 0] == tone), 0) for tone in (1, 0))
    away = np.array([params.flake_y_px[i], params.flake_x_px[i]])
    assert np.hypot(*away) == pytest.approx(0.15 * params.size_px[i], abs=0.1)
    assert (flake - torn) @ away > 0.4 * away @ away


@pytest.mark.parametrize("channels", [1, 3])
def test_dark_stains_multiply_by_their_thickness(channels: int) -> None:
    """On an even ground, which blur and bending leave as it is."""
    op = Stain(per_frame=2, light=0, opacity=0.6)
    params = sampled(op, channels=channels)
    for i in range(4):
        sprite = params.sprite(params.kind[i], i, params.x_px[i], params.y_px[i], params.degrees[i])
        [(_, where, thickness)] = textures_on([sprite], (HEIGHT, WIDTH))
        frame, mask = painted(op, alone(params, i), params.first[i], flat(0.8, channels))
        clear = np.array([0.85, 1, 1.25]) if channels == 3 else 0.31 / 0.3
        expected = 0.8 * (1 - np.minimum(0.6 * thickness[..., None] * clear, 1))
        np.testing.assert_allclose(frame[where], expected, atol=1e-5)
        outside = np.ones((HEIGHT, WIDTH), bool)
        outside[where] = False
        np.testing.assert_array_equal(frame[outside], np.float32(0.8))
        assert not mask[outside].any()
        assert (mask[where] >= thickness - 1e-6).all()


def test_what_lies_under_a_stain_is_blurred_by_its_thickness() -> None:
    op = Stain(per_frame=2, kinds=("oil",), opacity=0, shift=0, blur=0.015)
    params, ground = sampled(op), np.random.default_rng(0).random((HEIGHT, WIDTH, 1), np.float32)
    for i in range(4):
        sprite = params.sprite("oil", i, params.x_px[i], params.y_px[i], params.degrees[i])
        [(_, where, thickness)] = textures_on([sprite], (HEIGHT, WIDTH))
        frame, _ = painted(op, alone(params, i), params.first[i], ground)
        part = ground[where].astype(float)
        blurred = ndimage.gaussian_filter(part[..., 0], params.blur_px[i], mode="nearest")[..., None]
        expected = part + thickness[..., None] * (blurred - part)
        np.testing.assert_allclose(frame[where], expected, atol=0.01)
        assert np.abs(blurred - part).max() > 0.2


def test_what_lies_under_a_stain_is_bent_as_far_as_asked() -> None:
    """On a ramp a shift by d pixels to the side changes the level by d times its slope."""
    op = Stain(per_frame=3, kinds=("water",), opacity=0, blur=0, shift=0.02, size=0.4)
    params = sampled(op)
    ramp = np.broadcast_to(np.linspace(0, 1, WIDTH, dtype=np.float32)[None, :, None], (HEIGHT, WIDTH, 1))
    moved = [np.abs(painted(op, alone(params, i), params.first[i], ramp)[0] - ramp).max() for i in range(8)]
    assert max(moved) <= 0.02 * HEIGHT / (WIDTH - 1) + 1e-4
    assert max(moved) > 0.3 * 0.02 * HEIGHT / (WIDTH - 1)


def test_mould_crowds_at_the_sides_where_asked() -> None:
    crowded, even = (
        np.array(sampled(Mould(per_frame=20, sides=sides, reach=0.1), frames=50).x_px) / WIDTH for sides in (1, 0)
    )
    assert np.median(np.minimum(crowded, 1 - crowded)) == pytest.approx(0.1 * np.log(2), rel=0.15)
    assert np.median(np.minimum(even, 1 - even)) == pytest.approx(0.25, rel=0.1)


def test_lens_dirt_stands_still() -> None:
    op = LensDirt(per_frame=6, lifetime=5000)
    params = sampled(op)
    first, last = (painted(op, params, t, flat())[0] for t in (0, 23))
    np.testing.assert_array_equal(first, last)
    assert np.abs(first - 0.5).max() > 0.02
    assert np.abs(np.diff(first, axis=1)).max() < 0.1


def test_gate_dirt_sticks_to_the_border_and_trembles() -> None:
    op = GateDirt(per_frame=40, tremble=0.004, lifetime=400)
    params = sampled(op, frames=60)
    _, mask = painted(op, params, 3, flat())
    inner = mask[HEIGHT // 6 : -HEIGHT // 6, HEIGHT // 6 : -HEIGHT // 6]
    assert mask.sum() > 20 > 10 * inner.sum()
    steady = np.concatenate([np.array(track) - np.mean(track) for track in params.x_px if len(track) == 60])
    assert steady.std() == pytest.approx(0.004 * HEIGHT, rel=0.1)


# ---- scratches ----


def groove(depth: float, width_px: float = 6) -> Any:
    """One line in the middle, in full contact."""
    params = sampled(EmulsionScratch(per_frame=1, lifetime=3))
    return type(params)(
        first=(0,), x_px=((80.3, 80.3),), level=((1, 1),), width_px=(width_px,), lift=(-9,), key=(1,), depth=(depth,)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stock", "depth", "cut"),
    [
        ("print", 0.9, "g"),
        ("print", 1.9, "rg"),
        ("print", 9, "rgb"),
        ("reversal", 0.9, "b"),
        ("reversal", 1.9, "gb"),
        ("negative", 0.9, "b"),
        ("negative", 9, "rgb"),
    ],
)
def test_a_scratch_takes_the_dye_layers_away_from_the_top(stock: Any, depth: float, cut: str) -> None:
    """Green, yellow, white on a print; blue, cyan, white on reversal film; yellow to black from a negative."""
    frame, _ = painted(EmulsionScratch(stock=stock), groove(depth, 30), 0, flat(0.3))
    middle = frame[60, 79:82].mean(0)
    for channel, value in zip("rgb", middle, strict=True):
        if channel not in cut:
            assert value == pytest.approx(0.3, abs=0.02 if depth < 1 else 0.2)
        else:
            assert value < 0.25 if stock == "negative" else value > 0.6


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("width_px", [0.4, 1.5, 7.0])
@pytest.mark.parametrize("depth", [0.5, 1.7, 6.0])
def test_a_groove_is_a_v_averaged_over_each_pixel(depth: float, width_px: float, channels: int) -> None:
    over = 200
    d = np.abs((np.arange(WIDTH * over) + 0.5) / over - 80.3) / (width_px / 2)
    layers = np.clip(depth * np.maximum(1 - d, 0) - np.arange(3)[:, None], 0, 1).reshape(3, WIDTH, over).mean(2)
    alpha = np.stack([layers[1], layers[0], layers[2]], 1) if channels == 3 else layers.mean(0)[:, None]
    frame, mask = painted(EmulsionScratch(), groove(depth, width_px), 0, flat(0.2, channels))
    np.testing.assert_allclose(frame[50], 0.2 + 0.8 * alpha, atol=0.005)
    np.testing.assert_allclose(mask[50], alpha.max(1), atol=0.005)


@pytest.mark.parametrize("width_px", [0.3, 1.0, 4.0])
def test_short_scratches_keep_their_weight_however_thin(width_px: float) -> None:
    """Width times length times the mean of their taper, straight or bent, wherever they point."""
    params = sampled(ShortScratch(per_frame=5))
    u = (np.arange(2000) + 0.5) / 1000 - 1
    taper = np.sqrt(1 - u**2) * np.minimum(5 * (1 - u**2), 1)
    for degrees, bend in ((0, 0), (25, 0), (80, 0.05)):
        one = type(params)(
            first=(3,), x_px=(80.2,), y_px=(60.4,), degrees=(degrees,), length_px=(60,), width_px=(width_px,),
            bend=(bend,), chatter=(0,), phase=(0,), tone=(1,), opacity=(1,),
        )  # fmt: skip
        _, mask = painted(ShortScratch(), one, 3, flat())
        assert mask.sum() == pytest.approx(60 * width_px * taper.mean(), rel=0.1)
        rows, columns = np.nonzero(mask > 0.3 * mask.max())
        assert np.hypot(np.ptp(rows), np.ptp(columns)) == pytest.approx(60, rel=0.15)
        assert not painted(ShortScratch(), one, 4, flat())[1].any()


def test_cinch_marks_come_in_bundles_of_one_direction_and_tone() -> None:
    op = ShortScratch(per_frame=4, bursts=0, cinched=1, slant=30, light=0.5)
    params = sampled(op, frames=300)
    first, degrees, tone = (np.array(value) for value in (params.first, params.degrees, params.tone))
    assert len(first) / 300 == pytest.approx(4, rel=0.25)
    assert list(first) == sorted(first)
    assert degrees.std() == pytest.approx(30, rel=0.25)
    single = [t for t in np.unique(first) if (first == t).sum() in range(8, 21) and np.ptp(degrees[first == t]) < 30]
    assert len(single) > 20
    assert np.median([degrees[first == t].std() for t in single]) == pytest.approx(0.15 * 30, rel=0.25)
    assert all(np.ptp(tone[first == t]) == 0 for t in single)
    loose = sampled(ShortScratch(per_frame=4, cinched=0), frames=300)
    assert np.bincount(loose.first).max() < np.bincount(params.first).max()


# ---- what covers part of the frame ----


@pytest.mark.parametrize("kind", ["cracked", "reticulated"])
@pytest.mark.parametrize("light", [0, 1])
def test_crackle_covers_about_as_much_as_asked(kind: Any, light: float) -> None:
    shares = []
    for covered in (0.1, 0.5, 0.95):
        op = Crackle(kind=kind, covered=covered, light=light, unsteady=0, opacity=0.9, size=0.2)
        cracked = []
        for seed in range(6):
            params = sampled(op, seed=seed, channels=1)
            frame, mask = painted(op, params, 2, flat(channels=1))
            change = frame[..., 0] - 0.5
            assert (change >= 0).all() if light else (change <= 0).all()
            patches = fractal_along(params.key, 2, (HEIGHT, WIDTH), 2, 4, 0.6)
            assert not mask[patches < params.below[2] - 0.3].any()
            cracked.append((ease(patches, params.below[2] - 0.3, params.below[2] + 0.5) > 0.5).mean())
        shares.append(np.mean(cracked))
    np.testing.assert_allclose(shares, (0.1, 0.5, 0.95), atol=0.17)
    assert shares == sorted(shares)


def test_decomposition_spreads_from_its_side_and_breathes_with_the_roll() -> None:
    op = Decomposition(reach=0.1, spread=0.01, breath=0, rough=0.1, light=1)
    params = next(p for p in (sampled(op, frames=60, seed=s) for s in range(20)) if p.side == "left")
    masks = np.stack([painted(op, params, t, flat())[1] for t in range(0, 60, 6)])
    area = (masks > 0).mean((1, 2))
    assert area[-3:].mean() > 2 * area[:3].mean() > 0
    across = masks.mean((0, 1))
    assert across[:20].mean() > 3 * across[-20:].mean()

    level = np.array(sampled(Decomposition(spread=0, breath=0.1, turn=20), frames=400).level)
    power = abs(np.fft.rfft(level - level.mean())) ** 2
    assert np.argmax(power) == 400 / 20


@pytest.mark.parametrize("light", [0, 1])
def test_what_decomposition_has_eaten_is_gone(light: float) -> None:
    op = Decomposition(reach=3, light=light)
    frame, mask = painted(op, sampled(op), 0, flat())
    assert (frame == light).all(2).mean() > 0.5
    assert (mask == 1).mean() > 0.5


def test_a_burn_keeps_its_place_and_grows_until_the_film_moves_on() -> None:
    op = Burn(lifetime=12, radius=0.4, away=0)
    params = next(p for p in (sampled(op, frames=30, seed=s) for s in range(40)) if len(p.radius) == 12 and p.first)
    assert params.radius[-1] == pytest.approx(0.4)
    holes = []
    for t in range(30):
        frame, mask = painted(op, params, t, flat())
        assert mask.any() <= (params.first <= t < params.first + 12)
        holes.append((frame[..., 0] == 1) & (mask == 1))
    burning = holes[params.first : params.first + 12]
    for before, after in itertools.pairwise(burning):
        assert not (before & ~after).any()
    assert burning[-1].sum() == pytest.approx(np.pi * (0.4 * HEIGHT) ** 2, rel=0.35)
    assert burning[-1][HEIGHT // 2, WIDTH // 2]
    frame, _ = painted(op, params, params.first + 6, flat())
    scorched = frame[(frame < 0.45).all(2)]
    assert (scorched[:, 0] >= scorched[:, 2]).all()  # brown


def test_a_splice_shows_on_the_frames_beside_the_cut_alone() -> None:
    cement = Splice(count=1, taped=0, overlap=0.08, slant=0)
    for seed in range(8):
        params = sampled(cement, seed=seed)
        masks = np.stack([painted(cement, params, t, flat())[1] for t in range(24)])
        cut, shown = params.frame[0], np.flatnonzero(masks.any((1, 2)))
        assert set(shown) <= {cut - 1, cut}
        rows = np.flatnonzero(masks.any((0, 2)))
        assert min(rows.min(), HEIGHT - 1 - rows.max()) == 0
        assert not masks[:, HEIGHT // 4 : -HEIGHT // 4].any()


def test_tape_is_a_lighter_band_that_ends_where_it_should() -> None:
    op = Splice(count=1, taped=1, tape=0.5, slant=0, opacity=0.2, dirt=0)
    params = next(p for p in (sampled(op, seed=s) for s in range(20)) if 1 < p.frame[0] < 23)
    cut = params.frame[0]
    (before, above), (after, below) = (painted(op, params, t, flat(0.4)) for t in (cut - 1, cut))
    edges = round(HEIGHT * (1 - params.above[0])), round(HEIGHT * params.below[0])
    assert not above[: edges[0] - 4].any()
    assert not below[edges[1] + 4 :].any()
    for band in (before[edges[0] + 2 : -8], after[8 : edges[1] - 2]):
        lighter = band.mean((0, 1)) - 0.4
        assert lighter[0] == pytest.approx(0.2 * 0.6, rel=0.35)
        assert lighter[0] > lighter[2] > 0  # yellowish
    assert len({tuple(sampled(op, seed=s).frame) for s in range(8)}) > 3
    assert len(sampled(Splice(count=5)).frame) == 5


def test_cue_marks_last_four_frames_and_come_in_pairs_176_frames_apart() -> None:
    op, starts = CueMark(), []
    for seed in range(60):
        params = sampled(op, frames=400, seed=seed)
        starts.append(params.first)
        shown = [t for t in range(400) if painted(op, params, t, flat())[1].any()] if seed < 4 else None
        if shown is not None:
            assert shown == sorted({t for first in params.first for t in range(max(first, 0), min(first + 4, 400))})
    assert {len(first) for first in starts} == {1, 2}
    assert {first[1] - first[0] for first in starts if len(first) == 2} == {176}


@pytest.mark.parametrize("style", ["punched", "scribed"])
@pytest.mark.parametrize("light", [0, 1])
def test_a_cue_mark_is_a_circle_at_the_upper_right(style: Any, light: float) -> None:
    op = CueMark(style=style, light=light, diameter=0.2, right=0.1, top=0.15, opacity=1)
    params = sampled(op)
    frame, mask = painted(op, params, max(params.first[0], 0), flat())
    ys, xs = np.nonzero(mask > 0.05)
    assert (xs.min() + xs.max()) / 2 == pytest.approx(0.9 * WIDTH, abs=4)
    assert (ys.min() + ys.max()) / 2 == pytest.approx(0.15 * HEIGHT, abs=4)
    middle = frame[round(params.y_px) - 2 : round(params.y_px) + 3, round(params.x_px) - 2 : round(params.x_px) + 3]
    assert (middle == (light if style == "punched" else 0.5)).all()
    covered = (frame[..., 0] == light).sum()
    if style == "punched":
        assert covered == pytest.approx(np.pi * params.radius_px**2, rel=0.2)
    assert np.ptp(ys) == pytest.approx(2 * params.radius_px, rel=0.45)
    assert np.ptp(xs) == pytest.approx(2 * params.radius_px, rel=0.45)


@pytest.mark.parametrize("light", [0, 1])
def test_a_leak_adds_an_exposure_warmest_at_its_side(light: float) -> None:
    op = LightLeak(fog=1, flare=1, light=light, warmth=0.8, reach=0.2)
    params = next(p for p in (sampled(op, seed=s) for s in range(10)) if p.side == "left")
    level = 0.0 if light else 1.0
    added = abs(painted(op, params, 4, flat(level))[0] - level)
    picture = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32)
    frame, mask = painted(op, params, 4, picture)
    expected = 1 - (1 - picture) * (1 - added) if light else picture * (1 - added)
    np.testing.assert_allclose(frame, expected, atol=1e-5)
    np.testing.assert_allclose(mask, added.max(2), atol=1e-5)
    red, green, blue = added.mean((0, 1))
    assert red > green > blue
    assert (np.diff(added[..., 0].mean(0)) <= 1e-6).all()
    side = -np.log1p(-added[:, :10].astype(float)).mean((0, 1))
    np.testing.assert_allclose(side / side[0], tint(3, 1, 1 - 0.6 * 0.8, 1 - 0.92 * 0.8), rtol=0.01)


def test_fog_through_perforations_has_one_peak_for_each() -> None:
    op = LightLeak(fog=1, flare=0, perforations=4, reach=0.1)
    params = sampled(op, channels=1)
    frame, _ = painted(op, params, 2, flat(0, 1))
    side = frame[:, :3] if params.side == "left" else frame[:, -3:]
    power = abs(np.fft.rfft(side.mean((1, 2))))
    assert np.argmax(power[1:]) + 1 == 4


def test_a_leak_drifts_slowly() -> None:
    params = sampled(LightLeak(correlation=20), frames=4000)
    for track in (params.y, np.log(params.fog)):
        track = np.array(track) - np.mean(track)
        measured = [np.mean(track[lag:] * track[:-lag]) / track.var() for lag in (1, 20)]
        np.testing.assert_allclose(measured, np.exp([-1 / 20, -1]), atol=0.1)
