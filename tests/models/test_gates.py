"""RTN's gates: each sees what its paper says, and the network around it stays a model like any other."""

import pytest
import torch

from degrade.core.errors import SpecError
from degrade.models import build, losses
from degrade.models._flow import along
from degrade.models._gates import GATES, Before, haar, noise_masks
from degrade.models._stream import restore
from degrade.models._weights import save

SMALL = {"dim": 32, "groups": 1}


def small(kind):
    torch.manual_seed(0)
    return build("rtn", gate=kind, **SMALL)


def shaken(kind, by=0.5):
    """With weights far enough from the start that the gates matter."""
    model = small(kind).eval()
    with torch.no_grad():
        for gate in (model.backward_gate, model.forward_gate):
            gate.last.weight.normal_(std=by)
    return model


def still(length, height, width):
    return tuple(torch.zeros(1, length - 1, 2, height, width) for _ in range(2))


def test_an_unknown_gate():
    with pytest.raises(SpecError, match="unknown gate 'waveletts'; did you mean 'wavelet'"):
        build("rtn", gate="waveletts")


@pytest.mark.parametrize(
    ("kind", "more"),
    # WaveletMask adds 898 parameters; MambaOFR's gate has 12,967 beside the projection, RTN's 2,457.
    [("residual", 0), ("two_sided", 0), ("wavelet", 898), ("carried", 2 * (12_967 - 2_457))],
)
def test_parameters(kind, more):
    count = sum(p.numel() for p in build("rtn", gate=kind).parameters())
    assert count == build("rtn").card.parameters + more


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("shape", [(2, 4, 3, 24, 40), (1, 1, 3, 16, 16), (1, 2, 1, 17, 31)])
def test_shape_range_and_batches(kind, shape):
    model, frames = shaken(kind), torch.rand(shape)
    with torch.no_grad():
        restored, masks = model(frames, return_masks=True)
        each = torch.cat([model(one[None]) for one in frames])
    assert restored.shape == frames.shape
    assert 0 <= restored.min() <= restored.max() <= 1
    assert masks.shape == (shape[0], shape[1], 1, *shape[3:])
    assert 0 <= masks.min() <= masks.max() <= 1
    torch.testing.assert_close(restored, each, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", GATES)
def test_half_precision(kind):
    model, frames = shaken(kind), torch.rand(1, 3, 3, 16, 32)
    with torch.no_grad():
        full = model(frames)
        with torch.autocast("cpu", torch.bfloat16):
            assert (model(frames) - full).abs().mean() < 0.02
        assert model.bfloat16()(frames.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("kind", GATES)
def test_the_gate_travels_with_the_weights(kind, tmp_path):
    model, frames = shaken(kind), torch.rand(1, 3, 3, 16, 32)
    save(model, tmp_path / "w.safetensors")
    again = build("rtn", tmp_path / "w.safetensors").eval()
    assert type(again.forward_gate) is GATES[kind]
    with torch.no_grad():
        assert torch.equal(model(frames), again(frames))


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("weight", [0.0, 0.05])
def test_learns_with_and_without_the_mask_loss(kind, weight, moving, dusty):
    clean = moving(4, 32, 32)
    damaged, alpha = dusty(clean)
    model = small(kind).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seen = []
    for _ in range(25):
        restored, masks = model(damaged, return_masks=True)
        error = losses.inside(restored, clean, alpha)
        seen.append((error.item(), model.mask_loss(masks, alpha).item()))
        optimizer.zero_grad()
        (losses.l1(restored, clean) + 0.3 * error + weight * model.mask_loss(masks, alpha)).backward()
        optimizer.step()
    assert seen[-1][0] < 0.8 * seen[0][0]
    if weight:
        assert seen[-1][1] < 0.9 * seen[0][1]
    # The last step's gradient reaches all of the gate.
    assert all(p.grad.any() for p in model.forward_gate.parameters())


@pytest.mark.parametrize("kind", GATES)
def test_seams_in_time_and_space(kind, moving, dusty):
    model = shaken(kind, by=0.03)
    long, _ = dusty(moving(26, 32, 32))
    wide, _ = dusty(moving(3, 64, 208))
    with torch.no_grad():
        assert (restore(model, long) - model(long)).abs().max() <= 0.02
        difference = (restore(model, wide, tile=144) - model(wide)).abs()
    assert difference.max() <= 0.05
    assert difference.mean() <= 2e-3


def test_noise_masks_show_what_disagrees_with_both_neighbours():
    grey, expected = torch.zeros(1, 5, 1, 16, 16), torch.zeros(1, 5, 1, 16, 16)
    for t, place in ((0, 2), (2, 4), (4, 6)):  # at the ends, with the two frames that follow or precede
        grey[0, t, 0, place, place] = expected[0, t, 0, place, place] = 0.5
    grey[0, 3:, 0, 8, 8] = 0.5  # there to stay: no defect
    torch.testing.assert_close(noise_masks(grey, along(still(5, 16, 16))), expected)
    geometric = noise_masks(
        torch.tensor([0.0, 0.4, 0.3]).view(1, 3, 1, 1, 1).expand(1, 3, 1, 4, 4), along(still(3, 4, 4))
    )
    torch.testing.assert_close(geometric[0, 1], torch.full((1, 4, 4), (0.4 * 0.1) ** 0.5))


def test_noise_masks_follow_the_flow():
    wide = torch.rand(1, 1, 1, 16, 48)
    grey = torch.cat([wide[..., i : i + 32] for i in (0, 3, 6)], 1)
    right = torch.zeros(1, 2, 2, 16, 32)
    right[:, :, 0] = 3
    masks = noise_masks(grey, along((right, -right)))
    torch.testing.assert_close(masks[..., 6:-6], torch.zeros(1, 3, 1, 16, 20), atol=1e-5, rtol=0)
    assert noise_masks(grey, along(still(3, 16, 32))).mean() > 0.1


def test_haar_is_orthonormal_and_tells_edges_apart():
    x = torch.rand(2, 1, 8, 12)
    torch.testing.assert_close(haar(x).square().sum(), x.square().sum())
    columns = torch.tensor([1.0, 0.0]).repeat(8, 6)[None, None]
    for picture, band in ((torch.ones(1, 1, 8, 12), 0), (columns, 1), (columns[..., :8].mT, 2)):
        rest = [i for i in range(1, 4) if i != band]
        assert haar(picture)[:, band].abs().min() == (2 if band == 0 else 1)
        assert not haar(picture)[:, rest].any()


def test_wavelet_sees_detail_that_both_neighbours_lack_and_the_lesser_change_of_the_coarse_band():
    clip = torch.zeros(1, 3, 3, 16, 16)
    clip[:, 1] = 0.2
    clip[:, 2] = 0.3
    clip[0, 1, :, 4, 4] = 1.0
    known = GATES["wavelet"].survey(clip, still(3, 16, 16))[1]
    assert known.shape == (1, 4, 8, 8)
    torch.testing.assert_close(known[0, 1:, 2, 2], torch.full((3,), 0.4))
    assert not known[0, 1:, 4, 4].any()
    torch.testing.assert_close(known[0, 0, 4, 4], torch.tensor(0.2))  # 2 · min(0.2, 0.1)


def test_carried_begins_with_ones_and_then_sees_the_mask_of_the_frame_before():
    gate = GATES["carried"](16)
    frame, flow = torch.rand(1, 3, 16, 16), torch.zeros(1, 2, 16, 16)
    with torch.no_grad():
        gate.last.weight.normal_()
        ones, halves = torch.ones(1, 1, 16, 16), torch.full((1, 1, 16, 16), 0.5)
        start, same, other = (
            gate(frame, Before(frame, torch.zeros(1, 16, 16, 16), mask, flow), None)[1] for mask in (None, ones, halves)
        )
        assert gate(frame, None, None)[1] is None
    assert torch.equal(start, same)
    assert not torch.equal(same, other)
