"""DeepRemaster's colour network: names and size of the released checkpoint, its attention, its references."""

import pytest
import torch

from degrade.core.errors import SpecError
from degrade.models import Reference, build
from degrade.models._lab import rgb_to_lab
from degrade.models.deepremaster_color import Attention, together


def released_names():
    """Of its tensors, as described in the checkpoint that its authors released."""
    layers = [f"down1.{i}" for i in range(1, 10)] + [f"reffeatnet1.{i}" for i in range(9)]
    layers += [f"{part}.{i}" for part in ("flat", "down2", "up2", "up3") for i in (0, 1)]
    layers += [f"reffeatnet2.{i}" for i in range(3)] + ["conv1", "conv2", "up4.0", "up1.conv3d"]
    inner = ["conv3d.weight", "conv3d.bias"]
    inner += [f"bn.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]
    names = {f"{layer}.{name}" for layer in layers for name in inner} | {"up4.1.weight", "up4.1.bias"}
    for part in ("stattn1", "stattn2", "selfattn1", "selfattn2"):
        convolutions = {
            f"{part}.{kind}_conv.{name}" for kind in ("query", "key", "value") for name in ("weight", "bias")
        }
        names |= convolutions | {f"{part}.gamma"}
    return names


def test_names_and_number_of_parameters_are_those_of_its_authors():
    with torch.device("meta"):
        model = build("deepremaster_color", channels=64, norm="batch")
    assert set(model.state_dict()) == released_names()
    assert sum(p.numel() for p in model.parameters()) == 54_282_654
    assert model.down1[1].conv3d.weight.shape == (64, 1, 1, 3, 3)
    assert model.up1.conv3d.conv3d.weight.shape == (512, 1024, 3, 3, 3)
    assert model.stattn1.gamma.shape == (1,)


def test_a_checkpoint_with_both_networks_is_loaded(tmp_path):
    torch.manual_seed(0)
    model = build("deepremaster_color", channels=8, norm="batch")
    both = {"modelR": build("deepremaster", channels=2).state_dict(), "modelC": model.state_dict()}
    torch.save(both, tmp_path / "remasternet.pth.tar")
    again = build("deepremaster_color", tmp_path / "remasternet.pth.tar", channels=8, norm="batch")
    assert all(map(torch.equal, model.state_dict().values(), again.state_dict().values()))


def test_attention_is_that_of_the_paper():
    torch.manual_seed(0)
    attention = Attention(16)
    source, references = torch.randn(2, 16, 2, 3, 4), torch.randn(2, 16, 5, 2, 3)
    assert torch.equal(attention(source, references), source)  # before any training
    attention.gamma.data.fill_(0.7)
    made = attention(source, references)
    for b in (0, 1):
        query, key, value = (
            conv(x[b : b + 1])[0].flatten(1)
            for conv, x in (
                (attention.query_conv, source),
                (attention.key_conv, references),
                (attention.value_conv, references),
            )
        )
        told = value @ (query.T @ key).softmax(1).T
        torch.testing.assert_close(made[b].flatten(1), source[b].flatten(1) + 0.7 * told)


def test_references_of_any_shape_are_framed_together():
    wide, tall = torch.rand(1, 3, 20, 40), torch.rand(1, 3, 40, 20)
    made = together([rgb_to_lab(wide), rgb_to_lab(tall)], 32)  # of mean aspect 1.25
    assert made.shape == (1, 3, 2, 32, 48) or made.shape == (1, 3, 2, 32, 32)
    height, width = made.shape[-2:]
    assert made[:, :, 0, : round(width / 2)].mean() > 0.3
    assert not made[:, :, 0, round(width / 2) + 1 :].any()
    assert not made[:, :, 1, :, height // 2 + 1 :].any()


def test_references_are_seen_once_their_weight_has_grown():
    torch.manual_seed(0)
    model = build("deepremaster_color", channels=8, norm="batch").eval()
    lightness, pictures = 100 * torch.rand(1, 2, 1, 32, 32), torch.rand(2, 1, 3, 32, 32)
    with torch.no_grad():
        model.stattn1.gamma.fill_(1)
        alone, one, both = (
            model(lightness, [Reference(picture) for picture in pictures[:count]]) for count in (0, 1, 2)
        )
    assert not torch.equal(alone, one)
    assert not torch.equal(one, both)


def two_coloured(left, right):
    """A picture (1, 3, 64, 96) whose left half is smooth and whose right half is rough."""
    generator = torch.Generator().manual_seed(0)
    rough = 0.5 + 0.3 * (torch.rand(64, 48, generator=generator) - 0.5)
    halves = [torch.full((64, 48), 0.5), rough]
    return torch.cat(
        [grey + torch.tensor(shift)[:, None, None] for grey, shift in zip(halves, (left, right), strict=True)], 2
    )[None]


def test_untrained_it_gives_like_places_like_colours():
    torch.manual_seed(0)
    model = build("deepremaster_color").eval()
    picture = two_coloured((0.1, 0.0, -0.1), (-0.1, 0.0, 0.1))
    lab = rgb_to_lab(picture)
    mirrored = lab[:, None, :1].flip(-1)
    ab = model(mirrored, [Reference(picture)])[0, 0]
    wanted = lab[0, 1:].flip(-1)
    for half in (slice(8, 40), slice(56, 88)):
        made, meant = (x[:, 8:-8, half].mean((1, 2)) for x in (ab, wanted))
        assert (made - meant).norm() < 0.6 * meant.norm()
    assert model(mirrored)[0, 0].abs().max() < 2  # without a reference it is grey


@pytest.mark.parametrize("channels", [4, 20])
def test_widths_that_cannot_be_are_refused(channels):
    with pytest.raises(SpecError, match=f"must be a multiple of 8, got {channels}"):
        build("deepremaster_color", channels=channels)


def test_a_norm_that_is_none_is_refused():
    with pytest.raises(SpecError, match="norm"):
        build("deepremaster_color", norm="layer")
