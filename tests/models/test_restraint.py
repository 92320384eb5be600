"""What a restrained model may change."""

import pytest
import torch

from degrade.models import build
from degrade.models._restraint import FREE, GAIN, restrained

SIZE = 32
STILL = torch.zeros(1, 4, 2, SIZE, SIZE)


def scene() -> torch.Tensor:
    """Five grey frames of a still scene, (1, 5, 3, H, W)."""
    torch.manual_seed(0)
    return (0.3 + 0.4 * torch.rand(1, 1, 1, SIZE, SIZE)).expand(1, 5, 3, SIZE, SIZE).clone()


@pytest.mark.parametrize("t", range(5))
def test_a_defect_that_both_neighbours_lack_may_go(t: int) -> None:
    clean = scene()
    damaged = clean.clone()
    damaged[:, t, :, 10:14, 10:14] += 0.25
    got = restrained(clean, damaged, (STILL, STILL))
    inner = (0, t, slice(None), slice(11, 13), slice(11, 13))
    torch.testing.assert_close(got[inner], clean[inner])


def test_what_the_neighbours_differ_by_is_no_defect() -> None:
    """The picture moves, and the flow has not seen it."""
    moving = torch.stack([scene()[:, t].roll(7 * t, -1) for t in range(5)], 1)
    smeared = moving.mean(1, keepdim=True).expand_as(moving)
    wanted, got = ((frames - moving).abs()[:, 1:4] for frames in (smeared, restrained(smeared, moving, (STILL, STILL))))
    assert wanted.mean() > 4 * FREE
    assert got.mean() < 1.6 * FREE


def test_grain_may_go_everywhere_and_flicker_is_no_defect() -> None:
    frames = scene() * torch.tensor([1, 1.1, 0.9, 1.05, 1])[:, None, None, None]
    softened = frames + FREE * torch.sign(torch.randn_like(frames))
    torch.testing.assert_close(restrained(softened, frames, (STILL, STILL)), softened)
    got = restrained(frames + 0.5, frames, (STILL, STILL))
    assert (got - frames).max() < FREE + GAIN * 0.05


def test_one_frame_has_no_neighbours() -> None:
    frames = scene()[:, :1]
    assert torch.equal(restrained(frames + 0.2, frames, (STILL[:, :0], STILL[:, :0])), frames + 0.2)


def test_rtn_is_restrained_where_asked_and_trained() -> None:
    frames = scene()
    frames[:, 2, :, 8:16] += 0.2 * torch.rand(8, SIZE)
    torch.manual_seed(1)
    plain = build("rtn", groups=1, dim=16)
    plain.decoder[-1].bias.data += 0.3  # type: ignore[index,union-attr,operator]
    held = build("rtn", groups=1, dim=16, restrained=True)
    held.load_state_dict(plain.state_dict())
    with torch.no_grad():
        free, still = (model.eval()(frames) for model in (plain, held))
        assert (free - frames).abs().mean() > 0.1
        assert (still - frames).abs().mean() < 0.05
        torch.testing.assert_close(held.train()(frames), plain.train()(frames))
