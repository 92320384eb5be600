"""Damage as a module of PyTorch."""

from typing import Any

import numpy as np
import pytest

import degrade
from degrade import SourceError, SpecError
from degrade.ops import Dust, Noise, Pipeline

torch = pytest.importorskip("torch", reason="the adapter needs PyTorch")
from degrade.adapters.torch import Degrade  # noqa: E402

OPS = [Dust(per_frame=30), Noise()]


def clips(*shape: int) -> Any:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_a_clip_is_damaged_as_by_the_pipeline() -> None:
    given = clips(3, 1, 24, 32)
    before = given.clone()
    out, mask = Degrade(OPS, seed=5, masks=True)(given)
    expected = Pipeline(OPS)(given.numpy().transpose(0, 2, 3, 1), seed=5, clip_id="0-0")
    np.testing.assert_array_equal(out.numpy(), expected.frames.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(mask.numpy(), expected.mask.transpose(0, 3, 1, 2))
    assert torch.equal(given, before)


def test_each_clip_has_damage_of_its_own_whatever_the_batch() -> None:
    one = clips(1, 2, 3, 24, 32).expand(4, -1, -1, -1, -1)
    damage = Degrade(OPS, seed=1)
    batch = damage(one)
    assert batch.shape == one.shape
    assert len({frames.numpy().tobytes() for frames in [*batch, *damage(one)]}) == 8
    singly = Degrade(OPS, seed=1)
    assert torch.equal(torch.stack([singly(clip) for clip in one]), batch)
    assert torch.equal(damage(one[0], index=2), batch[2])
    assert int(damage.count) == 8
    assert not torch.equal(Degrade(OPS, seed=2)(one), batch)


def test_a_resumed_run_goes_on_with_other_damage() -> None:
    given = clips(2, 1, 24, 32)
    first = Degrade("film-medium", seed=1)
    first(given)
    resumed = Degrade("film-medium", seed=1)
    resumed.load_state_dict(first.state_dict())
    assert torch.equal(resumed(given), first(given))
    assert first.pipeline == degrade.load("film-medium")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float64])
def test_type_and_shape_are_kept(dtype: Any) -> None:
    given = clips(2, 3, 24, 32).double()
    given = (given * 255).to(dtype) if dtype == torch.uint8 else given.to(dtype)
    out, mask = Degrade(Dust(per_frame=30), seed=1, masks=True)(given)
    assert (out.dtype, out.shape, mask.dtype, mask.shape) == (dtype, given.shape, torch.float32, (2, 1, 24, 32))
    untouched = (mask == 0).expand_as(given)
    assert torch.equal(out[untouched], given[untouched])
    assert not torch.equal(out, given)


class Numbered(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Damages one clip in the workers."""

    def __init__(self, by_index: bool) -> None:
        self.damage, self.by_index = Degrade(OPS, seed=1), by_index

    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> Any:
        return self.damage(clips(2, 1, 24, 32), index=i if self.by_index else None)


def test_workers_need_the_number_of_the_sample() -> None:
    loader = torch.utils.data.DataLoader(Numbered(True), batch_size=4, num_workers=2)
    (batch,) = loader
    assert torch.equal(batch, Degrade(OPS, seed=1)(clips(2, 1, 24, 32).expand(4, -1, -1, -1, -1)))
    with pytest.raises(SpecError, match="index: is needed in a worker"):
        next(iter(torch.utils.data.DataLoader(Numbered(False), num_workers=1)))


def test_what_is_no_clip_is_refused() -> None:
    with pytest.raises(SourceError, match=r"clips of shape \(3, 8, 8\)"):
        Degrade(OPS, seed=1)(clips(3, 8, 8))
    with pytest.raises(SourceError, match="C 1 or 3"):
        Degrade(OPS, seed=1)(clips(1, 2, 8, 8))
    with pytest.raises(SpecError, match="unknown preset 'film-medum'; did you mean 'film-medium'"):
        Degrade("film-medum", seed=1)
