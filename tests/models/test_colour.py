"""Colour films under weights that were trained on grey film."""

import pytest
import torch

from degrade.models import build, bundled, save
from degrade.models._chroma import luma, recoloured

SEPIA = torch.tensor([1.05, 0.9, 0.75]).reshape(3, 1, 1)


def saturation(frames):
    """R − Y and B − Y."""
    return (frames - luma(frames))[..., [0, 2], :, :]


@pytest.mark.parametrize("name", ["rtn", "detect_fill", "unet", "basicvsr", "swin_frame"])
def test_a_tint_stays(name, moving):
    grey = moving(4, 48, 64).mean(2, keepdim=True)
    model = build(name, bundled(name)).eval()
    with torch.no_grad():
        restored, alone = model(grey * SEPIA), model(luma(grey * SEPIA))
    shift = (saturation(restored) - saturation(grey * SEPIA)).mean((0, 1, 3, 4))
    assert shift.abs().max() < 1 / 255
    torch.testing.assert_close(luma(restored), alone, atol=0.02, rtol=0)


def test_the_colour_of_a_defect_goes_with_it():
    film = torch.full((1, 1, 3, 48, 64), 0.5) * SEPIA
    green, white, pale = torch.tensor([0.1, 1.0, 0.2]), torch.ones(3), torch.tensor([0.52, 0.47, 0.37])
    damaged = film.clone()
    for x, colour in ((8, green), (28, white), (48, pale)):
        damaged[..., 20:26, x : x + 6] = colour.reshape(3, 1, 1)
    clean = luma(film)
    restored = recoloured(damaged, clean)
    torch.testing.assert_close(restored[..., :40], film[..., :40], atol=2 / 255, rtol=0)
    as_it_was = saturation(damaged)[..., 40:]  # too small a change for a defect
    torch.testing.assert_close(saturation(restored)[..., 40:], as_it_was, atol=1e-6, rtol=0)
    torch.testing.assert_close(luma(restored), clean)


def test_flicker_leaves_colour_alone(moving):
    film = moving(2, 32, 32)
    restored = recoloured(film * 0.9, luma(film * 0.9) + 0.2)
    torch.testing.assert_close(saturation(restored), saturation(film * 0.9), atol=1e-6, rtol=0)


def test_what_weights_were_trained_on_travels_with_them(tmp_path):
    model = build("unet", channels=2)
    assert model.color is None
    for color in ("grey", "rgb"):
        model.color = color
        save(model, tmp_path / "w.safetensors")
        assert build("unet", tmp_path / "w.safetensors").color == color
    torch.save(model.state_dict(), tmp_path / "w.pth")
    assert build("unet", tmp_path / "w.pth", channels=2).color is None


def test_weights_of_colour_film_see_colour():
    model = build("unet", channels=2).eval()
    film = torch.rand(1, 1, 3, 16, 24)
    with torch.no_grad():
        before = model(film)
        model.color = "rgb"
        assert torch.equal(model(film), before)
        model.color = "grey"
        assert not torch.equal(model(film), before)


def test_detect_fill_sees_luma_anyway(moving, dusty):
    damaged, _ = dusty(moving(3, 32, 32))
    model = build("detect_fill").eval()
    with torch.no_grad():
        before = model(damaged)
        model.color = "grey"
        assert torch.equal(model(damaged), before)
