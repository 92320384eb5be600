"""LAB against scikit-image, and what single colourisation models do with colours."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage.color import lab2rgb, rgb2lab

from degrade.core.errors import SpecError
from degrade.models import Reference, build, colorize
from degrade.models._lab import lab_to_rgb, rgb_to_lab
from degrade.models._levin import spread
from degrade.models.base import restoring
from degrade.sources.stills import Stills


def clip_of(sequence: str, frames: int, height: int = 64, width: int = 96):
    """(1, T, 3, H, W) in [0, 1]."""
    pictures = Stills(count=3, frames=frames, height=height, width=width).read(sequence, 0, frames)
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)[None].float() / 255


def error(ab, lab):
    """Of each frame, root mean square of a and b."""
    return (ab - lab[:, :, 1:]).square().mean((0, 2, 3, 4)).sqrt()


def test_lab_is_scikit_images_both_ways():
    rgb = np.random.default_rng(0).random((20, 30, 3)).astype(np.float32)
    rgb[:4] *= 0.05  # the straight parts of both curves
    lab = rgb_to_lab(torch.from_numpy(rgb).permute(2, 0, 1))
    np.testing.assert_allclose(lab.permute(1, 2, 0), rgb2lab(rgb.astype(np.float64)), atol=2e-4)
    back = lab_to_rgb(lab).permute(1, 2, 0)
    np.testing.assert_allclose(back, rgb, atol=2e-5)
    np.testing.assert_allclose(back, lab2rgb(lab.permute(1, 2, 0).numpy().astype(np.float64)), atol=2e-5)


def test_lab_of_known_colours():
    colors = torch.tensor([[128 / 255] * 3, [1.0, 0, 0], [0, 0, 1.0], [1.0, 1, 1], [0, 0, 0]]).T[:, :, None]
    lab = rgb_to_lab(colors)[..., 0].T
    assert lab[0].tolist() == pytest.approx([53.585, 0, 0], abs=1e-3)
    assert lab[1].tolist() == pytest.approx([53.24, 80.09, 67.20], abs=0.01)
    assert lab[2].tolist() == pytest.approx([32.30, 79.19, -107.86], abs=0.01)
    assert lab[3].tolist() == pytest.approx([100, 0, 0], abs=1e-3)
    assert lab[4].tolist() == pytest.approx([0, 0, 0], abs=1e-3)
    grey = torch.rand(1, 1, 8, 8).expand(-1, 3, -1, -1)
    assert not rgb_to_lab(grey)[:, 1:].any()


def test_lab_has_gradients_everywhere():
    rgb = torch.tensor([0.0, 0.04045, 1.0]).view(3, 1, 1).expand(3, 2, 2).clone().requires_grad_()
    lab_to_rgb(rgb_to_lab(rgb)).sum().backward()
    assert rgb.grad.isfinite().all()
    torch.testing.assert_close(rgb.grad, torch.ones(3, 2, 2), atol=0.05, rtol=0)


def test_floors_are_what_they_say():
    frames = torch.rand(1, 4, 3, 16, 16)
    lightness, key = rgb_to_lab(frames)[:, :, :1], rgb_to_lab(frames[:, 3])
    late = [Reference(frames[:, 3], 7)]
    assert not build("grey")(lightness, late).any()
    mean = build("mean")(lightness, late)
    torch.testing.assert_close(mean, key[:, None, 1:].mean((-2, -1), keepdim=True).expand_as(mean))
    copied = build("copy")(lightness, [*late, Reference(frames[:, 0], -9)])
    assert torch.equal(copied, key[:, None, 1:].expand_as(copied))


def test_levins_colours_stop_at_edges():
    lightness = np.full((20, 30), 30.0)
    lightness[:, 15:] = 70
    color, known = np.zeros((20, 30, 2)), np.zeros((20, 30), bool)
    known[[3, 15], [4, 25]] = True
    color[3, 4], color[15, 25] = (20, -10), (-30, 5)
    filled = spread(color, known, lightness)
    np.testing.assert_allclose(filled[:, :14], np.broadcast_to([20, -10], (20, 14, 2)), atol=1.5)
    np.testing.assert_allclose(filled[:, 16:], np.broadcast_to([-30, 5], (20, 14, 2)), atol=1.5)
    assert np.array_equal(filled[known], color[known])


def test_levins_system_is_that_of_the_paper():
    """Written out pixel by pixel and solved densely."""
    rng = np.random.default_rng(0)
    lightness, color, known = 100 * rng.random((6, 7)), rng.normal(0, 30, (6, 7, 2)), rng.random((6, 7)) < 0.3
    matrix, right = np.eye(42), color.reshape(42, 2) * known.reshape(42, 1)
    y = lightness / 100
    for r, c in zip(*np.nonzero(~known), strict=True):
        near = [(i, j) for i in range(r - 1, r + 2) for j in range(c - 1, c + 2) if (i, j) != (r, c)]
        near = [(i, j) for i, j in near if 0 <= i < 6 and 0 <= j < 7]
        steps = np.array([(y[r, c] - y[i, j]) ** 2 for i, j in near])
        window = np.pad(y, 1, mode="edge")[r : r + 3, c : c + 3]
        v = max(0.6 * window.var(), -steps.min() / np.log(0.01), 2e-6)
        weights = np.exp(-steps / v) + 1e-5
        for (i, j), weight in zip(near, weights / weights.sum(), strict=True):
            matrix[7 * r + c, 7 * i + j] = -weight
    np.testing.assert_allclose(
        spread(color, known, lightness).reshape(42, 2), np.linalg.solve(matrix, right), atol=1e-4
    )


def test_flow_propagation_carries_colours_that_copying_leaves_behind():
    frames = clip_of("00_coffee", 8)
    lab = rgb_to_lab(frames)
    references = [Reference(frames[:, 0], 0)]
    moved, still = (error(build(name)(lab[:, :, :1], references), lab) for name in ("flow_propagation", "copy"))
    assert (moved[1:] < 0.65 * still[1:]).all()
    both = error(build("flow_propagation")(lab[:, :, :1], [*references, Reference(frames[:, 7], 7)]), lab)
    assert both[4:7].mean() < 0.7 * moved[4:7].mean()


def test_flow_propagation_takes_key_frames_from_before_and_after_the_clip():
    frames = clip_of("00_coffee", 6)
    lab = rgb_to_lab(frames)
    model = build("flow_propagation")
    for first, key in ((1, 0), (0, 5)):
        clip = lab[:, first : first + 5]
        ab = model(clip[:, :, :1], [Reference(frames[:, key], key - first)])
        assert (error(ab, clip) < 0.6 * error(torch.zeros_like(ab), clip)).all()


def test_colours_are_carried_from_window_to_window():
    frames = clip_of("00_coffee", 12)
    lab = rgb_to_lab(frames)
    model = build("flow_propagation")
    ab = colorize(model, lab[:, :, :1], [Reference(frames[:, 0], 0)], window=4, overlap=2)
    whole = model(lab[:, :, :1], [Reference(frames[:, 0], 0)])
    assert error(ab, lab)[-1] < 1.3 * error(whole, lab)[-1]


def test_welsh_finds_colours_by_brightness():
    lightness = torch.linspace(10, 90, 64).expand(1, 1, 1, 32, 64).contiguous()
    lab = torch.cat((lightness[:, 0], 0.4 * (lightness[:, 0] - 50), -0.2 * (lightness[:, 0] - 50)), 1)
    picture = lab_to_rgb(lab).clamp(0, 1).flip(-1)  # another place, the same colours
    ab = build("welsh")(lightness, [Reference(picture)])
    assert (ab[:, 0] - rgb_to_lab(picture.flip(-1))[:, 1:]).abs().mean() < 1


@pytest.mark.parametrize(("config", "where"), [({"nearest": 0}, "nearest"), ({"smooth": -1}, "smooth")])
def test_welsh_refuses_what_it_cannot_do(config, where):
    with pytest.raises(SpecError) as caught:
        build("welsh", **config)
    assert caught.value.where == where


def test_untrained_rtn_carries_colours_along_the_flow():
    torch.manual_seed(0)
    frames = clip_of("00_coffee", 5)
    lab = rgb_to_lab(frames)
    with torch.no_grad():
        made, still = (
            error(build(name).eval()(lab[:, :, :1], [Reference(frames[:, 2], 2)]), lab)
            for name in ("rtn_color", "copy")
        )
    assert (made[[1, 3]] < 0.85 * still[[1, 3]]).all()


def test_rtn_colours_what_comes_into_sight_at_the_border():
    torch.manual_seed(0)
    wide = F.interpolate(torch.rand(1, 1, 12, 40), scale_factor=8, mode="bicubic").clamp(0, 1)
    lightness = torch.stack([30 + 40 * wide[..., 6 * t : 6 * t + 128] for t in range(4)], 1)
    lab = torch.cat((lightness, torch.full_like(lightness, 25), torch.full_like(lightness, 15)), 2)
    with torch.no_grad():
        ab = build("rtn_color").eval()(lightness, [Reference(lab_to_rgb(lab[:, 0]), 0)])
    assert (ab[:, 3, 0, :, -6:].mean() - 25).abs() < 5


def test_rtn_color_is_rtn_on_scaled_lab():
    torch.manual_seed(0)
    model = build("rtn_color", dim=16, groups=1).eval()
    assert {name.removeprefix("network.") for name in model.state_dict()} == set(
        build("rtn", dim=16, groups=1).state_dict()
    )
    frames = torch.rand(1, 3, 3, 16, 16)
    lab = rgb_to_lab(frames)
    with torch.no_grad():
        ab = model(lab[:, :, :1], [Reference(frames[:, 1], 1), Reference(frames[:, 2], 5)])
        x = torch.stack([lab[:, t] for t in (0, 1, 2, 2)], 1)
        x[:, [0, 2], 1:] = 0
        x = torch.cat((x[:, :, :1] / 100 - 0.5, x[:, :, 1:] / 110), 2)
        flows = model.network.flow((x[:, :, :1] + 0.5).expand(-1, -1, 3, -1, -1))
        expected = 110 * (2 * model.network.restore((x + 1) / 2, flows).frames - 1)
    torch.testing.assert_close(ab[:, [0, 2]], expected[:, [0, 2], 1:], atol=1e-4, rtol=0)


def test_weights_of_rtn_are_found_under_its_names(tmp_path):
    network = build("rtn", dim=16, groups=1)
    torch.save({"state_dict": network.state_dict()}, tmp_path / "rtn.pth")
    model = build("rtn_color", tmp_path / "rtn.pth", dim=16, groups=1)
    assert all(map(torch.equal, model.parameters(), network.parameters()))


def test_models_that_colour_do_not_restore():
    with pytest.raises(SpecError, match="Grey colours grey film, and restores none"):
        restoring(build("grey"))
