"""What holds for every registered model that restores, including those that will be added."""

import copy
import dataclasses
import inspect

import pytest
import torch

from degrade.core.errors import SourceError, SpecError
from degrade.models import build, cards, get, models
from degrade.models._card import ModelCard
from degrade.models._stream import restore
from degrade.models._weights import read_about, save
from degrade.models.base import RestorationModel, Restored

NAMES = [name for name in models.names() if issubclass(get(name), RestorationModel)]
LEARNING = [name for name in NAMES if any(p.requires_grad for p in build(name).parameters())]
# Small enough to be run for every model on every change.
SIZE = (24, 40)


def clip(batch=1, length=3, channels=3, size=SIZE):
    return torch.rand(batch, length, channels, *size)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(2, 3, 3, 24, 40), (1, 1, 3, 16, 16), (1, 2, 1, 17, 31), (1, 4, 1, 33, 19)])
def test_shape_range_and_type(network, name, shape):
    frames = torch.rand(shape)
    before = frames.clone()
    with torch.no_grad():
        restored = network(name)(frames)
    assert restored.shape == frames.shape
    assert restored.dtype == torch.float32
    assert restored.isfinite().all()
    assert restored.min() >= 0
    assert restored.max() <= 1
    assert torch.equal(frames, before)  # the input is the caller's


@pytest.mark.parametrize("name", NAMES)
def test_batch_of_two_is_twice_a_batch_of_one(network, name):
    frames = clip(batch=2)
    with torch.no_grad():
        both = network(name)(frames)
        each = torch.cat([network(name)(one[None]) for one in frames])
    torch.testing.assert_close(both, each, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_deterministic(network, name):
    frames = clip()
    with torch.no_grad():
        assert torch.equal(network(name)(frames), network(name)(frames))


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_autocast(network, name):
    frames = clip(length=2, size=(16, 16))
    with torch.no_grad():
        full = network(name)(frames)
        with torch.autocast("cpu", torch.bfloat16):
            half = network(name)(frames)
    assert half.dtype == torch.float32
    assert (half - full).abs().mean() < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_frames(network, name):
    frames = clip(length=2, size=(16, 16)).bfloat16()
    with torch.no_grad():
        restored = copy.deepcopy(network(name)).bfloat16()(frames)
    assert restored.dtype == torch.bfloat16
    assert restored.shape == frames.shape


@pytest.mark.parametrize("name", LEARNING)
def test_gradient_reaches_every_parameter(name):
    model = build(name).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(2):  # layers that begin at zero pass no gradient on until they have moved
        optimizer.zero_grad()
        made = model(clip(batch=2, size=(32, 32)), return_masks=model.card.masks)
        sum(part.square().mean() for part in (made if model.card.masks else [made])).backward()
        optimizer.step()
    without = [key for key, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert not without


def test_clips_only_outside_training():
    class Brighter(RestorationModel):
        card = ModelCard(summary="adds 1", source="this test")

        def restore(self, frames, flows):
            return Restored(frames + 1)

    assert Brighter().train()(clip()).min() >= 1
    assert torch.equal(Brighter().eval()(clip()), torch.ones(1, 3, 3, *SIZE))


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(network, name, tmp_path):
    model, frames = network(name), clip()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.01 * torch.randn_like(p))
        save(model, tmp_path / "w.safetensors")
        again = build(name, weights=tmp_path / "w.safetensors").eval()
        assert torch.equal(model(frames), again(frames))


@pytest.mark.parametrize("name", NAMES)
def test_card(network, name):
    card, model = network(name).card, network(name)
    assert cards()[name] in (card, None)  # read from the file without running it; None: of another package
    assert card.parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)
    for field in ("summary", "source", "code_licence"):
        assert getattr(card, field), field
    assert 0 <= card.overlap <= card.window // 2
    assert dataclasses.is_dataclass(card)
    for parameter in inspect.signature(type(model)).parameters.values():
        assert parameter.default is not parameter.empty, "must be buildable without arguments"
    assert type(model).__doc__


@pytest.mark.parametrize("name", NAMES)
def test_masks_and_flows_where_the_card_says_so(network, name):
    model, frames = network(name), clip()
    still = torch.zeros(1, 2, 2, *SIZE)
    with torch.no_grad():
        if model.card.masks:
            restored, masks = model(frames, return_masks=True)
            assert torch.equal(restored, model(frames))
            assert masks.shape == (1, 3, 1, *SIZE)
            assert 0 <= masks.min() <= masks.max() <= 1
        else:
            with pytest.raises(SpecError, match="makes no masks"):
                model(frames, return_masks=True)
        if model.card.flow:
            assert not torch.equal(model(frames, (still, still)), model(frames, (still + 4, still + 4)))
        else:
            with pytest.raises(SpecError, match="uses no optical flow"):
                model(frames, (still, still))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (torch.rand(3, 3, 24, 24), r"frames must be \(B, T, C, H, W\), got \(3, 3, 24, 24\)"),
        (torch.rand(1, 3, 4, 24, 24), r"must have 1 or 3 channels \(axis 2\), got 4"),
        (torch.rand(1, 0, 3, 24, 24), "at least one clip of one frame"),
        (torch.full((1, 2, 3, 24, 24), torch.nan), "NaN or infinite"),
        (torch.full((1, 2, 3, 24, 24), 200.0), r"must lie in \[0, 1\], found 200 to 200"),
        (torch.zeros((1, 2, 3, 24, 24), dtype=torch.uint8), r"floating point in \[0, 1\], got torch.uint8"),
    ],
)
def test_bad_frames(network, name, frames, message):
    with pytest.raises(SourceError, match=message) as caught:
        network(name)(frames)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "input"])
def test_too_small(network, name):
    least = network(name).card.min_size
    with pytest.raises(SourceError, match=f"at least {least} pixels high and wide, got {least - 1}×{least}"):
        network(name)(torch.rand(1, 2, 3, least - 1, least))


# Learning rate of Adam, and the steps within which the error on one tiny dusty clip falls to a quarter.
LEARNS = {
    "basicvsr": (1e-3, 100),
    "deepremaster": (2e-3, 100),
    "rtn": (5e-4, 200),
    "swin_frame": (2e-3, 100),
    "unet": (1e-3, 100),
}
SMALLER = {"rrtn": {"dim": 32, "groups": 1}}  # than the default, which takes a minute


@pytest.mark.parametrize("name", LEARNING)
def test_overfits_one_clip(name, moving, dusty):
    rate, steps = LEARNS.get(name, (1e-3, 200))
    torch.manual_seed(1)
    clean = moving(2, 32, 32)
    damaged, _ = dusty(clean)
    model = build(name, **SMALLER.get(name, {})).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    start = (damaged - clean).square().mean()
    for _ in range(steps):
        loss = (model(damaged) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < start / 4:
            return
    pytest.fail(f"error {loss.item():.2g} after {steps} steps, the damage's was {start.item():.2g}")


@pytest.mark.parametrize("name", [name for name in NAMES if get(name).card.fills])
def test_fills_what_masks_of_the_caller_mark_and_nothing_else(network, name):
    torch.manual_seed(0)
    frames = 0.4 + 0.2 * torch.nn.functional.interpolate(torch.rand(5, 3, 6, 10), size=SIZE, mode="bilinear")[None]
    masks = torch.zeros(1, 5, 1, *SIZE)
    masks[:, 2, :, 8:12, 16:20] = 1
    damaged = torch.where(masks > 0, 1.0, frames)
    with torch.no_grad():
        restored, returned = network(name)(damaged, masks=masks, return_masks=True)
    assert torch.equal(returned, masks)
    hole = (masks > 0).expand_as(frames)
    assert torch.equal(restored[~hole], damaged[~hole])
    assert (restored - frames)[hole].abs().mean() < 0.2 * (damaged - frames)[hole].abs().mean()
    part = restore(network(name), damaged, tile=128, masks=masks)
    torch.testing.assert_close(part, restored)
    with pytest.raises(SourceError, match=r"masks must be \(B, T, 1, H, W\) = \(1, 5, 1, 24, 40\), got"):
        network(name)(damaged, masks=masks[:, 1:])
    with pytest.raises(SourceError, match=r"masks must lie in \[0, 1\], found 0 to 2"):
        network(name)(damaged, masks=2 * masks)


def test_models_that_fill_nothing_refuse_masks(network):
    with pytest.raises(SpecError, match="Input fills no masks that others made"):
        network("input")(clip(), masks=torch.zeros(1, 3, 1, *SIZE))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda seen: seen, "must return Restored.frames, masks., got Tensor"),
        (lambda seen: Restored(seen[:, 1:], None), r"must return frames of the shape \(1, 3, 3, 24, 40\), got \(1, 2,"),
        (lambda seen: Restored(seen.repeat_interleave(2, -1), None), "must return frames of the shape"),
        (lambda seen: Restored(seen / 0, None), "made frames that are not finite"),
        (lambda seen: Restored(seen, seen), r"must return masks of the shape \(1, 3, 1, 24, 40\)"),
    ],
)
def test_what_a_model_makes_is_checked(made, message):
    class Mistaken(get("input")):
        def restore(self, frames, flows=None, masks=None):
            return made(frames)

    with pytest.raises(SpecError, match=message):
        Mistaken().eval()(clip())


def test_arguments_that_end_on_weights_are_kept(tmp_path):
    model = build("unet")
    model.config = {**model.config, "normalize_weights": True, "flow_weights": "raft.pth"}
    save(model, tmp_path / "a.safetensors")
    kept = read_about(tmp_path / "a.safetensors")["config"]
    assert kept["normalize_weights"] is True
    assert "flow_weights" not in kept
