"""What the models without learning must do."""

import numpy as np
import pytest
import torch

from degrade.core.errors import SpecError
from degrade.models import build
from degrade.models.classical import even_out
from degrade.models.nlmeans import noise_level


def interior(x):
    """Without the border, where what moves out of the picture has no counterpart."""
    return x[..., 8:-8, 8:-8]


@pytest.mark.parametrize(("name", "margin"), [("median", 8), ("classical", 8)])
def test_dust_is_removed(name, margin, moving, dusty, psnr):
    """By more than `margin` dB over leaving it, on a clean background that moves."""
    clean = moving(7, 72, 80)
    damaged, _ = dusty(clean)
    with torch.no_grad():
        before, after = build("input")(damaged), build(name).eval()(damaged)
    assert psnr(interior(after), interior(clean)) > psnr(interior(before), interior(clean)) + margin


def test_classical_finds_dust_and_leaves_the_rest(moving, dusty):
    clean = moving(7, 72, 80)
    damaged, dust = dusty(clean)
    with torch.no_grad():
        restored, mask = build("classical", deflicker=0).eval()(damaged, return_masks=True)
        untouched, none = build("classical", deflicker=0).eval()(clean, return_masks=True)
    found, dust = interior(mask) > 0.5, interior(dust) > 0.5
    assert (found & dust).sum() > 0.9 * dust.sum()
    assert found.float().mean() < 3 * dust.float().mean()  # dilated, and no more
    away = torch.nn.functional.max_pool2d(mask.flatten(0, 1), 5, 1, 2).view_as(mask).expand_as(clean) == 0
    assert torch.equal(restored[away], damaged[away])
    assert interior(none).mean() < 1e-3
    torch.testing.assert_close(interior(untouched), interior(clean), atol=0.05, rtol=0)


def test_classical_fills_from_space_where_time_fails():
    # The same blot in three frames running: the middle one has no sound neighbour.
    torch.manual_seed(0)
    clean = torch.full((1, 3, 3, 32, 32), 0.5)
    damaged = clean.clone()
    damaged[:, 1, :, 10:14, 10:14] = 1
    damaged[:, 0, :, 12:18, 12:18] = 0
    damaged[:, 2, :, 8:12, 8:12] = 0
    with torch.no_grad():
        restored = build("classical", deflicker=0).eval()(damaged)
    assert (restored[:, 1] - 0.5).abs().max() < 0.1


def test_classical_evens_out_flicker_and_keeps_a_fade():
    rng = np.random.default_rng(0)
    scene = rng.uniform(0.3, 0.7, (16, 16, 3)).astype(np.float32)
    flicker = np.stack([scene * gain for gain in (1, 0.8, 1, 1.2, 1, 1, 0.9)])
    assert even_out(flicker, 2).mean((1, 2, 3)).std() < 0.25 * flicker.mean((1, 2, 3)).std()
    fade = np.stack([scene * gain for gain in np.linspace(1, 0.7, 9)])
    np.testing.assert_allclose(even_out(fade, 2)[2:-2], fade[2:-2], atol=1e-3)


@pytest.mark.parametrize("kind", ["burn", "light", "dark"])
def test_classical_leaves_what_is_sound_around_large_damage(kind, moving):
    """A fifth to a third of one frame is burnt white, brighter, or black: the rest stays, its blacks among it."""
    clean = moving(7, 96, 128).mean(2, keepdim=True) - 0.15
    clean = (clean + 0.06 * torch.rand(1, 1, 1, 96, 128)).clamp(0, 1)
    damaged, there = clean.clone(), torch.zeros(96, 128, dtype=torch.bool)
    there[:, 92:] = kind == "light"
    there[40:70, 20:100] = kind != "light"
    level = {"burn": lambda x: x * 0 + 0.98, "light": lambda x: x + 0.3, "dark": lambda x: x * 0}[kind]
    damaged[:, 3, :, there] = level(damaged[:, 3, :, there])
    with torch.no_grad():
        restored = build("classical").eval()(damaged)
    change = (restored - damaged)[0, 3, 0][~torch.nn.functional.max_pool2d(there.float()[None], 9, 1, 4)[0].bool()]
    assert (change.abs() > 8 / 255).float().mean() < 0.05
    assert change.mean().abs() < 2 / 255


def test_median_of_a_still_picture_is_the_picture_without_what_is_seen_once():
    clean = torch.rand(1, 1, 3, 24, 24).expand(1, 5, 3, 24, 24)
    damaged = clean.clone()
    damaged[:, 2] = 1 - damaged[:, 2]  # a whole frame of garbage
    with torch.no_grad():
        restored = build("median")(damaged)
    assert (restored[:, [0, 1, 3, 4]] - clean[:, [0, 1, 3, 4]]).abs().max() < 1e-5


def test_nlmeans_removes_noise_in_proportion(moving, psnr):
    clean = moving(3, 48, 48)
    noisy = (clean + 0.06 * torch.randn_like(clean)).clamp(0, 1)
    with torch.no_grad():
        assert psnr(build("nlmeans")(noisy), clean) > psnr(noisy, clean) + 3
        still = build("nlmeans")(torch.full((1, 3, 3, 24, 24), 0.5))
    torch.testing.assert_close(still, torch.full_like(still, 0.5), atol=1 / 255, rtol=0)


@pytest.mark.parametrize("sigma", [2.0, 10.0])
def test_noise_level(sigma):
    rng = np.random.default_rng(0)
    assert noise_level(100 + sigma * rng.normal(size=(200, 200))) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("median", {"radius": 0}, "radius must be at least 1, got 0"),
        ("classical", {"threshold": 2}, "threshold must lie between 0 and 1, got 2"),
        ("classical", {"deflicker": -1}, "0 or more frames, got -1"),
        ("nlmeans", {"search": 4}, "odd search"),
        ("median", {"radus": 1}, "unknown argument of median 'radus'; did you mean 'radius'"),
        ("median", {"radius": "a"}, "median cannot be built"),
    ],
)
def test_bad_arguments(name, config, message):
    with pytest.raises(SpecError, match=message):
        build(name, **config)
