"""Photographic ops: beside plain implementations in float64, their statistics, and what they do to a picture."""

from typing import Any

import numpy as np
import oracles_photographic as oracle
import pytest
from pictures import params_of, pictures
from scipy import ndimage
from skimage import data

from degrade.core.errors import SpecError
from degrade.core.op import Op
from degrade.core.types import Array
from degrade.ops import (
    Banding,
    BaseFog,
    BitDepth,
    BlackAndWhite,
    Breathing,
    ChromaBleed,
    ChromaShift,
    Dropout,
    Fading,
    Grain,
    Halation,
    HeadSwitching,
    LensSoftness,
    LineJitter,
    MottledGrain,
    PeriodicFlicker,
    Ringing,
    SpatialFlicker,
    TapeNoise,
    Tinting,
    ToneCurve,
    Toning,
    Vignette,
    registry,
)
from degrade.ops._channels import for_channels, scaled
from degrade.ops._light import power
from degrade.ops.grain import BASE, FRAME_MM
from degrade.ops.mottled_grain import FREQUENCIES, LEVELS


def drawn(op: Op, clips: int = 500, frames: int = 3) -> list[Any]:
    return [params_of(op, frames, clip=str(i)) for i in range(clips)]


def flat(level: float | tuple[float, ...], frames: int = 1, side: int = 256, channels: int = 1) -> Array:
    return np.broadcast_to(np.float32(level), (frames, side, side, channels)).copy()


TOLERANCE = {
    "lens_softness": 2e-3,  # wide blurs by a pyramid
    "halation": 4e-3,  # blurred at a reduced size
    "chroma_shift": 0.04,  # OpenCV looks up positions in 1/32 px, of steps up to 1
    "chroma_bleed": 2e-3,  # tails cut off at five lengths
}
"""Where it is not 1e-5."""

TIES = {"banding": 1e-3, "bit_depth": 1e-3}
"""Share of values that may fall to the other side of a rounding."""


@pytest.mark.parametrize("picture", pictures())
@pytest.mark.parametrize("name", oracle.ORACLES)
def test_op_agrees_with_its_oracle(name: str, picture: Array) -> None:
    op = registry.get(name)()
    for clip, height in enumerate((len(picture), 480, 1080)):  # sizes grow with the height that is drawn for
        params = params_of(op, height=height, width=height, clip=str(clip), channels=picture.shape[-1])
        out = op.render(picture[None], params, 0).frames[0]
        apart = abs(out - oracle.ORACLES[name](picture, params)) > TOLERANCE.get(name, 1e-5)
        assert apart.mean() <= TIES.get(name, 0)


@pytest.mark.parametrize(
    "op",
    [
        Grain(granularity=0), SpatialFlicker(std=0), PeriodicFlicker(amplitude=0), ToneCurve(contrast=1, middle=0.5),
        BaseFog(density=0, films=("negative",)), BaseFog(density=0, films=("print",)), Tinting(strength=0),
        Fading(density=0, cyan=0, magenta=0, yellow=0), Toning(strength=0), Halation(strength=0), Vignette(falloff=0),
        LensSoftness(sigma=0), Breathing(sigma=0), ChromaShift(right=0, down=0), ChromaBleed(sigma=0, smear=0),
        Ringing(resolution=400, peaking=0), LineJitter(jitter=0, wave=0, bend=0), HeadSwitching(band=0),
        Dropout(per_frame=0), TapeNoise(luma=0, chroma=0), BitDepth(bits=16, dither=0), Banding(flat=0),
    ],
    ids=lambda op: type(op).__name__,
)  # fmt: skip
def test_no_strength_leaves_the_picture(op: Op) -> None:
    clip = np.stack([data.astronaut()[:100, 150:270] / np.float32(255)] * 2).astype(np.float32)
    out = op(clip, seed=0)
    np.testing.assert_allclose(out.frames, clip, atol=1e-5)
    assert not out.mask.any()


@pytest.mark.parametrize("op", [BlackAndWhite(), Tinting(), Toning(), ChromaShift(), ChromaBleed()])
def test_what_changes_colour_leaves_grey(op: Op) -> None:
    clip = data.camera()[None, :64, :64, None] / np.float32(255)
    np.testing.assert_array_equal(op(clip, seed=0).frames, clip)


# Grain


@pytest.mark.parametrize("gauge", ["8mm", "16mm", "35mm"])
def test_grain_seen_through_the_aperture_has_the_granularity_asked_for(gauge: Any) -> None:
    """Rendered at 4 µm a pixel, and averaged over 48 µm."""
    level = 10 ** (-(1 - BASE) / 2.2)  # of density 1
    height = round(FRAME_MM[gauge] / 0.004)
    op = Grain(gauge=gauge, granularity=12, size=3)
    params = params_of(op, height=height, channels=1)
    out = op.render(flat(level, side=800), params, 0).frames[0, ..., 0]
    disc = np.hypot(*np.mgrid[-6:7, -6:7]) <= 6
    density = ndimage.correlate(-2.2 * np.log10(out.astype(np.float64)), disc / disc.sum())[10:-10:4, 10:-10:4]
    assert 1000 * density.std() == pytest.approx(12, rel=0.08)


def test_grain_depends_on_exposure_as_the_root_of_density() -> None:
    op = Grain(gauge="16mm", granularity=20, size=0)
    spread = {level: op(flat(level), seed=0).frames.std() for level in (0, 0.05, 0.2, 0.4, 0.6, 0.8, 1)}
    assert spread[0] == 0
    assert max(spread, key=spread.get) == 0.6  # type: ignore[arg-type]
    for level in (0.05, 0.2, 0.4, 0.8):
        expected = level * np.sqrt((BASE - 2.2 * np.log10(level)) / (BASE - 2.2 * np.log10(0.6))) / 0.6
        assert spread[level] / spread[0.6] == pytest.approx(expected, rel=0.02)
    assert spread[1] < 0.45 * spread[0.6]


def test_grain_has_the_spectrum_of_its_clumps() -> None:
    op = Grain(gauge="8mm", granularity=20, size=12)
    params = params_of(op, frames=6, height=368, channels=1)
    out = op.render(flat(0.5, 6, 256), params, 0).frames[..., 0] - 0.5
    power = (abs(np.fft.rfft2(out)) ** 2).mean(0)
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256))
    sigma = 0.012 / FRAME_MM["8mm"] * 368
    assert params.sigma_px == pytest.approx(sigma)
    lowest = power[(frequency > 0.01) & (frequency < 0.04)].mean()
    for low, high in ((0.08, 0.1), (0.13, 0.15), (0.18, 0.2)):
        band = (frequency > low) & (frequency < high)
        expected = np.exp(-((2 * np.pi * frequency[band] * sigma) ** 2)).mean()
        assert power[band].mean() / lowest == pytest.approx(expected, rel=0.12)


def test_grain_is_new_in_every_frame_and_layer_but_silver_has_one_layer() -> None:
    clip = flat(0.5, frames=2, channels=3)
    planes = np.moveaxis(Grain(gauge="16mm")(clip, seed=0).frames, -1, 1).reshape(6, -1)
    assert abs(np.corrcoef(planes) - np.eye(6)).max() < 0.05
    silver = Grain(gauge="16mm", layers="silver")(clip, seed=0).frames
    np.testing.assert_array_equal(silver[..., 0], silver[..., 2])
    assert abs(np.corrcoef(silver[0, ..., 0].ravel(), silver[1, ..., 0].ravel())[0, 1]) < 0.05


def test_mottled_grain_has_the_strength_of_each_level_and_the_power_of_each_frequency() -> None:
    op = MottledGrain(strength=1, sigma=[2, 4, 6, 8, 10], power=[4, 1, 0.3, 0.1, 0.05])
    for level, sigma in zip(LEVELS, op.sigma, strict=True):
        out = op(flat(level, 4), seed=3).frames - level
        assert 255 * out.std() == pytest.approx(sigma, rel=0.06)
    noise = op(flat(0.425, 8, side=251), seed=1).frames[..., 0] - 0.425
    power = (abs(np.fft.rfft2(noise)) ** 2).mean(0)
    at = np.hypot(np.fft.fftfreq(251)[:, None], np.fft.rfftfreq(251))
    found = np.array([power[abs(at - one) < 0.004].mean() for one in FREQUENCIES])
    np.testing.assert_allclose(found / found[0], np.array(op.power) / op.power[0], rtol=0.15)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.05
    with pytest.raises(SpecError, match="must not all be 0"):
        MottledGrain(power=[0, 0, 0, 0, 0])


@pytest.mark.parametrize("stretch", [0.5, 1, 2])
def test_mottled_grain_is_as_long_along_the_film_as_asked_for(stretch: float) -> None:
    op = MottledGrain(strength=1, sigma=[5] * 5, stretch=stretch)
    noise = op(flat(0.425, 8, side=251), seed=1).frames[..., 0] - 0.425
    assert 255 * noise.std() == pytest.approx(5, rel=0.06)

    def correlation(pixels: int, axis: int) -> float:
        return float(np.mean(noise * np.roll(noise, pixels, axis)) / noise.var())

    along, across = (2, 1) if stretch > 1 else (1, 2) if stretch < 1 else (1, 1)  # pixels that are equally far
    assert correlation(along, 1) == pytest.approx(correlation(across, 2), abs=0.02)


# Tracks


@pytest.mark.parametrize("correlation", [0, 3, 15])
def test_tracks_have_the_size_and_the_correlation_asked_for(correlation: float) -> None:
    flicker = SpatialFlicker(std=0.1, correlation=correlation, order=1)
    breathing = Breathing(sigma=0.02, correlation=correlation)
    bend = LineJitter(bend=0.01, correlation=correlation)
    for op, track, std in ((flicker, "stops", 0.1), (breathing, "defocus_px", 2), (bend, "bend", 0.01)):
        tracks = np.array([getattr(params, track) for params in drawn(op, clips=600, frames=40)])
        tracks = tracks.reshape(-1, 40) / std
        assert abs(tracks.std() - 1) < 0.06
        for lag in (1, 3, 10):
            expected = np.exp(-lag / correlation) if correlation else 0
            assert abs((tracks[:, :-lag] * tracks[:, lag:]).mean() - expected) < 0.07


@pytest.mark.parametrize("order", [1, 2, 4])
def test_flicker_in_space_has_its_size_over_the_frame_and_none_of_it_is_global(order: int) -> None:
    op = SpatialFlicker(std=0.1, correlation=0, order=order)
    clip = flat(0.25, frames=400, side=24)
    stops = np.log2(op(clip, seed=0).frames[..., 0] / 0.25)
    assert stops.std() == pytest.approx(0.1, rel=0.08)
    assert abs(stops.mean((1, 2))).max() < 1e-5
    steps = abs(np.diff(stops, axis=1)).max()
    assert steps < 0.5 * np.pi * order / 24  # smooth


def test_periodic_flicker_has_its_period() -> None:
    op = PeriodicFlicker(amplitude=0.1, period=8, drift=0, unevenness=0)
    for params in drawn(op, clips=20, frames=160):
        power = abs(np.fft.rfft(params.stops)) ** 2
        assert power.argmax() == 160 / 8
        assert power.max() > 0.999 * power.sum()
        assert max(params.stops) == pytest.approx(0.1, rel=0.1)


def test_drift_of_the_phase_is_a_random_walk() -> None:
    tracks = np.array([params.stops for params in drawn(
        PeriodicFlicker(amplitude=1, period=8, drift=0.05, unevenness=0), clips=1500, frames=33)])  # fmt: skip
    for lag in (8, 16, 32):
        loss = np.exp(-2 * np.pi**2 * 0.05**2 * lag)
        assert abs(2 * (tracks[:, :-lag] * tracks[:, lag:]).mean() - loss) < 0.06


# Tone and colour


def test_tone_curve_has_its_slope_and_keeps_both_ends() -> None:
    op = ToneCurve(contrast=1.7, middle=0.5)
    ramp = np.linspace(0, 1, 1001, dtype=np.float32).reshape(1, 1, -1, 1)
    out = op(ramp, seed=0).frames.ravel()
    assert (out[0], out[500], out[-1]) == pytest.approx((0, 0.5, 1))
    assert (out[501] - out[499]) * 500 == pytest.approx(1.7, rel=0.01)
    assert (np.diff(out) >= 0).all()
    assert ToneCurve(contrast=1, middle=0.3)(ramp, seed=0).frames.ravel()[500] == pytest.approx(0.3)


def test_fog_lifts_the_blacks_of_a_negative_and_dims_the_whites_of_a_print() -> None:
    ends = np.array([0, 1], np.float32).reshape(1, 1, 2, 1)
    black, white = BaseFog(density=0.3, films=("negative",))(ends, seed=0).frames.ravel()
    assert (black, white) == pytest.approx((0.1, 1))
    black, white = BaseFog(density=0.3, films=("print",))(ends, seed=0).frames.ravel()
    assert (black, white) == pytest.approx((0, 10 ** (-0.3 / 2.2)))
    red, green, blue = BaseFog(density=0.3, yellow=0.3, films=("print",))(
        flat(1, channels=3, side=1), seed=0
    ).frames.ravel()
    assert red > green > blue


def test_fading_goes_towards_magenta_and_loses_the_blacks() -> None:
    ramp = np.repeat(np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 1, -1, 1), 3, axis=-1)
    for seed in range(5):
        red, green, blue = np.moveaxis(Fading()(ramp, seed=seed).frames[0, 0], -1, 0)
        assert (red[:60] > blue[:60]).all()
        assert (blue[:60] > green[:60]).all() or green[0] > 0.02  # yellow may have gone as little as magenta
        assert red[0] > 0.1
        assert (red[-1], green[-1], blue[-1]) == pytest.approx((1, 1, 1))
    grey = Fading(density=0.5)(ramp[..., :1], seed=0).frames.ravel()
    assert grey[0] == pytest.approx(((10**-1.3 - 10**-2.6) / (1 - 10**-2.6)) ** (1 / 2.2), rel=1e-3)


def test_stocks_see_colours_as_they_did() -> None:
    red, sky = (0.8, 0.1, 0.1), (0.45, 0.65, 0.95)

    def seen(colour: tuple[float, ...], stock: Any) -> float:
        out = BlackAndWhite(stocks=(stock,), yellow_filter=0)(flat(colour, side=2, channels=3), seed=0).frames
        assert (out == out[0, 0, 0, 0]).all()
        return float(out[0, 0, 0, 0])

    assert seen(red, "orthochromatic") < 0.25 < 0.4 < seen(red, "panchromatic")
    assert seen(sky, "blue") > seen(sky, "orthochromatic") > seen(sky, "panchromatic")
    assert seen((0.5, 0.5, 0.5), "panchromatic") == pytest.approx(0.5)


def test_tinting_colours_white_and_toning_the_shadows() -> None:
    ramp = np.repeat(np.linspace(0, 1, 9, dtype=np.float32).reshape(1, 1, -1, 1), 3, axis=-1)
    tinted = Tinting(dyes=("amber",), strength=1)(ramp, seed=0).frames[0, 0]
    np.testing.assert_array_equal(tinted[0], 0)
    assert tinted[-1] == pytest.approx((1, 0.78, 0.42))
    toned = Toning(tones=("iron",), strength=1)(ramp, seed=0).frames[0, 0]
    assert toned[-1] == pytest.approx((1, 1, 1))
    assert np.ptp(toned[2]) > 0.1
    assert (toned[1:-1, 2] > toned[1:-1, 0]).all()  # blue


# Light and lens


def test_halation_is_a_red_glow_around_highlights_and_grey_without_colour() -> None:
    clip = flat(0.05, channels=3, side=101)
    clip[0, 45:56, 45:56] = 1
    op = Halation(strength=0.5, radius=0.03, threshold=0.7)
    glow = (op(clip, seed=0).frames - clip)[0]
    red, green, blue = glow[40, 50]
    assert red > 1.5 * green > 3 * blue > 0
    along = glow[50, 56:, 0]
    assert (np.diff(along) <= 1e-6).all()
    assert along[0] > 5 * along[-1]
    grey = (op.model_copy(update={"colour": "grey"})(clip, seed=0).frames - clip)[0]
    np.testing.assert_allclose(grey[..., 0], grey[..., 2], atol=1e-6)
    np.testing.assert_allclose(op(clip[..., :1], seed=0).frames, grey[None, ..., :1] + clip[..., :1], atol=1e-6)
    np.testing.assert_allclose(op(np.minimum(clip, 0.6), seed=0).frames, np.minimum(clip, 0.6), atol=1e-6)


def test_vignette_loses_its_stops_half_a_diagonal_away() -> None:
    out = Vignette(falloff=1.5, offset=0)(flat(1, side=401), seed=0).frames[0, ..., 0]
    assert -2.2 * np.log2(out[0, 0]) == pytest.approx(1.5, abs=0.02)
    assert out[200, 200] == pytest.approx(1)
    assert out[0, 200] > out[0, 0]


def test_lens_softness_is_near_a_blur_that_grows_continuously() -> None:
    picture = data.camera()[::2, ::2, None] / np.float32(255)
    op = LensSoftness(sigma=0.012)
    out = op(picture[None], seed=0).frames[0, ..., 0]
    sigma = 0.012 * 256 * oracle.radius2(picture.shape)
    levels = np.linspace(0, sigma.max(), 60)
    blurs = np.stack([ndimage.gaussian_filter(picture[..., 0].astype(float), s, mode="mirror") for s in levels])
    nearest = abs(levels[:, None, None] - sigma).argmin(0)
    exact = np.take_along_axis(blurs, nearest[None], 0)[0]
    assert abs(out - exact).max() < 0.1
    assert np.sqrt(((out - exact) ** 2).mean()) < 0.008


def test_breathing_is_as_soft_as_drawn() -> None:
    op = Breathing(sigma=0.01, correlation=2)
    clip = np.stack([np.random.default_rng(0).random((128, 128, 1), dtype=np.float32)] * 12)
    params = params_of(op, frames=12, height=128)
    contrast = op.render(clip, params, 0).frames.std((1, 2, 3))
    order = np.argsort(np.abs(params.defocus_px))
    assert (np.diff(contrast[order]) <= 1e-6).all()
    assert contrast[order[0]] > 2 * contrast[order[-1]]


@pytest.mark.parametrize("exponent", [2.2, 1 / 2.2, -2 / 2.2, 0.5, 2, 1.37])
def test_powers_are_those_of_double_precision(exponent: float) -> None:
    values = np.random.default_rng(0).uniform(1e-4, 4, (37, 53, 3)).astype(np.float32)
    np.testing.assert_allclose(power(values, exponent), values.astype(float) ** exponent, rtol=3e-6)


def test_factors_and_planes_are_laid_out_as_the_picture_is() -> None:
    frame = np.random.default_rng(0).random((5, 7, 3), np.float32)
    factors = np.array([0.2, 0.5, 1.5], np.float32)
    np.testing.assert_array_equal(scaled(frame, factors), frame * factors)
    for channels in (1, 3):
        np.testing.assert_array_equal(for_channels(frame[..., 0], channels), np.stack([frame[..., 0]] * channels, 2))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("middle", [0.5, 0.2])
def test_tone_curve_keeps_what_is_next_to_black_without_a_warning(middle: float) -> None:
    clip = np.array([0, 1e-40, 1e-30, 3e-26, 0.5, 1], np.float32).reshape(1, 1, 6, 1)
    seen = ToneCurve(contrast=(1.5, 1.5), middle=(middle, middle))(clip, seed=0).frames
    np.testing.assert_allclose(seen.ravel(), [0, 0, 0, 0, middle, 1], atol=1e-6)
