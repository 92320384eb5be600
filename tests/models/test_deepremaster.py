"""The published network against a plain formulation that holds the released names; what the default changes."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from degrade.core.errors import SpecError
from degrade.models import build

PUBLISHED = {"channels": 64, "colors": 1, "norm": "batch", "full_size": False}
WIDTHS = (1, 64, 128, 128, 256, 256, 256, 256, 256, 128, 64, 64, 16)


@pytest.fixture(scope="module")
def released():
    """`modelR` in the authors' layout."""
    torch.manual_seed(0)
    state = {}
    for i, (inputs, outputs) in enumerate(pairwise(WIDTHS), 1):
        state[f"layers.{i}.conv3d.weight"] = torch.randn(outputs, inputs, 3, 3, 3) * (1.5 / (27 * inputs)) ** 0.5
        state[f"layers.{i}.conv3d.bias"] = 0.1 * torch.randn(outputs)
        for name in ("weight", "running_var"):
            state[f"layers.{i}.bn.{name}"] = 0.8 + 0.4 * torch.rand(outputs)
        for name in ("bias", "running_mean"):
            state[f"layers.{i}.bn.{name}"] = 0.1 * torch.randn(outputs)
        state[f"layers.{i}.bn.num_batches_tracked"] = torch.tensor(7)
    state["layers.13.weight"], state["layers.13.bias"] = 0.1 * torch.randn(1, 16, 3, 3, 3), torch.zeros(1)
    return state


def plain(state, x):
    """(B, 1, T, H, W) in [0, 1] to the same."""
    y = F.pad(x - 0.4462414, [1] * 6, mode="replicate")
    for i in range(1, 13):
        if i in (9, 12):
            y = F.interpolate(y, scale_factor=(1, 2, 2), mode="trilinear", align_corners=False)
        stride = (1, 2, 2) if i in (1, 4) else 1
        weight, bias = (state[f"layers.{i}.conv3d.{name}"] for name in ("weight", "bias"))
        y = F.conv3d(y, weight, bias, stride, padding=0 if i == 1 else 1)
        norm = (state[f"layers.{i}.bn.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        y = F.elu(F.batch_norm(y, *norm, eps=1e-5))
    y = F.conv3d(y, state["layers.13.weight"], state["layers.13.bias"], padding=1)
    return (x + torch.tanh(y)).clamp(0, 1)


def test_a_released_checkpoint_gives_its_output(released, tmp_path):
    torch.save({"modelR": released, "modelC": {"a": torch.zeros(1)}}, tmp_path / "remasternet.pth.tar")
    model = build("deepremaster", tmp_path / "remasternet.pth.tar", **PUBLISHED).eval()
    assert sum(p.numel() for p in model.parameters()) == 9_878_113
    grey = torch.rand(1, 4, 1, 24, 32)
    expected = plain(released, grey.transpose(1, 2)).transpose(1, 2)
    assert (expected - grey).abs().mean() > 0.05
    with torch.no_grad():
        torch.testing.assert_close(model(grey), expected, atol=1e-5, rtol=0)
        model.train()
        model.apply(lambda part: part.eval() if isinstance(part, torch.nn.BatchNorm3d) else None)
        colour = torch.rand(1, 3, 3, 16, 16)
        change = model(colour) - colour
    torch.testing.assert_close(change, change[:, :, :1].expand_as(change))  # luma's; colour stays


def test_what_comes_back_from_a_quarter_of_the_size_cannot_tell_a_speck_but_the_path_at_full_size_can():
    # Of a change in one pixel, how much of the answer's change is in that very place.
    frames = torch.full((1, 3, 3, 32, 32), 0.5)
    speck = frames.clone()
    speck[0, 1, :, 14, 14] = 1
    share = {}
    for full_size in (True, False):
        torch.manual_seed(0)
        model = build("deepremaster", full_size=full_size).train()
        with torch.no_grad():
            change = ((model(speck) - speck) - (model(frames) - frames)).abs().sum((0, 1, 2))
        share[full_size] = (change[12:17, 12:17].sum() / change.sum()).item()
    assert share[True] > 2 * share[False]


@pytest.mark.parametrize(
    ("config", "message"),
    [({"norm": "bach"}, "unknown norm 'bach'; did you mean 'batch'"), ({"colors": 2}, "colors must be 1 or 3, got 2")],
)
def test_what_it_is_not_built_with(config, message):
    with pytest.raises(SpecError, match=message):
        build("deepremaster", **config)
