"""Dust, hair, dirt and scratches: what is counted, how long it stays, and each against a plain float64 oracle."""

import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from degrade.core.rng import Stream, at
from degrade.core.types import Array, ClipInfo
from degrade.ops import Blotch, Dirt, Dust, EmulsionScratch, GateDirt, Hair, LensDirt, Mould, Scratch, ShortScratch
from degrade.ops._compositing import Sprite, cover, lay_sprites, textures_on
from degrade.presets import load
from degrade.textures import draw

HEIGHT, WIDTH = 120, 160


def sampled(op: Any, frames: int = 400, height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> Any:
    return op.sample(ClipInfo(frames=frames, height=height, width=width), Stream(seed, "clip"))


def painted(op: Any, params: Any, t: int, ground: Array) -> tuple[Array, Array]:
    frame, mask = ground.copy(), np.zeros((*ground.shape[:2], 1), np.float32)
    op.paint(frame, mask, params, t)
    return frame, mask[..., 0]


def ground(channels: int = 1, level: float | None = None) -> Array:
    if level is not None:
        return np.full((HEIGHT, WIDTH, channels), level, np.float32)
    return np.random.default_rng(0).random((HEIGHT, WIDTH, channels), np.float32)


# ---- the oracle: one pixel after the other, in float64 ----


def oracle(frame: Array, layers: list[tuple[Array, Array | float]]) -> tuple[Array, Array]:
    """I <- I (1 - a) + tone a for each layer's (H, W) alpha and tone, and the alpha of them all."""
    picture, clear = frame.astype(float), np.ones(frame.shape[:2])
    for alpha, tone in layers:
        picture = picture * (1 - alpha[..., None]) + (np.ones(frame.shape[:2]) * tone * alpha)[..., None]
        clear = clear * (1 - alpha)
    return picture, 1 - clear


def sprite(
    name: str, seed: int, x: float, y: float, size: float, degrees: float, elongation: float = 1, stretch: float = 1
) -> Array:
    """The texture, drawn with the next power of two pixels, made narrower, turned about its centre, stretched, linearly
    interpolated."""
    drawn, angle, high = max(size, 1.0), np.radians(degrees), np.sqrt(stretch)
    side = int(np.clip(2 ** np.ceil(np.log2(max(drawn / elongation / max(high, 1 / high), 1))), 2, 256))
    texture = draw(name, seed, max(side, 64), max(side, 64)).astype(float)
    step = len(texture) // side
    texture = texture.reshape(side, step, side, step).mean((1, 3))
    dy, dx = np.mgrid[:HEIGHT, :WIDTH] + 0.5 - np.array([y, x])[:, None, None]
    dx, dy = dx * high, dy / high
    u = (np.cos(angle) * dx - np.sin(angle) * dy) * side / drawn + (side - 1) / 2
    v = elongation * (np.sin(angle) * dx + np.cos(angle) * dy) * side / drawn + (side - 1) / 2
    padded = np.pad(texture, 1)
    return ndimage.map_coordinates(padded, [v + 1, u + 1], order=1, mode="constant") * min(size, 1.0) ** 2


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("op", "texture"),
    [
        (Dust(per_frame=6, size=(0.02, 0.15)), "dust"),
        (Dust(per_frame=20, size=0.012), "dust"),
        (Dust(per_frame=6, size=(0.02, 0.15), elongation=(1, 4), stretch=(0.5, 3)), "dust"),
        (Hair(per_frame=3, size=(0.1, 0.5)), "fibre"),
        (Hair(per_frame=2, lifetime=(5, 20), place="edge", size=(0.1, 0.5)), "fibre"),
        (Dirt(per_frame=3, size=(0.1, 0.5)), "stain"),
        (Blotch(per_frame=3, size=(0.1, 0.5), flake=0), "blotch"),
        (Mould(per_frame=3, size=(0.2, 0.6)), "mycelium"),
        (LensDirt(per_frame=3, size=(0.1, 0.5)), "mote"),
    ],
    ids=["dust", "tiny dust", "long dust", "hair", "hair in the gate", "dirt", "blotch", "mould", "lens dirt"],
)
def test_sprites_agree_with_the_oracle(op: Any, texture: str, channels: int) -> None:
    """Within 0.02, since OpenCV may place its samples at 32nds of a pixel."""
    params = sampled(op, frames=12)
    before = ground(channels)
    for t in (0, 5, 11):
        layers = []
        for i, first in enumerate(params.first):
            age, place = t - first, [params.x_px[i], params.y_px[i], params.degrees[i]]
            life = getattr(params, "lifetime", None)
            shown = len(params.x_px[i]) if texture == "fibre" else life[i] if life else 1
            if 0 <= age < shown:
                x, y, degrees = (track[age] for track in place) if texture == "fibre" else place
                narrow, stretch = getattr(params, "elongation", None), getattr(params, "stretch", None)
                form = (narrow[i] if narrow else 1, stretch or 1)
                alpha = sprite(texture, params.shape[i], x, y, params.size_px[i], degrees, *form)
                layers.append((alpha * params.opacity[i], params.tone[i]))
        assert layers
        expected, expected_mask = oracle(before, layers)
        frame, mask = painted(op, params, t, before)
        np.testing.assert_allclose(frame, expected, atol=0.02)
        np.testing.assert_allclose(mask, expected_mask, atol=0.02)


@pytest.mark.parametrize(
    ("name", "size"), [("dust", 1.7), ("dust", 5), ("dust", 14), ("dust", 40), ("fibre", 14), ("fibre", 40)]
)
def test_small_sprites_are_what_a_large_drawing_shows_from_afar(name: str, size: float) -> None:
    """Laid by area: as much covered within 10%, the middle within 0.15 of a pixel or 1% of the size."""
    for seed in range(6):
        degrees = 37 * seed
        sprite = Sprite(name, seed, 60.3, 50.7, size, degrees)
        [(_, (rows, columns), alpha)] = textures_on([sprite], (HEIGHT, WIDTH))
        here = np.zeros((HEIGHT, WIDTH))
        here[rows, columns] = alpha
        large = draw(name, seed, 256, 256).astype(float)
        assert here.sum() == pytest.approx(large.sum() * (size / 256) ** 2, rel=0.1)
        v, u = (np.array(ndimage.center_of_mass(large)) - 127.5) * size / 256
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        middle = 50.7 - 0.5 - sin * u + cos * v, 60.3 - 0.5 + cos * u + sin * v
        np.testing.assert_allclose(ndimage.center_of_mass(here), middle, atol=max(0.15, 0.01 * size))


@pytest.mark.parametrize("channels", [1, 3])
def test_sprites_laid_together_are_those_laid_one_by_one(channels: int) -> None:
    """Where they overlap too, large ones in between, and beyond the border."""
    draws = np.random.default_rng(channels)
    ground = draws.random((HEIGHT, WIDTH, channels), np.float32)
    sprites = [
        Sprite("dust", i, x, y, size, 37 * i, opacity, tone)
        for i, (x, y, size, opacity, tone) in enumerate(
            draws.uniform((-5, -5, 0.3, 0, 0), (60, 60, 20, 1, 1), (150, 5)).tolist()
        )
    ]
    sprites[70] = sprites[70]._replace(size=90.0)
    frame, mask = ground.copy(), np.zeros((HEIGHT, WIDTH, 1), np.float32)
    expected, covered = ground.copy(), mask.copy()
    lay_sprites(frame, mask, sprites)
    for sprite, where, alpha in textures_on(sprites, (HEIGHT, WIDTH)):
        cover(expected, covered, where, sprite.opacity * alpha, sprite.tone)
    np.testing.assert_array_equal(frame, expected)
    np.testing.assert_array_equal(mask, covered)
    assert (mask[:60, :60] > 0.7).mean() > 0.5


def plain_contact(key: int, t: int, rows: Array) -> Array:
    """Coarse plus half of fine noise, straight lines between its knots, the next frame's first knot at the foot."""
    here, after = (at(key, frame).standard_normal(35) for frame in (t, t + 1))
    coarse, fine = np.append(here[:5], after[0]), np.append(here[5:], after[5])
    return np.interp(rows * 5, np.arange(6), coarse) + 0.5 * np.interp(rows * 30, np.arange(31), fine)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "op",
    [
        Scratch(per_frame=5),
        Scratch(per_frame=8, width=0.03, lobes=(0.2, 0.8), drift=0.02),
        Scratch(per_frame=8, lobes=0),
    ],
    ids=["default", "wide, fringed and slanting", "no fringe"],
)
def test_scratches_agree_with_the_oracle(op: Scratch, channels: int) -> None:
    """The profile, drawn 100 times finer than the pixels and averaged, within 0.003."""
    params = sampled(op, frames=12)
    before, over = ground(channels), 100
    across = (np.arange(WIDTH * over) + 0.5) / over
    for t in (0, 7):
        layers = []
        for i, first in enumerate(params.first):
            age = t - first
            if not 0 <= age < len(params.x_px[i]) - 1:
                continue
            line = np.zeros((HEIGHT, WIDTH))
            rows = (np.arange(HEIGHT) + 0.5) / HEIGHT
            contact = np.clip(0.7 * (plain_contact(params.key[i], t, rows) - params.lift[i]), 0, 1)
            for row in np.flatnonzero(contact):
                middle, level = (
                    track[i][age] * (1 - rows[row]) + track[i][age + 1] * rows[row]
                    for track in (params.x_px, params.level)
                )
                d = np.abs(across - middle) / (params.width_px[i] / 2)
                profile = np.where(d <= 1, 1, params.lobes[i] * (d <= 3)) * np.cos(np.pi / 2 * d)
                line[row] = profile.reshape(WIDTH, over).mean(1) * level * contact[row] * params.opacity[i]
            tone = np.where(line > 0, params.tone[i], 1 - params.tone[i])
            layers.append((np.abs(line), tone))
        assert layers
        expected, expected_mask = oracle(before, layers)
        frame, mask = painted(op, params, t, before)
        np.testing.assert_allclose(frame, expected, atol=0.003)
        np.testing.assert_allclose(mask, expected_mask, atol=0.003)


# ---- what is drawn ----


@pytest.mark.parametrize("per_frame", [3.0, 30.0])
def test_dust_comes_in_the_number_asked_for(per_frame: float) -> None:
    even = sampled(Dust(per_frame=per_frame, bursts=0, sprinkled=0), frames=2000)
    counts = np.bincount(even.first, minlength=2000)
    assert counts.mean() == pytest.approx(per_frame, rel=0.06)
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.15)
    assert list(even.first) == sorted(even.first)

    uneven = sampled(Dust(per_frame=per_frame, bursts=0.5, sprinkled=0.3), frames=4000)
    counts = np.bincount(uneven.first, minlength=4000)
    assert counts.mean() == pytest.approx(per_frame, rel=0.12)
    assert counts.var() / counts.mean() > 1.5


def test_sprinkled_dust_lies_closer_together() -> None:
    def nearest(op: Dust) -> float:
        params = sampled(op, frames=200)
        first, places = np.array(params.first), np.stack([params.x_px, params.y_px], 1)
        found = []
        for t in range(200):
            here = places[first == t]
            if len(here) > 1:
                apart = np.hypot(*(here[:, None] - here[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(here))
                found += apart.min(1).tolist()
        return float(np.median(found))

    assert nearest(Dust(per_frame=12, sprinkled=1)) < 0.4 * nearest(Dust(per_frame=12, sprinkled=0))


@pytest.mark.parametrize("op", [Dust(per_frame=20, size=0.01, spread=0.5), Dirt(per_frame=5, size=0.1, spread=0.5)])
def test_sizes_are_log_normal_about_the_median(op: Any) -> None:
    size = np.log(np.array(sampled(op, frames=500).size_px) / HEIGHT)
    assert np.exp(np.median(size)) == pytest.approx(op.size[0], rel=0.05)
    assert size.std() == pytest.approx(0.5, rel=0.06)
    assert abs(((size - size.mean()) ** 3).mean() / size.std() ** 3) < 0.15


@pytest.mark.parametrize(
    "op",
    [
        Hair(per_frame=2, lifetime=1),
        Hair(per_frame=2, lifetime=(5, 20), place="edge"),
        Dirt(per_frame=2, lifetime=(1, 3)),
        Scratch(per_frame=2, lifetime=(10, 60)),
        EmulsionScratch(per_frame=2, lifetime=(10, 60)),
        LensDirt(per_frame=2, lifetime=(20, 90)),
        GateDirt(per_frame=2, lifetime=(10, 60)),
    ],
    ids=["hair", "hair in the gate", "dirt", "scratch", "emulsion scratch", "lens dirt", "gate dirt"],
)
def test_frames_show_the_number_asked_for_from_the_first_on(op: Any) -> None:
    shown = np.zeros(30)
    for seed in range(150):
        params = sampled(op, frames=30, seed=seed)
        for first, last in lifetimes(params):
            shown[first : last + 1] += 1 / 150
    assert shown.mean() == pytest.approx(2, rel=0.1)
    for part in (shown[:5], shown[-5:]):
        assert part.mean() == pytest.approx(2, rel=0.2)


def lifetimes(params: Any) -> list[tuple[int, int]]:
    """First and last frame of every defect."""
    if hasattr(params, "lifetime"):
        counts = params.lifetime
    else:
        counts = [len(track) - hasattr(params, "level") for track in params.x_px]
    return [(first, first + count - 1) for first, count in zip(params.first, counts, strict=True)]


@pytest.mark.parametrize(
    ("op", "longest"),
    [
        (Hair(per_frame=0.5, lifetime=(3, 8)), 8),
        (Dirt(per_frame=0.5, lifetime=(2, 4)), 4),
        (Dust(per_frame=3), 1),
        (Blotch(per_frame=0.5, lifetime=(2, 4), flake=0), 4),
        (Mould(per_frame=0.5, lifetime=(1, 5)), 5),
        (LensDirt(per_frame=3, lifetime=(5, 30)), 30),
    ],
    ids=["hair", "dirt", "dust", "blotch", "mould", "lens dirt"],
)
def test_a_defect_shows_in_its_frames_and_in_no_other(op: Any, longest: int) -> None:
    params = sampled(op, frames=40)
    assert len(params.first) > 3
    for i, first in enumerate(params.first):
        alone = type(params)(**{name: (value[i],) for name, value in params.model_dump(exclude_none=True).items()})
        last = first if longest == 1 else lifetimes(alone)[0][1]
        frames = [t for t in range(40) if painted(op, alone, t, ground(level=0.5))[1].any()]
        assert last < 40
        assert last - first < longest
        assert set(frames) <= set(range(first, last + 1))
        inside = 0 < np.mean(alone.x_px[0]) < WIDTH and 0 < np.mean(alone.y_px[0]) < HEIGHT
        if inside and alone.size_px[0] > 2:
            assert frames == list(range(first, last + 1))


def test_a_hair_on_the_film_shows_once_and_one_in_the_gate_stays_at_the_edge_and_wriggles() -> None:
    once = sampled(Hair(per_frame=1))
    assert {len(track) for track in once.x_px} == {1}

    size = 0.2
    gate = sampled(Hair(per_frame=1, lifetime=(20, 40), place="edge", size=size, spread=0, wriggle=(2, 4)))
    x, y = np.concatenate(gate.x_px), np.concatenate(gate.y_px)
    to_edge = np.minimum.reduce([x, y, WIDTH - x, HEIGHT - y])
    assert -1e-2 <= to_edge.min() <= to_edge.max() <= 0.31 * size * HEIGHT
    turned = np.concatenate([np.array(track) - np.mean(track) for track in gate.degrees if len(track) > 10])
    assert turned.std() == pytest.approx(3, rel=0.3)
    steps = np.concatenate([np.diff(track) for track in gate.x_px])
    assert 0 < np.abs(steps).max() < 0.1 * HEIGHT


@pytest.mark.parametrize("light", [0, 1])
@pytest.mark.parametrize("kind", [Dust, Hair, Dirt, Scratch, Blotch, Mould, LensDirt, GateDirt, ShortScratch])
def test_light_defects_brighten_and_dark_ones_darken(kind: Any, light: int) -> None:
    extra = {Scratch: {"lobes": 0}, Blotch: {"flake": 0}}.get(kind, {})
    op = kind(per_frame=8, light=light, **extra)
    params = sampled(op, frames=5)
    for t in range(5):
        frame, mask = painted(op, params, t, ground(level=0.5))
        change = frame[..., 0] - 0.5
        assert mask.max() > 0.02
        assert (change >= 0).all() if light else (change <= 0).all()
        assert not change[mask == 0].any()


def test_dark_dirt_multiplies_the_picture() -> None:
    op = Dirt(per_frame=3, size=0.3, light=0)
    params, before = sampled(op, frames=3), ground(3)
    frame, mask = painted(op, params, 1, before)
    assert 0.02 < mask.max() < 1
    np.testing.assert_allclose(frame, before * (1 - mask[..., None]), atol=1e-6)


def test_specks_below_a_pixel_get_fainter_with_their_area() -> None:
    def covered(size: float) -> float:
        op = Dust(per_frame=200, bursts=0, sprinkled=0, size=size / HEIGHT, spread=0, opacity=1)
        params = sampled(op, frames=20)
        masks = [painted(op, params, t, ground(level=0.5))[1].sum() for t in range(20)]
        return float(np.sum(masks) / len(params.first))

    assert covered(0.5) / covered(1) == pytest.approx(0.25, rel=0.15)
    assert covered(2) / covered(1) == pytest.approx(4, rel=0.15)


# ---- lines ----


def test_a_scratch_moves_smoothly_and_is_one_line_from_frame_to_frame() -> None:
    op = Scratch(per_frame=3, lifetime=100, wander=0.003, drift=0.0003, broken=0, light=0, lobes=0, width=0.02)
    params = sampled(op, frames=60)
    assert max(len(track) for track in params.x_px) > 40
    for track in params.x_px:
        steps = np.diff(track) / HEIGHT
        assert np.abs(steps).max(initial=0) < 0.0003 + 5 * 0.003 * np.sqrt(2 * (1 - np.exp(-0.1)))
    i = next(i for i, track in enumerate(params.x_px) if len(track) > 30 and 20 < track[0] < WIDTH - 20)
    alone = type(params)(**{name: (value[i],) for name, value in params.model_dump(exclude_none=True).items()})
    masks = [painted(op, alone, alone.first[0] + age, ground(level=0.5))[1] for age in range(2, 28)]
    columns = np.arange(WIDTH) + 0.5
    for above, below in itertools.pairwise(masks):
        foot, head = (row @ columns / row.sum() for row in (above[-1], below[0]))
        assert foot == pytest.approx(head, abs=0.1)
        assert above[-1].sum() == pytest.approx(below[0].sum(), rel=0.1)


def test_a_scratch_fades_in_and_out() -> None:
    params = sampled(Scratch(per_frame=1, lifetime=20, fade=5), frames=400)
    whole = [level for first, level in zip(params.first, params.level, strict=True) if len(level) == 21]
    mean = np.mean(whole, 0)
    assert mean[0] < 0.15
    assert mean[-1] < 0.15
    assert mean[8:12].min() > 0.85
    assert (np.diff(mean[:5]) > 0).all()


def test_a_scratch_lifts_off_about_as_often_as_asked_and_streams_with_the_film() -> None:
    rows = (np.arange(HEIGHT) + 0.5) / HEIGHT
    for share in (0.1, 0.5, 0.9):
        params = sampled(Scratch(per_frame=20, lifetime=10, broken=share), frames=20)
        touching = [
            plain_contact(key, t, rows) > lift
            for key, lift in zip(params.key, params.lift, strict=True)
            for t in range(3)
        ]
        assert 1 - np.mean(touching) == pytest.approx(share, abs=0.08)
    for key in params.key[:20]:
        above, below = (plain_contact(key, t, rows) for t in (4, 5))
        assert abs(above[-1] - below[0]) < 0.6
        assert above.std() > 0.2


def test_a_scratch_keeps_its_weight_however_thin_and_wherever_it_lies() -> None:
    """Thinner than a pixel it is fainter, not lost: its cover is 4/pi of half its width times its length."""
    for width_px in (0.3, 1.0, 5.0):
        params = sampled(Scratch(per_frame=1, lifetime=3, broken=0, lobes=0), frames=3)
        alone = type(params)(
            first=(0,), x_px=((60.3, 60.9),), level=((1, 1),), width_px=(width_px,), tone=(0,), opacity=(1,),
            lobes=(0,), lift=(-9,), key=(1,),
        )  # fmt: skip
        _, mask = painted(Scratch(), alone, 0, ground(level=0.5))
        np.testing.assert_allclose(mask.sum(1), 2 / np.pi * width_px, rtol=1e-4)


# ---- presets ----


def test_film_presets_get_worse_in_order_and_keep_what_the_machine_does_still() -> None:
    covered, lost = [], []
    clip = np.repeat(ndimage.gaussian_filter(ground(1), (2, 2, 0))[None], 4, 0)
    clip = (clip - clip.min()) / np.ptp(clip)
    for name in ("film-light", "film-medium", "film-heavy"):
        pipeline = load(name)
        damaged = [pipeline(clip, seed=seed, clip_id="clip") for seed in range(12)]
        covered.append(np.mean([d.mask.mean() for d in damaged]))
        lost.append(np.mean([np.abs(d.frames - clip).mean() for d in damaged]))
        order = [label for label, _ in pipeline.labelled()]
        assert order.index("dust") < order.index("weave") < order.index("scratch")
    assert covered[0] < 0.5 * covered[1] < 0.25 * covered[2]
    assert lost[0] < 0.75 * lost[1] < 0.5 * lost[2]


def test_kernels_are_compiled_where_nothing_can_be_kept() -> None:
    """In each process anew: the package's folder and the user's cache are not writable."""
    code = """
import numba, numpy as np
keep = numba.njit
def njit(*given, cache=False, **options):
    if cache:
        raise RuntimeError("cannot cache function: no locator available")
    return keep(*given, **options)
numba.njit = njit
from degrade.ops import Dust
print(int(Dust(per_frame=20)(np.full((40, 60), 128, np.uint8), seed=1).mask.any()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "1", done.stderr
