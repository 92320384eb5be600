"""Tape and digital ops: what they do to luma, colour, lines and levels."""

import numpy as np
import pytest
from pictures import params_of
from scipy import stats
from skimage import data

from degrade.core.color import chroma, luma
from degrade.core.types import Array
from degrade.ops import (
    Banding,
    BitDepth,
    ChromaBleed,
    ChromaShift,
    Dropout,
    HeadSwitching,
    LineJitter,
    Ringing,
    TapeNoise,
)
from degrade.ops.line_jitter import shifts

PICTURE = data.astronaut()[:240, 100:420] / np.float32(255)
SIZE = PICTURE.shape[:2]
INSIDE = (0.35 + 0.3 * PICTURE).astype(np.float32)
"""Too dull for any colour to clip."""


@pytest.mark.parametrize("op", [ChromaShift(), ChromaBleed(), TapeNoise(luma=0)])
def test_luma_stays_where_only_colour_changes(op: object) -> None:
    out = op(INSIDE, seed=0).frames  # type: ignore[operator]
    np.testing.assert_allclose(luma(out), luma(INSIDE), atol=2e-5)
    assert abs(out - INSIDE).max() > 0.02


def test_colour_moves_by_its_shift() -> None:
    op = ChromaShift(right=5 / 240, down=2 / 240, left=0, unrest=0)
    out = chroma(op(INSIDE, seed=0).frames)
    np.testing.assert_allclose(out[2:, 5:], chroma(INSIDE)[:-2, :-5], atol=1e-5)
    right = [params.x_px[0] for params in drawn(ChromaShift(left=0.3))]
    assert np.mean(np.array(right) < 0) == pytest.approx(0.3, abs=0.06)


def test_colour_runs_to_the_right_of_an_edge_and_is_no_wider_than_its_band() -> None:
    edge = np.full((64, 200, 3), 0.4, np.float32)
    edge[:, 100:] = (0.6, 0.35, 0.3)
    reddish = chroma(ChromaBleed(sigma=0.02, smear=0.1)(edge, seed=0).frames)[0, :, 0]
    share = (reddish - reddish[0]) / (reddish[-1] - reddish[0])
    assert (np.diff(share) >= -1e-6).all()
    assert share[100 - 6] < 0.01
    assert share[100 + 6] == pytest.approx(1 - np.exp(-6 / 6.4), abs=0.06)
    assert share[100 + 20] == pytest.approx(1 - np.exp(-20 / 6.4), abs=0.03)
    line = np.zeros((480, 640, 3), np.float32) + 0.4
    wave = np.sin(2 * np.pi * 15.8 * (np.arange(640) / 480))[:, None] * (1, -0.3, -0.2)
    out = chroma(ChromaBleed(sigma=0.0084, smear=0)((line + 0.1 * wave).astype(np.float32), seed=0).frames)
    kept = out[:, 100:-100].std((0, 1)) / chroma((0.4 + 0.1 * wave * np.ones((480, 1, 1))).astype(np.float32)).std(
        (0, 1)
    )
    assert kept == pytest.approx((0.707, 0.707), abs=0.02)  # 3 dB down at 0.4 MHz


@pytest.mark.parametrize(("cycles", "gain"), [(20, 1), (50, 1), (90, 1.8), (150, 0)])
def test_the_band_ends_where_it_should_and_its_upper_half_is_raised(cycles: float, gain: float) -> None:
    wave = 0.5 + 0.1 * np.sin(2 * np.pi * cycles / 480 * np.arange(640))
    clip = np.broadcast_to(wave[:, None], (480, 640, 1)).astype(np.float32)
    out = Ringing(resolution=240, peaking=0.8)(clip, seed=0).frames[0, 100:-100, 0]
    assert out.std() / clip[0, 100:-100].std() == pytest.approx(gain, abs=0.25)


def test_ringing_overshoots_beside_upright_edges_alone() -> None:
    edge = np.full((480, 320, 1), 0.3, np.float32)
    edge[:, 160:] = 0.7
    out = Ringing(resolution=240, peaking=0.6)(edge, seed=0).frames[0, :, 0]
    assert 0.72 < out.max() < 0.85
    assert 0.15 < out.min() < 0.28
    beside = out[162:190]
    assert (np.diff(np.sign(np.diff(beside))) != 0).sum() >= 4  # several echoes
    lying = np.swapaxes(edge, 0, 1)
    np.testing.assert_allclose(Ringing(resolution=240, peaking=0.6)(lying, seed=0).frames, lying, atol=1e-5)


def test_lines_stray_as_asked_for() -> None:
    op = LineJitter(jitter=0.002, wave=0, bend=0)
    own = np.concatenate([shifts(400, params, 0) for params in drawn(op, clips=40)]) / 400
    assert own.std() == pytest.approx(0.002, rel=0.05)
    assert abs(np.corrcoef(own[:-1], own[1:])[0, 1]) < 0.03
    slow = LineJitter(jitter=0, wave=0.002, length=0.05, bend=0)
    waves = np.stack([shifts(400, params, t) for params in drawn(slow, clips=200, frames=2) for t in range(2)]) / 400
    assert waves.std() == pytest.approx(0.002, rel=0.05)
    for lag in (5, 20, 60):
        found = (waves[:, :-lag] * waves[:, lag:]).mean() / 0.002**2
        assert found == pytest.approx(np.exp(-lag / 20), abs=0.08)
    assert abs(np.corrcoef(waves[::2].ravel(), waves[1::2].ravel())[0, 1]) < 0.1  # new in every frame


def test_lines_move_masks_and_targets_as_the_picture() -> None:
    clip = np.stack([INSIDE[..., :1]] * 3)
    op = LineJitter(jitter=0.01, wave=0.01, bend=0.05)
    params = params_of(op, 3, *SIZE)
    np.testing.assert_array_equal(op.move(clip, params, 0), op.render(clip, params, 0).frames)
    whole = LineJitter(jitter=0, wave=0, bend=0)
    bent = params_of(whole, 1, *SIZE).model_copy(update={"bend": (3 / 240,)})
    moved = whole.move(INSIDE[None], bent, 0)[0]
    np.testing.assert_allclose(moved[0, 3:], INSIDE[0, :-3], atol=1e-3)
    np.testing.assert_allclose(moved[120:], INSIDE[120:], atol=1e-3)


def test_heads_switch_in_a_band_at_the_bottom_that_the_mask_covers() -> None:
    clip = np.stack([INSIDE] * 5)
    out = HeadSwitching(band=0.05, unrest=0)(clip, seed=0)
    mask = out.mask[..., 0]
    assert (mask[:, -12:] == 1).all()
    assert not mask[:, :-12].any()
    changed = abs(out.frames - clip).mean((0, 2, 3))
    assert changed[-12:].min() > 0.01
    noise = HeadSwitching(band=0.5, unrest=0, shift=0, noise=0.2)(
        np.full((2, 200, 300, 1), 0.5, np.float32), seed=0
    ).frames
    assert noise[:, 101:105].std() > 5 * noise[:, -4:].std()


def test_dropouts_are_as_many_and_as_long_as_asked_for() -> None:
    op = Dropout(per_frame=5, bursts=0, length=0.2, lines=(1, 3), compensated=0.4)
    every = drawn(op, clips=400, frames=4)
    counts = [len(params.frame) / 4 for params in every]
    assert np.mean(counts) == pytest.approx(5, rel=0.04)
    lengths = np.concatenate([params.length for params in every])
    assert stats.kstest(lengths, stats.expon(scale=0.2).cdf).pvalue > 1e-3
    tones = np.concatenate([params.tone for params in every])
    assert np.mean(tones < 0) == pytest.approx(0.4, abs=0.02)
    thick = np.rint(np.concatenate([params.thickness for params in every]) * 480)
    assert set(thick) == {1, 2, 3}
    assert (thick == 1).sum() > (thick == 3).sum()


def test_a_dropout_lies_on_one_frame_and_repeats_the_line_above_or_snows() -> None:
    clip = np.stack([INSIDE] * 2)
    op = Dropout(compensated=1, lines=2)
    params = op.drawn(frame=(1,), y=(100.2 / 240,), x=(0.2,), length=(0.5,), thickness=(2 / 240,), tone=(-1.0,), key=3)
    out = op.render(clip, params, 0)
    assert not out.masks[""][0].any()
    np.testing.assert_array_equal(out.frames[0], clip[0])
    np.testing.assert_allclose(out.frames[1, 100:102, 48:168], clip[1, [99, 99], 48:168], atol=1e-6)
    assert (out.masks[""][1, 100:102, 48:168] == 1).all()
    white = op.render(clip, params.model_copy(update={"tone": (1.0,)}), 0)
    alpha = white.masks[""][1, 100:102]
    np.testing.assert_allclose(white.frames[1, 100:102], clip[1, 100:102] + alpha * (1 - clip[1, 100:102]), atol=1e-6)
    assert alpha[:, 60:100].mean() > alpha[:, 140:168].mean() > 0


def test_noise_of_a_tape_runs_along_the_lines() -> None:
    clip = np.full((4, 480, 640, 3), 0.5, np.float32)
    out = TapeNoise(luma=5, chroma=8)(clip, seed=0).frames
    bright, colour = luma(out[0]) - 0.5, chroma(out[0])
    assert bright.std() * 255 == pytest.approx(5, rel=0.05)
    assert colour.std((0, 1)) * 255 == pytest.approx((8, 8), rel=0.1)

    def correlation(plane: Array, across: int, down: int) -> float:
        one, other = plane[: 480 - down, : 640 - across], plane[down:, across:]
        return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])

    assert correlation(colour[..., 0], 4, 0) > 0.7 > 0.4 > correlation(colour[..., 0], 0, 4)
    assert abs(correlation(bright, 0, 1)) < 0.02
    assert abs(np.corrcoef(out[0].ravel(), out[1].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("bits", [1, 3, 5])
def test_bit_depth_leaves_its_levels_and_dither_the_mean(bits: int) -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 512, dtype=np.float32)[:, None], (256, 512, 1)).copy()
    plain = BitDepth(bits=bits, dither=0)(ramp, seed=0).frames
    assert np.unique(plain).size == 2**bits
    assert (plain.min(), plain.max()) == (0, 1)
    dithered = BitDepth(bits=bits, dither=1)(ramp, seed=0).frames
    assert np.unique(dithered).size == 2**bits
    step = 1 / (2**bits - 1)
    middle = slice(round(512 * step), round(512 * (1 - step))) if bits > 1 else slice(255, 257)
    error = (dithered - ramp).mean(0)[middle, 0]
    assert abs(error).max() < 0.2 * step
    assert (abs(plain - ramp).mean(0)[middle, 0]).max() > 0.2 * step


def test_banding_breaks_gradients_and_leaves_detail() -> None:
    clip = np.broadcast_to(np.linspace(0.2, 0.8, 400, dtype=np.float32)[:, None], (300, 400, 1)).copy()
    clip[150:] += 0.15 * np.random.default_rng(0).standard_normal((150, 400, 1), np.float32)
    clip = np.clip(clip, 0, 1)
    out = Banding(levels=21, flat=0.02)(clip, seed=0).frames
    levels = out[20, :, 0] * 20
    assert np.mean(abs(levels - np.rint(levels)) < 0.01) > 0.9
    assert 11 <= np.unique(np.rint(levels)).size <= 14
    assert abs(out[180:] - clip[180:]).max() < 0.01


def drawn(op: object, clips: int = 500, frames: int = 1) -> list:
    return [params_of(op, frames, *SIZE, str(i)) for i in range(clips)]
