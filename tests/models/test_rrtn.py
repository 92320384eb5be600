"""RRTN against a plain formulation that holds the released names."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import deform_conv2d

from degrade.core.errors import SourceError
from degrade.models import build
from degrade.models._weights import save
from degrade.models.rrtn import MOST_PASSES

PASSES = ("backward_1", "forward_1", "backward_2", "forward_2")


@pytest.fixture(scope="module")
def released(oracle):
    """A state dict in the authors' layout, without RAFT."""
    blocks = {name: value for name, value in oracle.random_state(derived=True).items() if "resblocks" in name}
    state = {}

    def conv(name, outputs, inputs):
        weight = torch.randn(outputs, inputs, 3, 3) * (1 / (9 * inputs)) ** 0.5
        state.update({f"{name}.weight": weight, f"{name}.bias": 0.1 * torch.randn(outputs)})

    torch.manual_seed(0)
    for name, inputs in (("feat_extract", 2), ("reconstruction", 80)):
        conv(f"{name}.conv_resblock.0", 16, inputs)
        for i in range(5):
            for part in ("conv1", "conv2"):
                conv(f"{name}.conv_resblock.2.{i}.{part}", 16, 16)
    for i, name in enumerate(PASSES):
        conv(f"deform_align.{name}", 16, 32)
        for layer, (inputs, outputs) in {0: (52, 16), 2: (16, 16), 4: (16, 16), 6: (16, 432)}.items():
            conv(f"deform_align.{name}.conv_offset.{layer}", outputs, inputs)
        way = name.replace("_1", "_resblocks").replace("_2", "_resblocks")
        state |= {n.replace(way, f"backbone.{name}"): v.clone() for n, v in blocks.items() if n.startswith(way)}
        conv(f"backbone.{name}.conv_first", 32, 32 + 16 * i)
    for name in ("upsample1.up_conv", "upsample2.up_conv", "conv_hr"):
        conv(name, 16, 16)
    conv("conv_last", 1, 16)
    return state


def learnt(state):
    return {name: v for name, v in state.items() if not name.endswith(("attn_mask", "relative_position_index"))}


def plain(oracle, state, x, forward, backward, to_third, to_third_last):
    """(B, T, 1, H, W) in [−1, 1] and flows -> the restored clip and the masks; the last two flows are for the ends."""
    warp, conv, length = oracle.warp, oracle.conv, x.shape[1]
    masks = []
    for t in range(length):
        after = warp(x[:, t + 1], backward[:, t]) if t < length - 1 else warp(x[:, -3], to_third_last)
        before = warp(x[:, t - 1], forward[:, t - 1]) if t > 0 else warp(x[:, 2], to_third)
        masks.append(((before - x[:, t]).abs() * (after - x[:, t]).abs()).sqrt())

    def residual_blocks(name, y):
        y = F.leaky_relu(conv(state, f"{name}.conv_resblock.0", y), 0.1)
        for i in range(5):
            block = f"{name}.conv_resblock.2.{i}"
            y = y + conv(state, f"{block}.conv2", F.relu(conv(state, f"{block}.conv1", y)))
        return y

    features = [residual_blocks("feat_extract", torch.cat([x[:, t], masks[t]], 1)) for t in range(length)]
    states = {}
    for name in PASSES:
        back = name.startswith("backward")
        order = list(range(length))[::-1] if back else list(range(length))
        flows = [backward[:, t] for t in order[1:]] if back else [forward[:, t - 1] for t in order[1:]]
        own, nothing = [], torch.zeros_like(features[0])
        for step, t in enumerate(order):
            now = nothing
            if step > 0:
                f1 = flows[step - 1]
                older, w2, f2 = nothing, nothing, torch.zeros_like(f1)
                if step > 1:
                    older = own[step - 2]
                    f2 = f1 + warp(flows[step - 2], f1)
                    w2 = warp(older, f2)
                y = torch.cat([warp(own[-1], f1), features[t], w2, f1, f2], 1)
                for i in (0, 2, 4):
                    y = F.leaky_relu(conv(state, f"deform_align.{name}.conv_offset.{i}", y), 0.1)
                o1, o2, m = torch.chunk(conv(state, f"deform_align.{name}.conv_offset.6", y), 3, 1)
                offset = 10 * torch.tanh(torch.cat([o1, o2], 1))
                half1, half2 = offset.chunk(2, 1)
                offset = torch.cat(
                    [half1 + f1[:, [1, 0]].repeat(1, 72, 1, 1), half2 + f2[:, [1, 0]].repeat(1, 72, 1, 1)], 1
                )
                weight, bias = (state[f"deform_align.{name}.{kind}"] for kind in ("weight", "bias"))
                both = torch.cat([own[-1], older], 1)
                now = deform_conv2d(both, offset, weight, bias, padding=1, mask=torch.sigmoid(m))
            seen = torch.cat([features[t], *[states[earlier][t] for earlier in states], now], 1)
            own.append(now + oracle.spatial_block(state, f"backbone.{name}", seen))
        states[name] = dict(zip(order, own, strict=True))
    out = []
    for t in range(length):
        y = residual_blocks("reconstruction", torch.cat([features[t], *[states[name][t] for name in PASSES]], 1))
        for name in ("upsample1.up_conv", "upsample2.up_conv", "conv_hr"):
            y = F.leaky_relu(conv(state, name, y), 0.1)
        out.append(x[:, t] + conv(state, "conv_last", y))
    return torch.stack(out, 1), torch.stack(masks, 1)


def flows_of(length, height, width, batch=1):
    return tuple(3 * torch.randn(batch, length - 1, 2, height, width) for _ in range(2))


def load(state, path, **config):
    torch.save({"netG": {f"module.{name}": value for name, value in state.items()}}, path)
    return build("rrtn", weights=path, **config).eval()


def test_parameters_are_those_of_the_release(released):
    assert sum(value.numel() for value in learnt(released).values()) == 2_235_809


@pytest.mark.parametrize("shape", [(1, 4, 32, 32), (2, 3, 16, 48)])
def test_equals_the_plain_formulation(released, oracle, tmp_path, shape, monkeypatch):
    batch, length, height, width = shape
    model = load(released, tmp_path / "first.pth").double()
    state = {name: value.double() for name, value in released.items()}
    grey = 0.2 + 0.6 * torch.rand(batch, length, 1, height, width, dtype=torch.double)
    own = tuple(flow.double() for flow in flows_of(length, height, width, batch))
    ends = tuple(flow.double() for flow in flows_of(2, height, width, 2 * batch))

    def estimated(frames):
        if frames.shape[1] == length:
            return own
        torch.testing.assert_close(frames[:batch, :, :1], grey[:, [0, 2]])
        torch.testing.assert_close(frames[batch:, :, :1], grey[:, [-3, -1]])
        return ends

    monkeypatch.setattr(model.flow, "forward", estimated)
    expected, masks = plain(oracle, state, 2 * grey - 1, *own, ends[1][:batch, 0], ends[0][batch:, 0])
    assert (expected - 2 * grey + 1).abs().mean() > 0.02
    model.train()  # so that nothing is clipped
    with torch.no_grad():
        restored, found = model(grey, return_masks=True)
    torch.testing.assert_close(restored, (expected + 1) / 2, atol=1e-9, rtol=0)
    torch.testing.assert_close(found, masks / 2, atol=1e-9, rtol=0)


def test_of_given_flows_those_of_the_ends_are_composed(released, oracle, tmp_path):
    # In double precision, since these random weights amplify the rounding of single precision.
    model = load(released, tmp_path / "first.pth").double().train()
    grey = torch.rand(1, 4, 1, 32, 32, dtype=torch.double)
    forward, backward = (flow.double() for flow in flows_of(4, 32, 32))
    released = {name: value.double() for name, value in released.items()}
    to_third = backward[:, 0] + F.grid_sample(
        backward[:, 1], grid(backward[:, 0]), padding_mode="border", align_corners=True
    )
    to_third_last = forward[:, 2] + F.grid_sample(
        forward[:, 1], grid(forward[:, 2]), padding_mode="border", align_corners=True
    )
    expected, _ = plain(oracle, released, 2 * grey - 1, forward, backward, to_third, to_third_last)
    with torch.no_grad():
        restored = model(grey, (forward, backward))
    torch.testing.assert_close(restored, (expected + 1) / 2, atol=1e-9, rtol=0)


def grid(flow):
    height, width = flow.shape[-2:]
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([(xs + flow[:, 0]) * 2 / (width - 1) - 1, (ys + flow[:, 1]) * 2 / (height - 1) - 1], 3)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("raft", ["", "spynet.", "spynet.module."])
def test_loads_released_names(released, tmp_path, prefix, raft):
    state = {f"{prefix}{name}": value for name, value in released.items()}
    if raft:
        state[f"{prefix}{raft}fnet.conv1.weight"] = torch.zeros(64, 3, 7, 7)
    torch.save(state, tmp_path / "rrtn_128_first.pth")
    network = build("rrtn", tmp_path / "rrtn_128_first.pth").first
    align, decoder = network.align["backward_2"], network.decoder
    assert torch.equal(align.weight, released["deform_align.backward_2.weight"])
    assert torch.equal(align.conv_offset[6].bias, released["deform_align.backward_2.conv_offset.6.bias"])
    assert torch.equal(network.features[2][3].conv2.weight, released["feat_extract.conv_resblock.2.3.conv2.weight"])
    names = ("upsample1.up_conv", "upsample2.up_conv", "conv_hr", "conv_last")
    for layer, name in zip((0, 2, 4, 6), names, strict=True):
        assert torch.equal(decoder[layer].weight, released[f"{name}.weight"])


def test_a_checkpoint_that_lacks_a_layer_says_which(released, tmp_path):
    state = {name: value for name, value in released.items() if name != "deform_align.forward_1.bias"}
    with pytest.raises(SourceError, match=r"1 missing \(first\.align\.forward_1\.bias\)"):
        load(state, tmp_path / "w.pth")


@pytest.mark.parametrize("length", [1, 2])
def test_clips_too_short_for_the_release(released, tmp_path, length):
    model, frames = load(released, tmp_path / "w.pth"), torch.rand(1, length, 1, 16, 16)
    with torch.no_grad():
        restored, masks = model(frames, return_masks=True)
    assert restored.isfinite().all()
    assert (masks.max() > 1e-3) == (length == 2)


def test_raft_is_given_what_its_authors_give_it(monkeypatch, released):
    model, seen = build("rrtn", flow="raft"), []
    monkeypatch.setattr(model.flow, "forward", lambda frames: seen.append(frames) or flows_of(2, 16, 16))
    grey = torch.rand(1, 2, 1, 16, 16)
    model(grey)
    torch.testing.assert_close(seen[0], (2 * grey - 1).expand(-1, -1, 3, -1, -1))


def test_colour_stays(released, tmp_path):
    model, frames = load(released, tmp_path / "w.pth").train(), torch.rand(1, 3, 3, 16, 32)
    with torch.no_grad():
        change = model(frames) - frames
    assert change.abs().mean() > 0.01
    torch.testing.assert_close(change, change[:, :, :1].expand_as(change))


def clip():
    """Grey frames and flows, in double precision."""
    flows = tuple(flow.double() for flow in flows_of(3, 16, 16))
    return torch.rand(1, 3, 1, 16, 16, dtype=torch.double), flows


@pytest.fixture
def recursive(released, tmp_path):
    """Both networks, the second of which changes little or much."""

    def make(strength):
        last = {n: v * (strength if n.startswith("conv_last") else 1) for n, v in released.items()}
        torch.save(last, tmp_path / "second.pth")
        model = load(released, tmp_path / "first.pth", recursive=True, second_weights=tmp_path / "second.pth")
        return model.double()

    return make


@pytest.mark.parametrize(("strength", "passes"), [(1e-4, 2), (1.0, MOST_PASSES)])
def test_the_second_network_goes_on_until_little_changes(recursive, monkeypatch, strength, passes):
    model, calls = recursive(strength), []
    once = model.once
    monkeypatch.setattr(model, "once", lambda network, x, flows: calls.append(network) or once(network, x, flows))
    frames, flows = clip()
    with torch.no_grad():
        restored = model(frames, flows)
        assert calls == [model.first, *[model.second] * (passes - 1)]
        x = 2 * frames - 1
        for network in tuple(calls):
            x, _ = once(network, x.clamp(-1, 1), flows)
    torch.testing.assert_close(restored, ((x + 1) / 2).clamp(0, 1), atol=1e-6, rtol=0)


def test_each_clip_of_a_batch_is_done_when_it_is(recursive):
    model = recursive(0.02)
    (rich, _), flat = clip(), torch.full((1, 3, 1, 16, 16), 0.5, dtype=torch.double)
    flows = tuple(torch.zeros(1, 2, 2, 16, 16) for _ in range(2))
    with torch.no_grad():
        both = model(torch.cat((flat, rich)), tuple(torch.cat((f, f)) for f in flows))
        each = torch.cat((model(flat, flows), model(rich, flows)))
    torch.testing.assert_close(both, each, atol=1e-9, rtol=0)


def test_of_both_networks_the_second_is_trained(recursive):
    model = copy.deepcopy(recursive(1.0)).train()
    model(*clip()).square().mean().backward()
    assert all(p.grad is None for p in model.first.parameters())
    assert all(p.grad is not None and p.grad.any() for p in model.second.parameters())


def test_both_networks_are_saved_and_loaded(recursive, tmp_path):
    model, (frames, flows) = recursive(1.0), clip()
    save(model, tmp_path / "both.safetensors")
    again = build("rrtn", tmp_path / "both.safetensors").double().eval()
    alone = build("rrtn", tmp_path / "both.safetensors", recursive=False).double().eval()
    with torch.no_grad():
        assert torch.equal(model(frames, flows), again(frames, flows))
        assert not torch.equal(model(frames, flows), alone(frames, flows))
    assert alone.second is None
