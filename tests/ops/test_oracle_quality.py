"""Quality and transport ops beside plain implementations in float64, and the distributions they draw from."""

from collections import Counter
from typing import Any

import cv2
import numpy as np
import oracles_quality as oracle
import pytest
from pictures import params_of, pictures
from scipy import stats
from skimage import data

from degrade.core.errors import SpecError
from degrade.core.op import Op
from degrade.core.rng import at
from degrade.core.types import Array, ClipInfo
from degrade.ops import (
    AnisotropicBlur,
    AtScale,
    ExposureJitter,
    Flicker,
    GaussianBlur,
    Grain,
    Jpeg,
    Noise,
    ShotNoise,
    Weave,
)
from degrade.ops._blur import gaussian
from degrade.ops.tape_noise import streaks
from degrade.target import sharpen

LEVEL = 1 / 255


every_picture = pytest.mark.parametrize("picture", pictures())


def drawn(op: Op, clips: int = 2000, frames: int = 3, height: int = 100) -> list[Any]:
    return [params_of(op, frames, height, clip=str(i), channels=1) for i in range(clips)]


def differ(one: Array, other: Array) -> float:
    assert one.reshape(other.shape).shape == other.shape
    return float(abs(one.reshape(other.shape) - other).max())


@every_picture
@pytest.mark.parametrize("sigma", [0.15, 0.4, 1.3, 1.6, 2.7])
@pytest.mark.parametrize("side", [0, 7, 25])
def test_gaussian_blur(picture: Array, sigma: float, side: int) -> None:
    op = GaussianBlur(sigma=sigma, unit="px", kernel_px=side or None)
    out = op.render_frame(picture, params_of(op), 0)
    assert differ(out, oracle.gaussian_blur(picture, sigma, side)) < (2e-6 if side else 5e-5)


@every_picture
@pytest.mark.parametrize("sigma", [2.75, 3, 3.7, 5, 9, 30])
def test_a_wide_gaussian_by_the_pyramid(picture: Array, sigma: float) -> None:
    """No picture is off by half a level of 255, not even stripes one pixel wide."""
    assert differ(gaussian(picture, sigma), oracle.gaussian_blur(picture, sigma, 0)) < 0.002


@every_picture
@pytest.mark.parametrize(
    ("along", "across", "degrees", "side"),
    [
        (0.05, 0.05, 0, 7), (6, 0.3, 0, 25), (6, 0.3, 27, 25), (6, 0.3, 90, 9), (0.02, 8, 140, 25), (2, 2, 45, 0),
        (8, 8, 10, 25), (4, 1, 120, 0), (16, 2, 60, 0),
    ],
)  # fmt: skip
def test_anisotropic_blur(picture: Array, along: float, across: float, degrees: float, side: int) -> None:
    op = AnisotropicBlur()
    params = op.drawn(along_px2=(along,), across_px2=(across,), angle=(degrees,), kernel_px=side)
    out = op.render_frame(picture, params, 0)
    assert differ(out, oracle.anisotropic_blur(picture, along, across, degrees, side)) < 4e-6


def test_anisotropic_blur_of_nothing_leaves_the_picture() -> None:
    picture = data.camera()[:64, :64, None] / np.float32(255)
    op = AnisotropicBlur(variance=0, kernel_px=(7, 25))
    np.testing.assert_allclose(op.render_frame(picture, params_of(op), 0).reshape(64, 64, 1), picture, atol=1e-6)


@every_picture
@pytest.mark.parametrize("kind", ["gaussian", "speckle"])
def test_noise(picture: Array, kind: Any) -> None:
    op = Noise(sigma=20, kinds=(kind,))
    params = params_of(op, frames=3)
    out = op.render_frame(picture, params, 2)
    assert differ(out, oracle.noise(picture, 20, kind, at(params.key, 2))) < 1e-6


@every_picture
@pytest.mark.parametrize("photons", [3, 60, 2000])
def test_shot_noise(picture: Array, photons: float) -> None:
    op = ShotNoise(photons=photons)
    params = params_of(op)
    out = op.render_frame(picture, params, 0) * photons
    exact = oracle.shot_noise(picture, photons, at(params.key, 0)) * photons
    assert differ(out, exact) < 1.001  # a count
    assert (abs(out - exact) > 0.01).sum() < max(3, 0.012 * out.size)


@every_picture
@pytest.mark.parametrize("quality", [5, 40, 75, 100])
def test_jpeg(picture: Array, quality: int) -> None:
    op = Jpeg(quality=quality)
    out = op.render_frame(picture, params_of(op), 0)
    assert differ(out, oracle.jpeg(picture, quality)) < JPEG_TOLERANCE


JPEG_TOLERANCE = 2.01 * LEVEL
"""Two builds of libjpeg round differently."""


@every_picture
@pytest.mark.parametrize(("brightness", "contrast"), [(1.2, 1), (0.8, 0.9), (1, 0.95), (2.5, 1.7), (0, 1)])
def test_exposure_jitter(picture: Array, brightness: float, contrast: float) -> None:
    op = ExposureJitter(frame_p=1, brightness=brightness, contrast=contrast)
    out = op.render_frame(picture, params_of(op), 0)
    assert differ(out, oracle.exposure_jitter(picture, brightness, contrast)) < 1e-6


@every_picture
@pytest.mark.parametrize("stops", [-1.5, -0.1, 0, 0.3, 2])
def test_flicker(picture: Array, stops: float) -> None:
    op = Flicker()
    out = op.render_frame(picture, op.drawn(stops=(stops,)), 0)
    assert differ(out, oracle.flicker(picture, stops)) < 1e-6


def moved(picture: Array, right: float, down: float, degrees: float) -> Array:
    height = picture.shape[0]
    op = Weave()
    params = op.drawn(x=(right / height,), y=(down / height,), degrees=(degrees,))
    return op.render(picture[None], params, 0).frames[0]


@every_picture
@pytest.mark.parametrize(
    ("right", "down", "degrees"), [(0.5, 0, 0), (-1.25, 2.75, 0), (0, 0, 1.5), (3.3, -0.7, -4), (40, -60, 0)]
)
def test_weave(picture: Array, right: float, down: float, degrees: float) -> None:
    far = (np.array(picture.shape[:2]) * 0.9).tolist()  # OpenCV mirrors but once
    down, right = float(np.clip(down, -far[0], far[0])), float(np.clip(right, -far[1], far[1]))
    steepest = max((abs(np.diff(picture, axis=a)).max() for a in (0, 1) if picture.shape[a] > 1), default=0)
    out, exact = moved(picture, right, down, degrees), oracle.weave(picture, right, down, degrees)
    assert differ(out, exact) < WEAVE_TOLERANCE * steepest + 1e-5


WEAVE_TOLERANCE = 0.08
"""Of the steepest step between pixels: OpenCV looks up positions in 1/32 px."""


@every_picture
def test_weave_by_whole_pixels_is_a_shift_and_by_nothing_nothing(picture: Array) -> None:
    np.testing.assert_array_equal(moved(picture, 0, 0, 0), picture)
    height, width, _ = picture.shape
    if min(height, width) > 9:
        out = moved(picture, 3, -2, 0)
        np.testing.assert_allclose(out[: height - 2, 3:], picture[2:, : width - 3], atol=1e-6)
        np.testing.assert_allclose(out[: height - 2, 2], picture[2:, 0], atol=1e-6)  # mirrored


@pytest.mark.parametrize("size", [(184, 320), (97, 61), (5, 7), (1, 29), (33, 1), (1, 1)])
def test_a_mask_is_moved_as_the_picture_is(size: tuple[int, int]) -> None:
    """By little and by more than half a frame, so that borders mirror it; turned by more than 20 degrees as well."""
    draws = np.random.default_rng(size)
    for i in range(40):
        mask = np.zeros((*size, 1), np.float32)
        for _ in range(3):
            row, column = draws.integers(size)
            mask[row : row + 3, column : column + 4] = draws.random()
        far, turned = (0.4, 0.1) if i % 2 else (0.02, 10)
        params = Weave.drawn(x=(far * draws.normal(),), y=(far * draws.normal(),), degrees=(turned * draws.normal(),))
        matrix = cv2.getRotationMatrix2D(((size[1] - 1) / 2, (size[0] - 1) / 2), params.degrees[0], 1)
        matrix[:, 2] += params.x[0] * size[0], params.y[0] * size[0]
        moved = cv2.warpAffine(mask, matrix, size[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        expected = np.clip(abs(moved), 0, 1).reshape(mask.shape)
        np.testing.assert_allclose(Weave().carry(mask[None], params, 0)[0], expected, atol=1e-4)


@every_picture
@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("scale", [0.13, 0.5, 0.8, 1.37, 2])
def test_at_scale(picture: Array, kernel: Any, scale: float) -> None:
    op = AtScale(scales=(scale,), filters=(kernel,))
    height, width, _ = picture.shape
    small = ClipInfo(frames=1, height=height, width=width).scaled(scale)
    exact = oracle.resize(picture, small.height, small.width, kernel)
    exact = oracle.resize(np.float32(exact), height, width, kernel)
    assert differ(op(picture, seed=0).frames, exact) < RESIZE_TOLERANCE[kernel]


RESIZE_TOLERANCE = {"bilinear": 1e-5, "bicubic": 1e-5, "lanczos": 1e-4}


@every_picture
def test_sharpened_target(picture: Array) -> None:
    out = sharpen(np.stack([picture, picture[::-1]]))
    assert differ(out[0], oracle.sharpen(picture)) < LEVEL / 2
    np.testing.assert_allclose(out[1], oracle.sharpen(picture[::-1]), atol=LEVEL / 2)
    assert (out.dtype, out.min() >= 0, out.max() <= 1) == (np.float32, True, True)


@pytest.mark.parametrize("size", [(480, 640), (361, 479)])
def test_sharpened_target_of_a_large_photograph(size: tuple[int, int]) -> None:
    picture = (data.astronaut()[: size[0], : size[1]] / np.float32(255)).astype(np.float32)
    assert differ(sharpen(picture[None])[0], oracle.sharpen(picture)) < LEVEL / 2


def test_sharpened_target_is_28_to_33_db_from_clean_photographs() -> None:
    for picture in (data.camera(), data.astronaut()):
        clean = picture.reshape(1, 512, 512, -1) / np.float32(255)
        psnr = -10 * np.log10(((sharpen(clean) - clean) ** 2).mean())
        assert 27 < psnr < 34


def test_sharpening_takes_clips_of_no_frames() -> None:
    assert sharpen(np.zeros((0, 4, 5, 1), np.float32)).shape == (0, 4, 5, 1)


# What is drawn


def uniform(values: Any, low: float, high: float) -> bool:
    """Whether values are even over the range (Kolmogorov–Smirnov)."""
    return stats.kstest(np.asarray(values, float), stats.uniform(low, high - low).cdf).pvalue > 1e-3


def test_blur_kernels_are_odd_and_equally_likely() -> None:
    for op in (GaussianBlur(kernel_px=(7, 25)), AnisotropicBlur(kernel_px=(7, 25))):
        sides = Counter(params.kernel_px for params in drawn(op))
        assert sorted(sides) == list(range(7, 26, 2))
        assert stats.chisquare(list(sides.values())).pvalue > 1e-3


def test_blur_is_even_over_its_range_and_strays_by_its_jitter() -> None:
    op = GaussianBlur(sigma=(0, 2.8), unit="px", jitter=0.05)
    sigma = np.array([params.sigma_px for params in drawn(op)]) / 2.8
    assert uniform(sigma.mean(1), 0, 1)
    assert 0.045 < np.ptp(sigma, axis=1).max() / 2 <= 0.05 + 1e-6
    op2 = AnisotropicBlur(variance=(0, 8), unit="px", jitter=0.05, angle_jitter=0.1)
    params = drawn(op2)
    for track, most, jitter in (("along_px2", 8, 0.05), ("across_px2", 8, 0.05), ("angle", 180, 0.1)):
        values = np.array([getattr(one, track) for one in params]) / most
        assert uniform(values.mean(1), 0, 1)
        assert 0.9 * jitter < np.ptp(values, axis=1).max() / 2 <= jitter + 1e-6
        assert values.min() >= 0
        assert values.max() <= 1
    axes = np.array([(one.along_px2[0], one.across_px2[0]) for one in params])
    assert abs(np.corrcoef(axes.T)[0, 1]) < 0.1
    narrow = drawn(AnisotropicBlur(variance=(0, 8), unit="px", jitter=0.05, across=(1, 2), angle_jitter=0.1))
    assert [one.along_px2 for one in narrow] == [one.along_px2 for one in params]
    assert uniform(np.array([one.across_px2 for one in narrow]).mean(1), 1, 2)


def test_a_blur_wider_than_its_frame_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match=r"across: must not exceed 0.01 frame heights²; for pixels say unit: px"):
        AnisotropicBlur(across=(0, 4))


def test_sizes_in_heights_grow_with_the_frame() -> None:
    for height in (100, 1080):
        assert params_of(GaussianBlur(sigma=0.002), height=height).sigma_px[0] == pytest.approx(0.002 * height)
        blur = params_of(AnisotropicBlur(variance=4e-6), height=height)
        assert blur.along_px2[0] == pytest.approx((0.002 * height) ** 2)


def test_noise_draws_sigma_per_clip_and_kind_per_frame() -> None:
    params = drawn(Noise(sigma=(5, 10), jitter=0.1, kinds=("gaussian", "speckle")))
    sigma = np.array([one.sigma for one in params])
    assert uniform(sigma.mean(1), 5, 10)
    assert (sigma.min(), sigma.max()) == (5, 10)  # clipped to the range
    assert 0.45 < np.ptp(sigma, axis=1).max() / 2 <= 0.5 + 1e-6
    kinds = Counter(kind for one in params for kind in one.kind)
    assert stats.chisquare(list(kinds.values())).pvalue > 1e-3
    mixed = sum(len(set(one.kind)) == 2 for one in params) / 2000
    assert abs(mixed - 0.75) < 0.05  # of three frames


def test_noise_is_new_in_every_frame_pixel_and_channel() -> None:
    grey = np.full((2, 256, 256, 3), 0.5, np.float32)
    out = Noise(sigma=10)(grey, seed=0).frames * 255 - 127.5
    assert out.std() == pytest.approx(10, rel=0.01)
    planes = np.moveaxis(out, -1, 1).reshape(6, -1)
    assert abs(np.corrcoef(planes) - np.eye(6)).max() < 4.5 / 256


def test_jpeg_quality_is_a_whole_number_even_over_its_range() -> None:
    params = drawn(Jpeg(quality=(40, 100)), frames=1)
    counts = Counter(one.quality[0] for one in params)
    assert set(counts) == set(range(40, 101))
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3
    strayed = np.array([one.quality for one in drawn(Jpeg(quality=(40, 100), jitter=0.25))])
    assert (strayed.min(), strayed.max()) == (40, 100)
    assert np.ptp(strayed, axis=1).max() == 30


def test_jpeg_keeps_red_red() -> None:
    red = np.zeros((16, 16, 3), np.float32)
    red[..., 0] = 1
    out = Jpeg(quality=90)(red, seed=0).frames
    assert out[..., 0].min() > 0.95
    assert out[..., 1:].max() < 0.05


def test_exposure_jitter_changes_its_share_of_frames_each_by_itself() -> None:
    params = drawn(ExposureJitter(frame_p=0.5), clips=1000, frames=8)
    brightness = np.array([one.brightness for one in params])
    contrast = np.array([one.contrast for one in params])
    changed = brightness != 1
    np.testing.assert_array_equal(changed, contrast != 1)
    assert abs(changed.mean() - 0.5) < 0.025
    assert abs(np.corrcoef(changed[:, :-1].ravel(), changed[:, 1:].ravel())[0, 1]) < 0.05
    assert uniform(brightness[changed], 0.8, 1.2)
    assert uniform(contrast[changed], 0.9, 1)


@pytest.mark.parametrize("correlation", [0, 3, 15])
@pytest.mark.parametrize(
    ("op", "track", "std"),
    [
        (Flicker(std=0.1), "stops", 0.1),
        (Weave(x=0.002, y=0.003, rotation=0.05), "x", 0.002),
        (Weave(x=0.002, y=0.003, rotation=0.05), "y", 0.003),
        (Weave(x=0.002, y=0.003, rotation=0.05), "degrees", 0.05),
    ],
)
def test_tracks_have_the_size_and_the_correlation_asked_for(op: Op, track: str, std: float, correlation: float) -> None:
    op = op.model_copy(update={"correlation": (correlation, correlation)})
    tracks = np.array([getattr(one, track) for one in drawn(op, clips=800, frames=40)]) / std
    assert abs(tracks.std() - 1) < 0.05
    for lag in (1, 3, 10):
        expected = np.exp(-lag / correlation) if correlation else 0
        assert abs((tracks[:, :-lag] * tracks[:, lag:]).mean() - expected) < 0.06


def test_weave_tracks_are_independent_of_each_other() -> None:
    params = drawn(Weave(), clips=1500, frames=1)
    tracks = np.array([(one.x[0], one.y[0], one.degrees[0]) for one in params])
    assert abs(np.corrcoef(tracks.T) - np.eye(3)).max() < 0.1


def test_the_vertical_shift_has_a_correlation_of_its_own_where_asked() -> None:
    given = {"x": 0.001, "y": 0.001, "rotation": 0.05, "correlation": 20}
    own, same = (drawn(Weave(**given, **more), clips=400, frames=40) for more in ({"correlation_y": 1}, {}))
    for track, expected in (("x", np.exp(-3 / 20)), ("y", np.exp(-3))):
        tracks = np.array([getattr(one, track) for one in own]) / 0.001
        assert abs((tracks[:, :-3] * tracks[:, 3:]).mean() - expected) < 0.08
    assert [(one.x, one.degrees) for one in own] == [(one.x, one.degrees) for one in same]


def test_weave_moves_targets_as_it_moves_the_picture() -> None:
    clip = np.stack([data.camera()[::4, ::4, None] / np.float32(255)] * 5)
    op = Weave(x=0.01, y=0.01, rotation=0.5)
    params = params_of(op, frames=5)
    np.testing.assert_array_equal(op.move(clip, params, 0), op.render(clip, params, 0).frames)
    assert differ(op.move(clip, params, 0), clip) > 0.1


@pytest.mark.parametrize(("down", "along"), [(2.0, 2.0), (0.0, 4.0), (3.5, 0.7), (6.0, 6.0)])
@pytest.mark.parametrize("size", [(40, 60), (9, 130), (1, 5)])
def test_noise_is_as_strong_at_the_borders_as_inside(size: tuple[int, int], down: float, along: float) -> None:
    white = np.random.default_rng(0).standard_normal((*size, 4000)).astype(np.float32)
    noise = np.concatenate([streaks(white[..., i : i + 4].copy(), along, down) for i in range(0, 4000, 4)], axis=-1)
    assert abs(noise.std(-1) - 1).max() < 0.07


def test_grain_is_as_strong_at_the_borders_as_inside() -> None:
    grey = np.full((400, 64, 64, 1), 0.6, np.float32)
    spread = Grain(gauge="8mm", size=20)(grey, seed=0).frames.std(0)[..., 0]
    inside = spread[16:-16, 16:-16].mean()
    assert abs(np.array([spread[0].mean(), spread[:, 0].mean(), spread[-1].mean()]) / inside - 1).max() < 0.05
    assert spread[0, 0] == pytest.approx(inside, rel=0.15)
