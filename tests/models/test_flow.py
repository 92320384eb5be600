import re

import pytest
import torch
from safetensors.torch import save_file

from degrade.core.errors import SourceError, SpecError
from degrade.models import build
from degrade.models._flow import DIS, make_flow, warp
from degrade.models._raft import Raft, to_torchvision
from degrade.models._weights import save


def test_warp_by_whole_pixels():
    x = torch.arange(1.0, 13).view(1, 1, 3, 4)
    flow = torch.zeros(1, 2, 3, 4)
    torch.testing.assert_close(warp(x, flow), x)
    flow[:, 0] = 1  # x first: each pixel takes its right neighbour
    torch.testing.assert_close(warp(x, flow)[0, 0, 0], torch.tensor([2.0, 3, 4, 0]))
    torch.testing.assert_close(warp(x, flow, "border")[0, 0, 0], torch.tensor([2.0, 3, 4, 4]))
    flow[:, 0], flow[:, 1] = 0, -1
    torch.testing.assert_close(warp(x, flow)[0, 0, :, 0], torch.tensor([0.0, 1, 5]))
    torch.testing.assert_close(warp(x, flow / 2)[0, 0, 1:, 0], torch.tensor([3.0, 7]))


def test_dis_points_to_the_neighbour(moving):
    frames = moving(4, 64, 72)
    forward, backward = DIS()(frames)
    assert forward.shape == backward.shape == (1, 3, 2, 64, 72)
    inner = (..., slice(16, -16), slice(16, -16))
    # The picture moves right by 1.2 and down by 0.7: on frame i, frame i+1 is found there; x comes first.
    for flow, sign in ((backward, 1), (forward, -1)):
        mean = flow[inner].mean((0, 1, 3, 4))
        torch.testing.assert_close(mean, sign * torch.tensor([1.2, 0.7]), atol=0.1, rtol=0)
    warped = warp(frames[:, 1], backward[:, 0])
    still = (frames[:, 1] - frames[:, 0])[inner].abs().mean()
    assert (warped - frames[:, 0])[inner].abs().mean() < 0.2 * still


def test_one_frame_has_no_flow():
    forward, backward = DIS()(torch.rand(2, 1, 3, 16, 16))
    assert forward.shape == backward.shape == (2, 0, 2, 16, 16)


def test_unknown_flow():
    with pytest.raises(SpecError, match=r"unknown flow 'diss'; did you mean 'dis'\?"):
        make_flow("diss")
    with pytest.raises(SpecError, match="'dis' takes no weights"):
        build("rtn", flow_weights="raft.pth")


@pytest.fixture(scope="module")
def raft():
    torch.manual_seed(0)
    module = Raft(updates=2)
    with torch.no_grad():
        for name, buffer in module.net.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(std=0.1)
    module.loaded = True
    return module


def test_raft_is_torchvisions(raft, oracle):
    frames = torch.rand(1, 3, 3, 128, 136)
    forward, backward = raft(frames)
    x = 2 * frames - 1
    for i in range(2):
        expected = raft.net(x[:, i], x[:, i + 1], num_flow_updates=2)[-1]
        torch.testing.assert_close(backward[:, i], expected, atol=1e-3, rtol=1e-3)
        expected = raft.net(x[:, i + 1], x[:, i], num_flow_updates=2)[-1]
        torch.testing.assert_close(forward[:, i], expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("length", "size"), [(2, (40, 50)), (1, (16, 16))])
def test_raft_at_any_size(raft, length, size):
    # torchvision's refuses sides under 128 and those that are no multiples of 8.
    forward, backward = raft(torch.rand(1, length, 3, *size))
    assert forward.shape == backward.shape == (1, length - 1, 2, *size)
    assert forward.isfinite().all()


# The layers of the authors' network, written out from their code's attribute names.
PRINCETON = """
fnet.conv1 fnet.layer1.0.conv1 fnet.layer1.0.conv2 fnet.layer1.1.conv1 fnet.layer1.1.conv2 fnet.layer2.0.conv1
fnet.layer2.0.conv2 fnet.layer2.0.downsample.0 fnet.layer2.1.conv1 fnet.layer2.1.conv2 fnet.layer3.0.conv1
fnet.layer3.0.conv2 fnet.layer3.0.downsample.0 fnet.layer3.1.conv1 fnet.layer3.1.conv2 fnet.conv2
cnet.norm1 cnet.conv1 cnet.layer1.0.conv1 cnet.layer1.0.conv2 cnet.layer1.0.norm1 cnet.layer1.0.norm2
cnet.layer1.1.conv1 cnet.layer1.1.conv2 cnet.layer1.1.norm1 cnet.layer1.1.norm2 cnet.layer2.0.conv1
cnet.layer2.0.conv2 cnet.layer2.0.norm1 cnet.layer2.0.norm2 cnet.layer2.0.norm3 cnet.layer2.0.downsample.0
cnet.layer2.0.downsample.1 cnet.layer2.1.conv1 cnet.layer2.1.conv2 cnet.layer2.1.norm1 cnet.layer2.1.norm2
cnet.layer3.0.conv1 cnet.layer3.0.conv2 cnet.layer3.0.norm1 cnet.layer3.0.norm2 cnet.layer3.0.norm3
cnet.layer3.0.downsample.0 cnet.layer3.0.downsample.1 cnet.layer3.1.conv1 cnet.layer3.1.conv2
cnet.layer3.1.norm1 cnet.layer3.1.norm2 cnet.conv2 update_block.encoder.convc1 update_block.encoder.convc2
update_block.encoder.convf1 update_block.encoder.convf2 update_block.encoder.conv update_block.gru.convz1
update_block.gru.convr1 update_block.gru.convq1 update_block.gru.convz2 update_block.gru.convr2
update_block.gru.convq2 update_block.flow_head.conv1 update_block.flow_head.conv2 update_block.mask.0
update_block.mask.2
"""


def princeton(raft):
    """The module's weights in the authors' layout: each layer looked up in the network by what it does."""
    net = raft.net
    encoders = {"fnet": net.feature_encoder, "cnet": net.context_encoder}
    update, state = net.update_block, {}
    for name in PRINCETON.split():
        head, *rest = name.split(".")
        if head in encoders:
            encoder = encoders[head]
            if len(rest) == 1:
                part = {"conv1": encoder.convnormrelu[0], "norm1": encoder.convnormrelu[1], "conv2": encoder.conv}
                layer = part[rest[0]]
            else:
                block = getattr(encoder, rest[0])[int(rest[1])]
                parts = {
                    "conv1": block.convnormrelu1[0],
                    "norm1": block.convnormrelu1[1],
                    "conv2": block.convnormrelu2[0],
                    "norm2": block.convnormrelu2[1],
                }
                if rest[0] != "layer1" and rest[1] == "0":
                    parts |= {"downsample.0": block.downsample[0], "downsample.1": block.downsample[1]}
                    parts["norm3"] = block.downsample[1]
                layer = parts[".".join(rest[2:])]
        elif rest[0] == "encoder":
            motion = update.motion_encoder
            layer = {
                "convc1": motion.convcorr1[0],
                "convc2": motion.convcorr2[0],
                "convf1": motion.convflow1[0],
                "convf2": motion.convflow2[0],
                "conv": motion.conv[0],
            }[rest[1]]
        elif rest[0] == "gru":
            gate, which = re.fullmatch(r"conv([zrq])([12])", rest[1]).groups()
            layer = getattr(getattr(update.recurrent_block, f"convgru{which}"), f"conv{gate}")
        elif rest[0] == "flow_head":
            layer = getattr(update.flow_head, rest[1])
        else:
            layer = {"0": net.mask_predictor.convrelu[0], "2": net.mask_predictor.conv}[rest[1]]
        state |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
    return state


def test_weights_of_the_authors_are_converted(raft):
    state = to_torchvision({f"module.{name}": value for name, value in princeton(raft).items()})
    expected = raft.net.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_raft_weights_from_a_file(raft, tmp_path):
    torch.save(princeton(raft), tmp_path / "raft-things.pth")
    flow = Raft(tmp_path / "raft-things.pth", updates=2)
    frames = torch.rand(1, 2, 3, 32, 32)
    torch.testing.assert_close(flow(frames), raft(frames))
    assert not any(p.requires_grad for p in flow.parameters())
    assert not flow.train().net.training


def test_rtn_takes_raft_from_a_released_checkpoint(raft, oracle, tmp_path):
    state = {**oracle.random_state(), **{f"spynet.{name}": value for name, value in princeton(raft).items()}}
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "netG.pth")
    model = build("rtn", weights=tmp_path / "netG.pth", flow="raft").eval()
    frames = torch.rand(1, 2, 3, 32, 32)
    model.flow.updates = 2
    torch.testing.assert_close(model.flow(frames), raft(frames))
    with torch.no_grad():
        assert model(frames).shape == frames.shape


@pytest.mark.parametrize("name", ["rtn", "basicvsr"])
def test_a_checkpoint_fits_either_flow(name, raft, tmp_path):
    torch.save(princeton(raft), tmp_path / "raft.pth")
    trained = build(name, flow="raft", flow_weights=tmp_path / "raft.pth")
    save(trained, tmp_path / "w.safetensors")
    (tmp_path / "raft.pth").unlink()
    again = build(name, weights=tmp_path / "w.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), trained.parameters(), strict=True))
    without = build(name, weights=tmp_path / "w.safetensors", flow="dis")
    assert sum(p.numel() for p in without.parameters()) == without.card.parameters
    save(without, tmp_path / "dis.safetensors")
    with pytest.raises(SourceError, match="flow 'raft' has no weights"):
        build(name, weights=tmp_path / "dis.safetensors", flow="raft")


def test_raft_without_weights(oracle, tmp_path):
    with pytest.raises(SourceError, match="flow 'raft' has no weights"):
        build("rtn", flow="raft")(torch.rand(1, 2, 3, 32, 32))
    save_file(oracle.random_state(), tmp_path / "netG.safetensors")
    with pytest.raises(SourceError, match="flow 'raft' has no weights"):
        build("rtn", weights=tmp_path / "netG.safetensors", flow="raft")(torch.rand(1, 2, 3, 32, 32))
