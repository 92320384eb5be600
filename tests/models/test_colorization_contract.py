"""What holds for every registered model that colours, including those that will be added."""

import dataclasses
import inspect

import pytest
import torch

from degrade.core.errors import SourceError, SpecError
from degrade.models import Reference, build, cards, colorize, get, models, save
from degrade.models._colorization import ColorizationModel
from degrade.models._lab import lab_to_rgb, rgb_to_lab

NAMES = [name for name in models.names() if issubclass(get(name), ColorizationModel)]
LEARNING = [name for name in NAMES if any(p.requires_grad for p in build(name).parameters())]
WITH_PICTURES = [name for name in NAMES if get(name).card.pictures]
SIZE = (24, 40)

SEAM = {"flow_propagation": 2.0, "rtn_color": 2.0, "deepremaster_color": 2.0}
"""Mean difference of a and b between a film in windows and in one pass; elsewhere it is none."""


@pytest.fixture(scope="module")
def film(moving):
    """`film(T)`: L, and the pictures in colour, of a clip that moves."""

    def make(length, size=SIZE):
        frames = moving(length, *size)
        return rgb_to_lab(frames)[:, :, :1], frames

    return make


def several(frames):
    """Key frames inside, before and after a clip of four frames, and of another size."""
    small = torch.nn.functional.interpolate(frames[:, 2], scale_factor=0.5, mode="area")
    return [Reference(frames[:, t], t) for t in (1, 3)] + [Reference(frames[:, 0], -3), Reference(small, 9)]


def given(name, frames):
    return [[], [Reference(frames[:, 0], 0)], several(frames)] + [
        [Reference(torch.rand(1, 3, 30, 17)), Reference(frames[:, 1], 1)] for _ in range(name in WITH_PICTURES)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_shape_range_and_type_with_any_references_and_l_is_kept(network, name, film):
    lightness, frames = film(4)
    before = lightness.clone()
    for references in given(name, frames):
        with torch.no_grad():
            ab = network(name)(lightness, references)
        assert ab.shape == (1, 4, 2, *SIZE)
        assert ab.dtype == torch.float32
        assert ab.isfinite().all()
        assert ab.abs().max() <= 128
    assert torch.equal(lightness, before)  # L is the caller's


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 16, 16), (1, 2, 1, 17, 31)])
def test_any_length_and_size(network, name, shape):
    with torch.no_grad():
        ab = network(name)(100 * torch.rand(shape), [Reference(torch.rand(1, 3, *shape[3:]), 0)])
    assert ab.shape == (1, shape[1], 2, *shape[3:])
    assert ab.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_key_frames_are_reproduced(network, name, film):
    lightness, frames = film(4)
    with torch.no_grad():
        ab = network(name)(lightness, several(frames))
    colors = torch.cat((lightness, ab), 2)
    for t in (1, 3):
        torch.testing.assert_close(lab_to_rgb(colors[:, t]), frames[:, t], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_key_frames_is_of_no_account(network, name, film):
    lightness, frames = film(4)
    with torch.no_grad():
        assert torch.equal(*(network(name)(lightness, order) for order in (several(frames), several(frames)[::-1])))


@pytest.mark.parametrize("name", NAMES)
def test_batch_of_two_is_twice_a_batch_of_one(network, name, film, moving):
    frames = torch.cat([film(3)[1], moving(3, *SIZE, seed=1)])
    lightness = rgb_to_lab(frames)[:, :, :1]
    with torch.no_grad():
        both = network(name)(lightness, [Reference(frames[:, 0], 0)])
        each = [network(name)(lightness[b : b + 1], [Reference(frames[b : b + 1, 0], 0)]) for b in (0, 1)]
    torch.testing.assert_close(both, torch.cat(each), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_deterministic(network, name, film):
    lightness, frames = film(4)
    for references in given(name, frames):
        with torch.no_grad():
            assert torch.equal(network(name)(lightness, references), network(name)(lightness, references))


@pytest.mark.parametrize("name", NAMES)
def test_windows_give_what_one_pass_gives(network, name, film):
    model = network(name)
    length = max(model.card.window, 6) + 5
    lightness, frames = film(length)
    references = [Reference(frames[:, 1], 1), Reference(frames[:, -2], length - 2)]
    with torch.no_grad():
        whole = model(lightness, references)
    part = colorize(model, lightness, references)
    assert part.shape == whole.shape
    assert (part - whole).abs().mean() <= SEAM.get(name, 1e-5)
    assert whole.abs().max() > 1 or not model.card.key_frames


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_autocast(network, name, film):
    lightness, frames = film(2, (16, 16))
    with torch.no_grad():
        full = network(name)(lightness, [Reference(frames[:, 0], 0)])
        with torch.autocast("cpu", torch.bfloat16):
            half = network(name)(lightness, [Reference(frames[:, 0], 0)])
    assert half.dtype == torch.float32
    assert (half - full).abs().mean() < 2


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_is_one_line(network, name, film):
    lightness, frames = film(3)
    picture = frames[:, 0]
    cases = [
        (lightness[0], [], r"lightness must be \(B, T, 1, H, W\), L of LAB, got \(3, 1, 24, 40\)"),
        (frames, [], r"L of LAB, got \(1, 3, 3, 24, 40\)"),  # a film in colour
        (lightness + 60, [], "must lie between 0 and 100"),
        (lightness * torch.nan, [], "must lie between 0 and 100"),
        (lightness.byte(), [], "must be floating point"),
        (lightness[:, :0], [], "at least one clip of one frame"),
        (lightness, [Reference(picture[0], 0)], r"the reference of frame 0 must be \(1, 3, h, w\)"),
        (lightness, [Reference(255 * picture, 0)], r"the reference of frame 0 must lie in \[0, 1\]"),
        (lightness, [Reference(picture, 1), Reference(picture, 1)], "two references show frame 1"),
        (
            lightness,
            [Reference(torch.rand(1, 3, 40, 24), 2)],
            "frame 2 is 24×40 pixels, which does not fit a film of 40×24",
        ),
    ]
    for given, references, message in cases:
        with pytest.raises(SourceError, match=message) as caught:
            network(name)(given, references)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_grey_reference_is_warned_of(network, name, film):
    lightness, frames = film(2)
    grey = frames[:, 0].mean(1, keepdim=True).expand(-1, 3, -1, -1)
    with pytest.warns(UserWarning, match="the reference of frame 1 is grey"), torch.no_grad():
        assert not network(name)(lightness, [Reference(grey, 1)])[:, 1].any()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITH_PICTURES and get(name).card.key_frames])
def test_models_that_need_a_time_say_so(network, name, film):
    lightness, frames = film(2)
    with pytest.raises(SpecError, match="needs to know which frame a reference shows"):
        network(name)(lightness, [Reference(frames[:, 0])])


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_pictures_without_a_time_give_colour(network, name, film):
    lightness, frames = film(2)
    with torch.no_grad():
        assert network(name)(lightness, [Reference(frames[:, 0])]).abs().mean() > 0.5


@pytest.mark.parametrize("name", LEARNING)
def test_gradient_reaches_every_parameter(name, moving):
    frames = torch.cat([moving(3, 32, 32), moving(3, 32, 32, seed=1)])
    lab = rgb_to_lab(frames)
    model = build(name).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    for _ in range(3):  # layers that begin at zero pass no gradient on until they have moved
        optimizer.zero_grad()
        (model(lab[:, :, :1], [Reference(frames[:, 0], 0)]) - lab[:, :, 1:]).square().mean().backward()
        optimizer.step()
    without = [key for key, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert not without


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(network, name, tmp_path, film):
    model, (lightness, frames) = network(name), film(2)
    save(model, tmp_path / "w.safetensors")
    again = build(name, weights=tmp_path / "w.safetensors" if list(model.parameters()) else None).eval()
    with torch.no_grad():
        results = [m(lightness, [Reference(frames[:, 0], 0)]) for m in (model, again)]
    assert torch.equal(*results)


@pytest.mark.parametrize("name", NAMES)
def test_card(network, name):
    model, card = network(name), network(name).card
    assert cards()[name] in (card, None)  # read from the file without running it; None: of another package
    assert card.kind == "colorization"
    assert card.parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)
    for field in ("summary", "source", "code_licence"):
        assert getattr(card, field), field
    assert 0 <= card.overlap <= card.window // 2
    assert dataclasses.is_dataclass(card)
    for parameter in inspect.signature(type(model)).parameters.values():
        assert parameter.default is not parameter.empty, "must be buildable without arguments"
    assert type(model).__doc__


LEARNS = {"rtn_color": (1e-4, 60), "deepremaster_color": (3e-4, 60)}
"""Learning rate of Adam, and the steps within which the error on one tiny clip falls to a half of what it was."""


@pytest.mark.parametrize("name", LEARNING)
def test_overfits_one_clip(name, moving):
    rate, steps = LEARNS.get(name, (1e-3, 200))
    torch.manual_seed(1)
    frames = moving(2, 32, 32)
    lab = rgb_to_lab(frames)
    model = build(name).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    start = None
    for _ in range(steps):
        loss = (model(lab[:, :, :1], [Reference(frames[:, 0], 0)]) - lab[:, :, 1:])[:, 1:].square().mean()
        start = loss.item() if start is None else start
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < start / 2:
            return
    pytest.fail(f"error {loss.item():.2g} after {steps} steps, {start:.2g} before")
