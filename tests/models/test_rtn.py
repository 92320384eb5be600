import copy

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from degrade.core.errors import SourceError
from degrade.models import _init_weights, _swin, build
from degrade.models._gates import GATES, Before

TOLERANCE = 1e-4


def run(model, x, flows):
    """Input and output in [−1, 1], as the oracle has them."""
    with torch.no_grad():
        return 2 * model((x + 1) / 2, flows) - 1


def clip(batch, length, height, width):
    x = torch.rand(batch, length, 3, height, width) * 2 - 1
    flows = [6 * torch.randn(batch, length - 1, 2, height, width) for _ in range(2)]
    return x, tuple(flows)


@pytest.fixture(scope="module")
def released(oracle, tmp_path_factory):
    """A state dict in the authors' layout, and our model that was built from its file."""
    state = oracle.random_state(derived=True)
    path = tmp_path_factory.mktemp("weights") / "released.pth"
    torch.save({"netG": {f"module.{name}": value for name, value in state.items()}}, path)
    return state, build("rtn", weights=path).eval()


@pytest.mark.parametrize(
    ("batch", "length", "height", "width"),
    [(1, 4, 32, 32), (2, 3, 48, 80), (1, 3, 16, 16), (1, 2, 16, 96), (1, 1, 32, 48)],
)
def test_equals_the_plain_formulation(released, oracle, batch, length, height, width):
    state, model = released
    # In double precision, since these random weights amplify the rounding of single precision.
    state, model = {name: value.double() for name, value in state.items()}, copy.deepcopy(model).double()
    x, (forward, backward) = clip(batch, length, height, width)
    x, flows = x.double(), (forward.double(), backward.double())
    expected = oracle.network(state, x, *flows)
    assert 0.1 < expected.std() < 0.95  # neither flat nor saturated
    torch.testing.assert_close(run(model, x, flows), expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("chunk", [1, 5])
def test_windows_may_be_done_in_chunks(released, oracle, chunk, monkeypatch):
    monkeypatch.setattr(_swin, "CHUNK", chunk)
    test_equals_the_plain_formulation(released, oracle, 1, 2, 32, 48)


@pytest.mark.parametrize("chunk", [5, _swin.CHUNK])
def test_gradient_equals_the_plain_formulation(released, oracle, chunk, monkeypatch):
    monkeypatch.setattr(_swin, "CHUNK", chunk)
    state, model = released
    state, model = {name: value.double() for name, value in state.items()}, copy.deepcopy(model).double().train()
    learnt = {name: value.requires_grad_() for name, value in state.items() if value.is_floating_point()}
    x, flows = clip(1, 2, 32, 48)
    x, flows = x.double(), tuple(flow.double() for flow in flows)
    oracle.network(state, x, *flows).square().mean().backward()
    expected = model.convert({name: value.grad for name, value in learnt.items() if value.grad is not None})
    (2 * model((x + 1) / 2, flows) - 1).square().mean().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], atol=1e-9, rtol=1e-6, msg=name)


def test_equals_the_official_output(outside):
    data = np.load(outside("reference/rtn_hot_64x64.npz"))
    model = build("rtn", weights=outside("reference/rtn_hot_state.pt")).eval()
    x, forward, backward, expected = (
        torch.from_numpy(data[key]) for key in ("input", "forward_flow", "backward_flow", "output")
    )
    torch.testing.assert_close(run(model, x, (forward, backward)), expected, atol=TOLERANCE, rtol=0)


def test_official_weights_at_other_sizes(outside, oracle):
    path = outside("reference/rtn_hot_state.pt")
    state, model = torch.load(path, weights_only=True), build("rtn", weights=path).eval()
    for height, width in ((16, 32), (80, 48)):
        x, flows = clip(1, 3, height, width)
        torch.testing.assert_close(run(model, x, flows), oracle.network(state, x, *flows), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("part", ["gate", "attention", "shift"])
def test_weights_make_each_part_matter(released, oracle, part, monkeypatch):
    # If a part did not change the output by more than the tolerance, the comparison above would not see it.
    state, _ = released
    x, flows = clip(1, 2, 32, 32)
    before = oracle.network(state, x, *flows)
    if part == "gate":
        project = "conv2d_projection_head"
        monkeypatch.setattr(oracle, "gate", lambda s, name, frame, *_: oracle.conv(s, f"{name}.{project}", frame))
    elif part == "attention":
        monkeypatch.setattr(oracle, "position_bias", lambda table, heads: torch.zeros(1, heads, 64, 64))
    else:
        monkeypatch.setattr(oracle, "window_mask", lambda h, w, shift: torch.zeros(h * w // 64, 64, 64))
    assert (oracle.network(state, x, *flows) - before).abs().max() > 20 * TOLERANCE


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("raft", ["", "spynet.", "spynet.module."])
def test_loads_released_names(oracle, tmp_path, prefix, raft):
    state = oracle.random_state()
    if raft:
        state = {**state, f"{raft}fnet.conv1.weight": torch.zeros(64, 3, 7, 7)}
    path = tmp_path / "netG.safetensors"
    save_file({f"{prefix}{name}": value for name, value in state.items()}, path)
    loaded = build("rtn", weights=path)
    assert torch.equal(loaded.decoder[8].weight, state["conv_last.weight"])
    assert torch.equal(
        loaded.forward_block.groups[1].blocks[1].qkv.weight,
        state["forward_resblocks.layers.1.residual_group.blocks.1.attn.qkv.weight"],
    )


def test_a_checkpoint_that_lacks_a_layer_says_which(oracle, tmp_path):
    state = oracle.random_state()
    del state["up2.up_conv.weight"]
    state["conv_hr.bias"] = torch.zeros(8)
    save_file(state, tmp_path / "netG.safetensors")
    with pytest.raises(SourceError, match=r"1 missing \(decoder\.4\.weight\).*decoder\.6\.bias is \(8,\), not \(16,\)"):
        build("rtn", weights=tmp_path / "netG.safetensors")


def test_masks_of_the_gates(released):
    _, model = released
    x, flows = clip(1, 4, 32, 48)
    with torch.no_grad():
        restored, masks = model((x + 1) / 2, flows, return_masks=True)
        one, none = model((x[:, :1] + 1) / 2, return_masks=True)
    assert masks.shape == (1, 4, 1, 32, 48)
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert masks.std() > 0.05
    assert one.shape == (1, 1, 3, 32, 48)
    assert not none.any()
    torch.testing.assert_close(restored, (run(model, x, flows) + 1) / 2)


@pytest.mark.parametrize("kind", GATES)
def test_what_the_gate_lets_through(kind):
    # m·state + (1−m)·P: a mask of one keeps the state alone, a mask of zero the frame alone.
    gate = build("rtn", gate=kind).forward_gate
    clip, state, still = torch.rand(1, 2, 3, 16, 16), torch.rand(1, 16, 16, 16), torch.zeros(1, 2, 16, 16)
    before = Before(clip[:, 0], state, None, still)
    known = gate.survey(clip, (still[:, None], still[:, None]))[1]
    with torch.no_grad():
        gate.last.weight.zero_()
        gate.last.bias.fill_(50)
        torch.testing.assert_close(gate(clip[:, 1], before, known)[0], state)
        gate.last.bias.fill_(-50)
        torch.testing.assert_close(gate(clip[:, 1], before, known)[0], gate.project(clip[:, 1]))


def test_flow_of_the_clip_is_used(released, moving):
    _, model = released
    frames = moving(3, 32, 48)
    still = tuple(torch.zeros(1, 2, 2, 32, 48) for _ in range(2))
    with torch.no_grad():
        own, given, without = model(frames), model(frames, model.flow(frames)), model(frames, still)
    torch.testing.assert_close(own, given)
    assert (own - without).abs().max() > 20 * TOLERANCE


def test_flows_of_the_wrong_shape(released):
    _, model = released
    x, (forward, backward) = clip(1, 3, 32, 32)
    with pytest.raises(SourceError, match=r"backward flow must be .* = \(1, 2, 2, 32, 32\), got \(1, 1, 2, 32, 32\)"):
        model((x + 1) / 2, (forward, backward[:, 1:]))


@pytest.mark.parametrize(
    "config", [{}, {"dim": 32, "groups": 1}, {"gate": "two_sided"}, {"gate": "wavelet"}, {"gate": "carried"}]
)
def test_untrained_it_clips_a_frame_to_the_range_of_its_neighbours(config):
    torch.manual_seed(0)
    frames, model = torch.rand(1, 5, 1, 32, 48), build("rtn", **config).eval()
    still = torch.zeros(1, 4, 2, 32, 48)
    restored, masks = model(frames, (still, still), return_masks=True)
    before, own, after = frames[:, :-2], frames[:, 1:-1], frames[:, 2:]
    expected = own.clamp(
        torch.minimum(before, after) - _init_weights.TOLERANCE / 2,
        torch.maximum(before, after) + _init_weights.TOLERANCE / 2,
    )
    torch.testing.assert_close(restored[:, 1:-1], expected, atol=0.01, rtol=0)
    torch.testing.assert_close(restored[:, [0, -1]], frames[:, [0, -1]], atol=0.01, rtol=0)
    assert torch.all(masks == 0.5)


def test_untrained_it_follows_the_flow():
    torch.manual_seed(0)
    wide, model = torch.rand(1, 1, 1, 32, 64), build("rtn").eval()
    frames = torch.cat([wide[..., i : i + 48] for i in (0, 4, 8)], 1)
    spoilt = frames.clone()
    spoilt[0, 1, 0, 10:20, 20:30] = 1
    right = torch.zeros(1, 2, 2, 32, 48)
    right[:, :, 0] = 4  # where a frame's pixel lies in the frame before
    restored = model(spoilt, (right, -right))
    torch.testing.assert_close(restored[..., 5:-5], frames[..., 5:-5], atol=0.04, rtol=0)
