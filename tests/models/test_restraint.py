"""What a restrained model may change."""

import pytest
import torch
import torch.nn.functional as F

from degrade.core.errors import SpecError
from degrade.models import build
from degrade.models._restraint import GAIN, TRUST, grain, moved, restrained

SIZE, GRAIN = 32, 0.1
STILL = torch.zeros(1, 4, 2, SIZE, SIZE)


def held(restored: torch.Tensor, frames: torch.Tensor, flow: torch.Tensor = STILL) -> tuple[torch.Tensor, torch.Tensor]:
    """What restraint leaves of what a model that finds nothing has done, and what it finds itself."""
    return restrained(restored, frames, (flow, -flow), torch.zeros_like(frames[:, :, :1]), GRAIN)


def scene(size: int = SIZE) -> torch.Tensor:
    """Five grey frames of a still scene without grain, (1, 5, 3, H, W)."""
    torch.manual_seed(0)
    soft = F.interpolate(torch.rand(1, 1, size // 4, size // 4), (size, size), mode="bicubic").clamp(0, 1)
    return (0.3 + 0.4 * soft)[:, None].expand(1, 5, 3, size, size).clone()


@pytest.mark.parametrize("t", range(5))
def test_a_defect_that_both_neighbours_lack_may_go(t: int) -> None:
    clean = scene()
    damaged = clean.clone()
    damaged[:, t, :, 10:14, 10:14] += 0.25
    got, found = held(clean, damaged)
    inner = (0, t, slice(None), slice(11, 13), slice(11, 13))
    torch.testing.assert_close(got[inner], clean[inner], rtol=0, atol=0.005)  # as bright as the frame with the defect
    assert found.shape == (1, 5, 1, SIZE, SIZE)
    assert found[0, t, 0, 10:14, 10:14].min() == 1
    found[:, t, :, 8:16, 8:16] = 0
    assert found.max() < 0.1


def test_what_neither_the_frame_nor_its_neighbours_have_is_not_made_up() -> None:
    clean = scene()
    damaged = clean.clone()
    damaged[:, 2, :, 10:14, 10:14] += 0.25
    overdone = clean.clone()
    overdone[:, 2, :, 10:14, 10:14] -= 0.1
    got, _ = held(overdone, damaged)
    torch.testing.assert_close(got[:, 2], clean[:, 2], rtol=0, atol=0.005)


def test_what_the_neighbours_differ_by_is_no_defect() -> None:
    """The picture moves, and the flow has not seen it."""
    moving = torch.stack([scene()[:, t].roll(7 * t, -1) for t in range(5)], 1)
    smeared = moving.mean(1, keepdim=True).expand_as(moving)
    got, _ = held(smeared, moving)
    wanted, got = ((frames - moving).abs()[:, 1:4] for frames in (smeared, got))
    assert wanted.mean() > 0.06
    assert got.mean() < 0.5 * wanted.mean()


@pytest.mark.parametrize(("before", "after", "sure"), [(-9, 9, True), (-9, None, False), (None, None, False)])
def test_what_both_neighbours_have_close_by_has_moved(before: int | None, after: int | None, sure: bool) -> None:
    shape = torch.full((1, 3, 1, 256, 256), 0.6)
    for t, step in enumerate((before, 0, after)):
        if step is not None:
            shape[:, t, :, 100:112, 112 + step : 124 + step] = 0
    passing = moved(shape[:, 1], shape[:, 0], shape[:, 2], torch.tensor(0.01))
    assert ((passing[0, 0, 104:108, 117:119] > 0.5) == sure).all()


def test_what_the_model_is_sure_of_may_change_within_what_the_neighbours_have() -> None:
    frames, clean, flow = scene(128), scene(128), torch.zeros(1, 4, 2, 128, 128)
    frames[..., 40:44, 60:64] -= 0.06  # lasts, and is no line
    masks = torch.zeros_like(frames[:, :, :1])
    masks[..., 40:44, 60:64] = 1
    torch.testing.assert_close(held(clean, frames, flow)[0], frames, rtol=0, atol=0.02)
    got, _ = restrained(clean, frames, (flow, flow), masks, GRAIN)
    torch.testing.assert_close(got, clean, rtol=0, atol=0.01)
    got, _ = restrained(clean + 0.5, frames, (flow, flow), masks, GRAIN)
    assert (got - frames).abs().max() < TRUST + 0.02


def test_a_line_that_lasts_goes_as_the_model_says() -> None:
    damaged = scene()
    damaged[..., 12] += 0.25
    got, found = held(scene(), damaged)
    torch.testing.assert_close(got, scene(), rtol=0, atol=0.01)
    assert found[..., 12].min() > 0.8


def test_what_lasts_and_is_no_line_stays() -> None:
    film = scene(128)
    film[..., 40:44, 60:64] += 0.25
    got, _ = held(scene(128), film, torch.zeros(1, 4, 2, 128, 128))
    torch.testing.assert_close(got, film, rtol=0, atol=0.05)


def test_a_faint_defect_of_one_pixel_goes_whole() -> None:
    damaged = scene()
    damaged[:, 2, :, 10, 10] += 0.1
    got, _ = held(scene(), damaged)
    torch.testing.assert_close(got, scene(), rtol=0, atol=0.005)


@pytest.mark.parametrize(("t", "value", "goes"), [(2, 0.1, True), (2, 0.8, True), (2, 0.45, False), (1, 0.2, False)])
def test_a_defect_on_what_is_uncovered_goes_where_the_frames_beyond_tell(t: int, value: float, goes: bool) -> None:
    """Between the frames 2 and 3 something leaves a square; in frame 1, the one beyond is missing."""
    clean = scene()
    clean[:, : t + 1, :, 8:14, 8:14] = 0.3
    clean[:, t + 1 :, :, 8:14, 8:14] = 0.6
    damaged = clean.clone()
    damaged[:, t, :, 10:12, 10:12] = value
    got, _ = held(clean, damaged)
    left = (got - clean)[0, t, :, 10:12, 10:12].abs().max()
    assert left < 0.01 if goes else left > 0.08


def test_what_the_model_has_begun_is_finished_unless_it_is_large() -> None:
    damaged, begun = scene(), scene()
    damaged[:, 2, :, 10:14, 10:14] += 0.3
    begun[:, 2, :, 10:14, 10:14] += 0.2
    got, _ = held(begun, damaged)
    torch.testing.assert_close(got, scene(), rtol=0, atol=0.01)
    damaged, begun = scene(), scene()
    damaged[:, 2, :, 8:, 8:] += 0.3
    begun[:, 2, :, 8:, 8:] += 0.2
    got, _ = held(begun, damaged)
    torch.testing.assert_close(got[:, 2], begun[:, 2], rtol=0, atol=0.02)


def test_the_faint_rim_of_a_plain_defect_goes_with_it() -> None:
    damaged = scene()
    damaged[:, 2, :, 8:16, 8:16] += 0.02
    damaged[:, 2, :, 10:14, 10:14] += 0.3
    untouched = scene()
    untouched[:, 2] = damaged[:, 2]
    got, _ = held(untouched, damaged)
    torch.testing.assert_close(got, scene(), rtol=0, atol=0.01)
    damaged[:, 2, :, 10:14, 10:14] -= 0.3
    untouched[:, 2] = damaged[:, 2]
    got, _ = held(untouched, damaged)
    torch.testing.assert_close(got, untouched, rtol=0, atol=0.002)


def test_a_share_of_the_grain_may_go_everywhere_and_flicker_is_no_defect() -> None:
    flicker = torch.tensor([0, 0.1, -0.1, 0.05, 0])[:, None, None, None]
    soft = scene() + flicker
    frames = soft + 0.02 * torch.randn(1, 5, 1, SIZE, SIZE)
    most = GRAIN * grain(frames[:, 1, :1])
    assert 0.017 * GRAIN < most < 0.024 * GRAIN
    once = frames.clone()
    once[:, 1] = soft[:, 1]
    got, found = held(once, frames)
    near = (frames - soft)[:, [0, 2]].abs().amax(1, keepdim=True)  # of what the median with both neighbours draws on
    drawn = GRAIN * near.expand_as(frames) + 1e-4
    seen = (got - frames, soft - frames, drawn)
    change, wanted, drawn = (x[:, 1][found[:, 1].expand_as(x[:, 1]) == 0] for x in seen)
    assert change.abs().max() <= most + 1e-6
    assert (change * wanted >= 0)[wanted.abs() > drawn].all()
    assert (wanted.abs() > drawn).float().mean() > 0.8
    assert (change.abs() > 0.9 * torch.minimum(most, wanted.abs())).float().mean() > 0.7  # within what the three span
    got, _ = held(frames + 0.5, frames)
    assert (got - frames).max() < GAIN * 0.05


@pytest.mark.parametrize(("share", "left"), [(0.1, (0.9, 1)), (1, (0.5, 0.7))])
def test_what_is_still_becomes_the_median_by_the_share(share: float, left: tuple[float, float]) -> None:
    """A median of five frames has half of their grain."""
    frames = scene() + 0.02 * torch.randn(1, 5, 1, SIZE, SIZE)
    still = torch.zeros(1, 4, 2, SIZE, SIZE)
    got, _ = restrained(frames, frames, (still, still), torch.zeros_like(frames[:, :, :1]), share)
    noise = [(x - scene())[:, 2].std() for x in (got, frames)]
    assert left[0] < noise[0] / noise[1] < left[1]


def test_a_picture_without_grain_keeps_every_pixel_of_it() -> None:
    got, _ = held(scene() + 0.1, scene())
    torch.testing.assert_close(got, scene(), rtol=0, atol=0.002)


def test_one_frame_has_no_neighbours() -> None:
    frames = scene()[:, :1]
    got, found = held(frames + 0.2, frames, STILL[:, :0])
    assert torch.equal(got, frames + 0.2)
    assert found.shape == (1, 1, 1, SIZE, SIZE)
    assert not found.any()


def test_rtn_is_restrained_where_asked_and_trained_through_it() -> None:
    frames = scene()
    frames[:, 2, :, 8:16] += 0.2 * torch.rand(8, SIZE)
    torch.manual_seed(1)
    plain = build("rtn", groups=1, dim=16)
    plain.decoder[-1].bias.data += 0.3  # type: ignore[index,union-attr,operator]
    bound = build("rtn", groups=1, dim=16, restrained=True)
    bound.load_state_dict(plain.state_dict())
    with torch.no_grad():
        free, still = (model.eval()(frames) for model in (plain, bound))
        assert (free - frames).abs().mean() > 0.1
        assert (still - frames).abs().mean() < 0.05
    restored, found = bound.train()(frames, return_masks=True)
    masks = plain.train()(frames, return_masks=True).masks
    torch.testing.assert_close(restored, still)
    torch.testing.assert_close(found, masks)  # the loss is on what the gate finds
    restored.square().mean().backward()
    assert bound.decoder[-1].bias.grad.abs().max() > 0  # type: ignore[index,union-attr,operator]


@pytest.mark.parametrize("grain", [-1.0, float("nan"), float("inf")])
def test_grain_that_no_frame_has_is_refused(grain: float) -> None:
    with pytest.raises(SpecError, match=r"grain: .* must be 0 or more"):
        build("rtn", groups=1, dim=16, restrained=True, grain=grain)


def test_light_on_a_part_of_the_frame_is_no_defect() -> None:
    torch.manual_seed(1)
    clean = F.interpolate(torch.rand(1, 1, 40, 40), (160, 160), mode="bicubic").clamp(0, 1)
    frames = (0.3 + 0.4 * clean)[:, None].expand(1, 3, 3, 160, 160).clone()
    frames[:, 1, :, :, :80] += 0.04
    flow = torch.zeros(1, 2, 2, 160, 160)
    got, found = held(frames.mean(1, keepdim=True).expand_as(frames), frames, flow)
    lit = (0, 1, slice(None), slice(None), slice(0, 48))
    assert (got - frames)[lit].abs().max() < 0.005
    assert found[lit].max() < 0.1


def test_texture_that_moves_by_parts_of_a_pixel_is_no_defect() -> None:
    across = torch.arange(SIZE)
    frames = torch.stack([0.5 + 0.3 * torch.sin((across + 0.5 * t) * 1.3) for t in range(3)])
    frames = frames[None, :, None, None].expand(1, 3, 3, SIZE, SIZE)
    flow = torch.zeros(1, 2, 2, SIZE, SIZE)
    flow[:, :, 0] = 0.5  # the frame before is found half a pixel to the right
    _, found = held(frames, frames, flow)
    assert found[..., 4:-4].max() < 0.1
