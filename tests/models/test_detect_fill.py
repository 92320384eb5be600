"""`detect_fill`: untrained, it finds specks by itself and lets sound pixels alone; its weights know lines that stay."""

import pytest
import skimage.data
import torch

from degrade.models import build, bundled
from degrade.models._chroma import push_pull
from degrade.models._flow import flow_between, neighbours


@pytest.fixture
def moving():
    """A smooth picture that moves by two pixels a frame, (1, 7, 3, 48, 64), and its flows."""
    torch.manual_seed(0)
    wide = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 16), size=(48, 96), mode="bicubic").clamp(0, 1)
    frames = torch.stack([wide[..., 2 * t : 2 * t + 64] for t in range(7)], 1)
    flow = torch.zeros(1, 6, 2, 48, 64)
    flow[:, :, 0] = 2
    return frames, (flow, -flow)


def test_a_speck_is_found_and_filled_and_the_rest_stays(moving):
    clean, flows = moving
    damaged = clean.clone()
    damaged[:, 3, :, 20:24, 30:34] = 1
    damaged[:, 3, :, 40:43, 10:13] = 0
    with torch.no_grad():
        restored, masks = build("detect_fill").eval()(damaged, flows, return_masks=True)
    hurt = (damaged != clean).any(2, keepdim=True)
    assert masks[hurt].min() > 0.5
    assert (restored - clean)[hurt.expand_as(clean)].abs().mean() < 0.1 * (damaged - clean)[
        hurt.expand_as(clean)
    ].abs().mean()
    far = ~(torch.nn.functional.max_pool2d(hurt[0].float(), 5, 1, 2) > 0)[None].expand_as(clean)
    assert torch.equal(restored[far], damaged[far])


def test_what_moves_faster_than_the_flow_is_no_damage(moving):
    """A bar that swings: each frame differs from both neighbours where it is, and these from each other beside it."""
    clean, flows = moving
    swung = clean.clone()
    for t in range(7):
        swung[:, t, :, 10:40, 2 + 8 * t : 8 + 8 * t] = 1
    swung[:, 3, :, 42:45, 50:54] = 0
    model = build("detect_fill").eval()
    with torch.no_grad():
        restored, masks = model(swung, flows, return_masks=True)
    assert masks[:, 3, :, 42:45, 50:54].min() > 0.5
    bar = 0, 3, slice(None), slice(14, 36), slice(26, 32)
    assert masks[bar].max() < 0.001  # by shape, of which the start knows nothing
    assert torch.equal(restored[bar], swung[bar])


def test_flicker_is_no_damage(moving):
    clean, flows = moving
    gains = torch.tensor([0.8, 0.7, 0.85, 0.75, 0.8, 0.7, 0.85]).view(1, 7, 1, 1, 1)
    with torch.no_grad():
        masks = (
            build("detect_fill").eval()(0.5 + (clean - 0.5) * 0.5 + 0.2 * (gains - 0.8), flows, return_masks=True).masks
        )
    assert masks.max() < 0.1


def test_bundled_weights_know_a_line_that_stays():
    """Both neighbours show it in the same place, so that its shape alone tells."""
    picture = torch.from_numpy(skimage.data.camera()[200:360, 100:320].copy()).float() / 255
    clean = torch.stack([picture[t : t + 144, 2 * t : 2 * t + 176] for t in range(9)])[None, :, None]
    damaged = clean.clone()
    damaged[..., 80:82] *= 0.1
    with torch.no_grad():
        restored, masks = build("detect_fill", bundled("detect_fill")).eval()(damaged, return_masks=True)
    assert masks[..., 80:82].mean() > 0.5
    assert masks[..., :76].mean() < 0.02
    left, was = ((x - clean)[..., 80:82].abs().mean() for x in (restored, damaged))
    assert left < 0.5 * was


def test_colour_is_mixed_as_luma_is(moving):
    clean, flows = moving
    damaged = clean.clone()
    damaged[:, 3, :, 20:24, 30:34] = 1
    model = build("detect_fill").eval()
    with torch.no_grad():
        restored = model(damaged, flows)
        chroma = restored[:, 3] - restored[:, 3].mean(1, keepdim=True)
    truth = clean[:, 3] - clean[:, 3].mean(1, keepdim=True)
    assert (chroma - truth).abs().max() < 0.1


@pytest.mark.parametrize(("t", "length", "pair"), [(0, 1, (0, 0)), (0, 2, (1, 1)), (1, 2, (0, 0)), (0, 5, (1, 2)),
                                                   (2, 5, (1, 3)), (4, 5, (3, 2))])  # fmt: skip
def test_neighbours(t, length, pair):
    assert neighbours(t, length) == pair


def test_flow_over_two_frames_is_composed(moving):
    _, (forward, backward) = moving
    assert flow_between(3, 1, forward, backward)[0, 0].unique().tolist() == [4]
    assert flow_between(0, 2, forward, backward)[0, 0].unique().tolist() == [-4]


def test_push_pull_keeps_what_is_valid_and_continues_it():
    ramp = torch.linspace(0, 1, 33).expand(1, 1, 21, 33)
    valid = torch.ones_like(ramp)
    valid[..., 8:13, 14:19] = 0
    filled = push_pull(ramp * valid, valid)
    assert torch.equal(filled[valid > 0], ramp[valid > 0])
    assert (filled - ramp).abs().max() < 0.12
    nothing = push_pull(ramp, torch.zeros_like(ramp))
    assert nothing.isfinite().all()
