"""Each metric against an independent implementation, to 1e-4, and cases known by hand."""

import copy
import itertools
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.signal import convolve2d
from scoring import score
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from degrade.benchmark.flow import Motion, boundary, dis, exact, occluded
from degrade.benchmark.metrics import Frame, make, registry
from degrade.core.errors import SourceError
from degrade.sources.stills import Stills

Clip = np.ndarray


def footage(channels: int, frames: int = 4, height: int = 96, width: int = 128) -> Clip:
    clip = Stills(count=1, frames=frames, height=height, width=width).read("00_coffee", 0, frames)
    clip = clip.astype(np.float32) / 255
    return clip if channels == 3 else np.ascontiguousarray(clip[..., 1:2])


def noisy(clip: Clip, sigma: float = 0.05, seed: int = 0) -> Clip:
    noise = np.random.default_rng(seed).normal(0, sigma, clip.shape)
    return np.clip(clip + noise, 0, 1).astype(np.float32)


def blurred(clip: Clip) -> Clip:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), 1.5).reshape(frame.shape) for frame in clip])


SPOILT = pytest.mark.parametrize("spoil", [noisy, blurred])
CHANNELS = pytest.mark.parametrize("channels", [1, 3])


@CHANNELS
@SPOILT
def test_psnr_is_scikit_images(channels: int, spoil: Any) -> None:
    clean = footage(channels)
    bad = spoil(clean)
    expected = [peak_signal_noise_ratio(c, b, data_range=1) for c, b in zip(clean, bad, strict=True)]
    assert score("psnr", bad, clean) == pytest.approx(np.mean(expected), abs=1e-4)


@CHANNELS
@SPOILT
def test_ssim_is_scikit_images_with_a_gaussian_window(channels: int, spoil: Any) -> None:
    clean = footage(channels)
    bad = spoil(clean)
    expected = [
        structural_similarity(
            c.astype(np.float64), b.astype(np.float64), data_range=1, channel_axis=-1,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        )
        for c, b in zip(clean, bad, strict=True)
    ]  # fmt: skip
    assert score("ssim", bad, clean) == pytest.approx(np.mean(expected), abs=1e-6)


@CHANNELS
def test_ssim_is_that_of_its_paper(channels: int) -> None:
    """The 11×11 window written out, over the region where it lies within the picture, each channel by itself."""
    clean = footage(channels, frames=1)
    bad = noisy(clean)
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for c in range(channels):
        x, y = clean[0, ..., c].astype(np.float64), bad[0, ..., c].astype(np.float64)
        mx, my, mxx, myy, mxy = (convolve2d(v, window, "valid") for v in (x, y, x * x, y * y, x * y))
        vx, vy, cov = mxx - mx**2, myy - my**2, mxy - mx * my
        likeness = (2 * mx * my + 0.01**2) * (2 * cov + 0.03**2)
        values.append((likeness / ((mx**2 + my**2 + 0.01**2) * (vx + vy + 0.03**2))).mean())
        assert likeness.shape == (86, 118)
    assert score("ssim", bad, clean) == pytest.approx(np.mean(values), abs=1e-6)


@pytest.fixture(scope="module")
def authors_lpips() -> Any:
    """The lpips package's network, on the bundled trunk in place of the one that it would download."""
    lpips = pytest.importorskip("lpips")
    from degrade.benchmark.metrics.lpips import _network

    def alexnet(pretrained: bool) -> Any:
        return SimpleNamespace(features=copy.deepcopy(_network("cpu").trunk))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lpips.pretrained_networks.tv, "alexnet", alexnet)
        return lpips.LPIPS(net="alex", version="0.1", verbose=False)


def their_lpips(network: Any, prediction: Clip, target: Clip) -> float:
    import torch

    dtype = next(network.parameters()).dtype
    x, y = (torch.from_numpy(clip).permute(0, 3, 1, 2).expand(-1, 3, -1, -1).to(dtype) for clip in (prediction, target))
    with torch.no_grad():
        return float(network(x, y, normalize=True).float().mean())


@CHANNELS
@SPOILT
def test_lpips_is_the_authors(channels: int, spoil: Any, authors_lpips: Any) -> None:
    clean = footage(channels, frames=2)
    bad = spoil(clean)
    assert score("lpips", bad, clean) == pytest.approx(their_lpips(authors_lpips, bad, clean), abs=1e-5)


def test_half_precision_of_the_trunk_hardly_matters(authors_lpips: Any) -> None:
    """Weights anywhere within the rounding of the bundled ones give the same distance to 1e-4."""
    import torch

    clean = footage(3, frames=2)
    bad = noisy(clean)
    ours, generator = score("lpips", bad, clean), torch.Generator().manual_seed(0)
    network = copy.deepcopy(authors_lpips)
    with torch.no_grad():
        for name, weights in network.net.named_parameters():
            if name.startswith("slice1"):
                continue  # bundled in single precision
            half = weights.half()
            rounding = (torch.nextafter(half, torch.full_like(half, 9)) - half).float()
            weights += (torch.rand(weights.shape, generator=generator) - 0.5) * rounding
    theirs = their_lpips(network, bad, clean)
    assert theirs != pytest.approx(their_lpips(authors_lpips, bad, clean), abs=1e-9)
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_lpips_leaves_torchs_random_state_alone() -> None:
    import torch

    from degrade.benchmark.metrics import lpips

    lpips._network.cache_clear()
    before = torch.random.get_rng_state()
    score("lpips", footage(1, frames=1), footage(1, frames=1))
    assert torch.equal(before, torch.random.get_rng_state())


def paper_e_warp(clip: Clip, forward: list[np.ndarray], backward: list[np.ndarray] | None) -> float:
    """Lai et al. 2018, pixel by pixel: × 10³, the mean over pairs of the mean over the mask."""
    frames, height, width, _ = clip.shape

    def bilinear(picture: np.ndarray, x: float, y: float) -> np.ndarray:
        x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        left, top = int(x), int(y)
        right, down = min(left + 1, width - 1), min(top + 1, height - 1)
        a, b = x - left, y - top
        return (
            (1 - a) * (1 - b) * picture[top, left] + a * (1 - b) * picture[top, right]
            + (1 - a) * b * picture[down, left] + a * b * picture[down, right]
        )  # fmt: skip

    errors = []
    for t in range(frames - 1):
        w, total, count = forward[t].astype(np.float64), 0.0, 0
        for y in range(height):
            for x in range(width):
                there = (x + w[y, x, 0], y + w[y, x, 1])
                if not (0 <= there[0] <= width - 1 and 0 <= there[1] <= height - 1):
                    continue
                square = w[y, x] @ w[y, x]
                if backward is not None:
                    back = bilinear(backward[t].astype(np.float64), *there)
                    gap = w[y, x] + back
                    if gap @ gap > 0.01 * (square + back @ back) + 0.5:
                        continue
                across = w[y, x + 1] - w[y, x] if x + 1 < width else np.zeros(2)
                along = w[y + 1, x] - w[y, x] if y + 1 < height else np.zeros(2)
                if across @ across + along @ along > 0.01 * square + 0.002:
                    continue
                change = clip[t, y, x].astype(np.float64) - bilinear(clip[t + 1].astype(np.float64), *there)
                total, count = total + change @ change, count + 1
        if count:
            errors.append(total / count)
    return 1000 * float(np.mean(errors))


def e_warp(prediction: Clip, target: Clip, motions: list[Motion]) -> float:
    return score("e_warp", prediction, target, motion=[None, *motions])


def test_e_warp_is_that_of_its_paper_under_dis_flow() -> None:
    clean = footage(3, frames=3, height=48, width=64)
    bad = noisy(clean)
    grey = [np.rint(255 * (f @ np.float32([0.299, 0.587, 0.114]))).astype(np.uint8) for f in clean]
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forward = [estimator.calc(a, b, None) for a, b in itertools.pairwise(grey)]
    backward = [estimator.calc(b, a, None) for a, b in itertools.pairwise(grey)]
    ours = e_warp(bad, clean, [dis(t, clean[t], clean[t + 1]) for t in range(2)])
    assert ours == pytest.approx(paper_e_warp(bad, forward, backward), abs=1e-4)


def test_e_warp_is_that_of_its_paper_under_exact_flow() -> None:
    source = Stills(count=1, frames=3, height=48, width=64)
    clean = source.read("00_coffee", 0, 3).astype(np.float32) / 255
    known = [source.flow("00_coffee", t) for t in range(2)]
    mover = exact(source, "00_coffee")
    motions = [mover(t, clean[t], clean[t + 1]) for t in range(2)]
    for (_, hidden), motion in zip(known, motions, strict=True):
        assert not (motion.visible & hidden).any()
    seen = [Motion(m.flow, m.visible | hidden) for m, (_, hidden) in zip(motions, known, strict=True)]
    unhidden = [Motion(m.flow, s.visible) for m, s in zip(motions, seen, strict=True)]
    assert all(m.visible.mean() > 0.8 for m in unhidden)
    # Without hidden pixels in either, the paper's mask is the boundary and the frame alone.
    flows = [flow for flow, _ in known]
    plain = [Motion(f, ~(boundary(f) | _outside(f))) for f in flows]
    assert e_warp(noisy(clean), clean, plain) == pytest.approx(paper_e_warp(noisy(clean), flows, None), abs=1e-4)


def _outside(flow: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]]
    x, y = x + flow[..., 0], y + flow[..., 1]
    return np.asarray((x < 0) | (y < 0) | (x > flow.shape[1] - 1) | (y > flow.shape[0] - 1))


@pytest.mark.parametrize("sequence", ["00_coffee", "02_chelsea", "03_camera"])
def test_e_warp_of_moving_footage_under_its_exact_flow_is_next_to_nothing(sequence: str) -> None:
    """What is left is the interpolation of fine detail: a fraction of what unmoved frames give."""
    source = Stills(frames=5)
    clip = source.read(sequence, 0, 5).astype(np.float32) / 255
    mover = exact(source, sequence)
    motions = [mover(t, clip[t], clip[t + 1]) for t in range(4)]
    still = [Motion(np.zeros_like(m.flow), m.visible) for m in motions]
    assert e_warp(clip, clip, motions) < 0.7
    assert e_warp(clip, clip, motions) < 0.2 * e_warp(clip, clip, still)


def test_e_warp_of_a_whole_pixel_pan_is_nil() -> None:
    picture = np.random.default_rng(0).random((40, 80, 3)).astype(np.float32)
    clip = np.stack([picture[:, 3 * t : 3 * t + 60] for t in range(4)])  # things move left by three pixels
    flow = np.zeros((40, 60, 2), np.float32)
    flow[..., 0] = -3
    motion = Motion(flow, ~_outside(flow))
    assert motion.visible.sum() == 40 * 57
    assert e_warp(clip, clip, [motion] * 3) == 0
    # A flicker of ±0.05 on all channels: the norm over three channels of 0.1.
    flicker = (0.5 * clip + 0.2 + 0.05 * (-1.0) ** np.arange(4)[:, None, None, None]).astype(np.float32)
    assert e_warp(flicker, clip, [motion] * 3) == pytest.approx(1000 * 3 * 0.1**2, rel=1e-4)


def test_occlusion_is_where_forward_and_backward_disagree() -> None:
    forward = np.zeros((8, 8, 2), np.float32)
    backward = np.zeros((8, 8, 2), np.float32)
    backward[2:4, 2:4] = 0.6  # |w + ŵ|² = 0.72 > 0.01 · 0.72 + 0.5
    backward[5:7, 5:7] = 0.4  # 0.32 < 0.5
    expected = np.zeros((8, 8), bool)
    expected[2:4, 2:4] = True
    assert (occluded(forward, backward) == expected).all()


def test_every_metric_of_the_package_is_compared_with_its_reference() -> None:
    """Here, in the tests of damage, colour and detail, or in a file of its own, as ``test_drift.py`` of ``drift``."""
    beside = Path(__file__).parent
    of = [beside / f"test_metrics_of_{what}.py" for what in ("damage", "colour", "detail")]
    texts = [file.read_text("utf-8") for file in (Path(__file__), *of)]
    tested = {name for text in texts for name in re.findall(r'score\("(\w+)"', text)}
    tested |= {path.stem.removeprefix("test_") for path in beside.glob("test_*.py")}
    assert {name for name in registry.names() if registry.get(name).__module__.startswith("degrade.")} <= tested


def test_a_constant_shift_has_the_psnr_of_its_square() -> None:
    target = np.full((3, 16, 16, 3), 0.5, np.float32)
    assert score("psnr", target + np.float32(0.1), target) == pytest.approx(20, abs=1e-4)


def test_constant_frames_have_the_ssim_of_their_means() -> None:
    a, b = np.full((1, 16, 16, 1), 0.25, np.float32), np.full((1, 16, 16, 1), 0.75, np.float32)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert score("ssim", a, b) == pytest.approx(expected, abs=1e-9)


def test_identical_frames_are_perfect_and_leave_means_finite() -> None:
    clip = footage(1)
    assert score("psnr", clip, clip) == 100
    assert score("ssim", clip, clip) == pytest.approx(1, abs=1e-12)
    assert score("lpips", clip, clip) == 0
    assert score("tof", clip, clip) == 0
    half = clip.copy()
    half[:2] = np.clip(half[:2] * np.float32(0.8) + np.float32(0.1), 0, 1)
    one = score("psnr", half[:2], clip[:2])
    assert score("psnr", half, clip) == pytest.approx((one + 100) / 2)


def test_psnr_by_mask_separates_defect_rim_and_clean_film() -> None:
    target = np.full((1, 8, 8, 3), 0.5, np.float32)
    mask = np.zeros((1, 8, 8, 1), np.float32)
    mask[:, :2], mask[:, 2] = 1, 0.05
    bad = target.copy()
    bad[:, :2] += np.float32(0.1)
    bad[:, 2] += np.float32(0.3)
    bad[:, 3:] += np.float32(0.01)
    assert score("psnr_inside", bad, target, mask=mask) == pytest.approx(20, abs=1e-4)
    assert score("psnr_outside", bad, target, mask=mask) == pytest.approx(40, abs=1e-4)
    assert math.isnan(score("psnr_inside", bad, target, mask=np.zeros_like(mask)))
    assert math.isnan(score("psnr_outside", bad, target, mask=np.ones_like(mask)))


def test_frames_without_damage_do_not_count_inside() -> None:
    target = np.full((2, 8, 8, 1), 0.5, np.float32)
    mask = np.zeros((2, 8, 8, 1), np.float32)
    mask[0, :4] = 1
    assert score("psnr_inside", target + np.float32(0.1), target, mask=mask) == pytest.approx(20, abs=1e-4)


def test_tof_of_a_pan_against_a_still_is_the_speed() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(0).random((96, 160, 1)).astype(np.float32), (0, 0), 3)
    picture = ((picture - picture.min()) / np.ptp(picture))[..., None]
    pan = np.stack([picture[:, 2 * t : 2 * t + 128] for t in range(3)])
    assert score("tof", pan, pan[[0, 0, 0]]) == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [("ssim", (10, 40, 1), "SSIM needs frames of 11×11"), ("lpips", (30, 64, 3), "LPIPS needs frames of 31×31")],
)
def test_frames_that_are_too_small_are_refused(name: str, shape: tuple[int, ...], words: str) -> None:
    frame = np.zeros(shape, np.float32)
    with pytest.raises(SourceError, match=words):
        make(name).update(Frame(frame, frame))


def test_lpips_takes_the_smallest_frame_it_promises() -> None:
    frame = np.zeros((31, 31, 1), np.float32)
    assert make("lpips").update(Frame(frame, frame)) == 0


def test_flow_refuses_frames_that_are_too_small() -> None:
    with pytest.raises(SourceError, match="optical flow needs frames of 12 pixels"):
        dis(0, np.zeros((8, 11, 1), np.float32), np.zeros((8, 11, 1), np.float32))
    dis(0, np.zeros((12, 12, 1), np.float32), np.zeros((12, 12, 1), np.float32))
