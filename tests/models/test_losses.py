import math

import pytest
import torch
import torch.nn.functional as F
import torchvision

from degrade.core.errors import SourceError, SpecError
from degrade.models.losses import (
    Perceptual,
    TemporalPatchGAN,
    charbonnier,
    detection,
    discriminator_loss,
    gate,
    generator_loss,
    inside,
    l1,
)


def test_pixel_losses_by_hand():
    a, b = torch.tensor([0.0, 0.5, 1.0, 0.25]), torch.tensor([0.0, 1.0, 0.0, 0.25])
    assert l1(a, b).item() == pytest.approx(1.5 / 4)
    assert charbonnier(a, b).item() == pytest.approx((1e-3 + 0.25**0.5 + 1 + 1e-3) / 4, abs=1e-6)
    same = torch.full((4,), 0.5, requires_grad=True)
    charbonnier(same, same.detach()).backward()  # smooth where L1 has a corner
    assert torch.equal(same.grad, torch.zeros(4))


def test_loss_inside_the_damage_by_hand():
    clean, alpha = torch.zeros(1, 1, 3, 1, 4), torch.tensor([1.0, 0.5, 0.0, 0.0]).view(1, 1, 1, 1, 4)
    restored = torch.tensor([0.2, 0.4, 0.9, 0.9]).expand(1, 1, 3, 1, 4)
    assert inside(restored, clean, 4 * alpha).item() == pytest.approx((4 * 0.2 + 2 * 0.4) / 6)
    assert inside(restored, clean, 0 * alpha).item() == 0


def test_gate_loss_by_hand():
    alpha = torch.tensor([1.0, 0.05, 0.0, 0.0]).view(1, 1, 1, 1, 4)
    found = torch.tensor([0.25, 0.01, 0.5, 0.9]).view(1, 1, 1, 1, 4).requires_grad_()
    loss = gate(found, alpha)
    short, beyond = math.log(3) + math.log(3), math.log(9) - math.log(0.55 / 0.45)
    assert loss.item() == pytest.approx(short + beyond / 2, rel=1e-4)
    loss.backward()
    signs = found.grad.sign().flatten().tolist()
    assert signs == [-1, 0, 0, 1]  # more on the damage, less on sound pixels above 0.55, and nothing on faint rims
    assert gate(torch.tensor([0.76, 0.54]), torch.tensor([1.0, 0.0])).item() == 0
    sure = gate(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    assert sure.isfinite()


def test_detection_loss_by_hand():
    alpha = torch.tensor([1.0, 0.05, 0.0, 0.0]).view(1, 1, 1, 1, 4)
    found = torch.tensor([0.25, 0.01, 0.5, 0.9]).view(1, 1, 1, 1, 4).requires_grad_()
    loss = detection(found, alpha)
    assert loss.item() == pytest.approx(-(math.log(0.25) + math.log(0.5) + math.log(0.1)) / 3, rel=1e-4)
    loss.backward()
    assert found.grad.sign().flatten().tolist() == [-1, 0, 1, 1]  # nothing on faint rims
    assert detection(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])).isfinite()


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    features = torchvision.models.vgg16(weights=None).features
    torch.save({f"features.{k}": v.half() for k, v in features.state_dict().items()}, path)
    return path


def test_perceptual_is_the_weighted_sum_over_relus(vgg16):
    loss = Perceptual(vgg16, network="vgg16")
    x, y = torch.rand(1, 2, 3, 32, 32), torch.rand(1, 2, 3, 32, 32)
    state = {k.removeprefix("features."): v.float() for k, v in torch.load(vgg16, weights_only=True).items()}
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

    def relus(clip):
        """relu1_1, relu2_1, ... by the network's plan: two blocks of two convolutions, three of three."""
        z, position, first = (clip[0] - mean.view(3, 1, 1)) / std.view(3, 1, 1), 0, []
        for convolutions in (2, 2, 3, 3, 3):
            for i in range(convolutions):
                z = F.relu(F.conv2d(z, state[f"{position}.weight"], state[f"{position}.bias"], padding=1))
                position += 2
                if i == 0:
                    first.append(z)
            z, position = F.max_pool2d(z, 2), position + 1
        return first

    weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)
    expected = sum(w * (a - b).abs().mean() for w, a, b in zip(weights, relus(x), relus(y), strict=True))
    torch.testing.assert_close(loss(x, y), expected)
    assert loss(x, x).item() == 0
    x.requires_grad_()
    loss(x, y).backward()
    assert x.grad.any()
    assert not any(p.requires_grad for p in loss.parameters())


def test_perceptual_takes_grey(vgg16):
    loss = Perceptual(vgg16, network="vgg16")
    x, y = torch.rand(1, 1, 1, 32, 32), torch.rand(1, 1, 1, 32, 32)
    torch.testing.assert_close(loss(x, y), loss(x.repeat(1, 1, 3, 1, 1), y.repeat(1, 1, 3, 1, 1)))


def test_perceptual_with_published_weights(outside):
    loss = Perceptual(outside("weights/vgg16_features_torchvision_fp16.pth"), network="vgg16")
    picture = torch.rand(1, 1, 3, 32, 32)
    slight, strong = (loss(picture, (picture + s * torch.randn_like(picture)).clamp(0, 1)) for s in (0.02, 0.2))
    assert 0 < slight < strong


def test_perceptual_with_wrong_weights(vgg16, tmp_path):
    with pytest.raises(SourceError, match="does not fit Sequential"):
        Perceptual(vgg16, network="vgg19")
    with pytest.raises(SpecError, match="unknown network 'vgg18'; did you mean"):
        Perceptual(vgg16, network="vgg18")
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(SourceError, match="no convolutions of vgg19"):
        Perceptual(tmp_path / "a.pth")


def test_discriminator_is_the_released_one():
    critic = TemporalPatchGAN()
    assert sum(p.numel() for p in critic.parameters()) == 4_315_776  # 4.32 M
    scores = critic(torch.rand(2, 3, 3, 40, 64))
    assert scores.shape == (2, 128, 3, 2, 2)
    convolutions = [m for m in critic.layers if isinstance(m, torch.nn.Conv3d)]
    assert [c.out_channels for c in convolutions] == [64, 128, 128, 128, 128]
    critic.eval()
    for conv in convolutions:
        norm = torch.linalg.matrix_norm(conv.weight.flatten(1), ord=2)
        assert norm < 3  # near 1: power iteration has run only once or twice


def test_hinge_by_hand():
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-2.0, 0.5, 0.0])
    assert discriminator_loss(real, fake).item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1.5 + 1) / 3)
    assert generator_loss(fake).item() == pytest.approx(0.5)


def test_discriminator_learns_to_tell():
    torch.manual_seed(0)
    critic = TemporalPatchGAN(channels=1)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
    real, fake = torch.rand(1, 2, 1, 32, 32), torch.full((1, 2, 1, 32, 32), 0.5)
    for _ in range(15):
        loss = discriminator_loss(critic(real), critic(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1
    assert critic(real).mean() > critic(fake).mean()
