"""PyTorch datasets: a sample depends on its number alone, and holds what the library and the disk hold."""

import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from degrade import DatasetError, SpecError
from degrade.generate import generate
from degrade.spec import Spec

torch = pytest.importorskip("torch", reason="the adapters need PyTorch")
from degrade.adapters.torch import DegradedClips, PairedClips  # noqa: E402


@pytest.fixture
def clips(make_spec: Callable[..., Spec]) -> DegradedClips:
    return DegradedClips(make_spec(), samples=6, frames=2, crop=(16, 20), intervals=(1, 2))


def test_a_sample_depends_on_its_number_alone(clips: DegradedClips) -> None:
    forward = [clips[i] for i in range(6)]
    backward = [pickle.loads(pickle.dumps(clips))[i] for i in reversed(range(6))][::-1]
    for one, other in zip(forward, backward, strict=True):
        assert one["clip"] == other["clip"]
        for kind in ("lq", "gt", "mask"):
            assert torch.equal(one[kind], other[kind])
    assert len({sample["lq"].numpy().tobytes() for sample in forward}) == 6


def test_workers_change_nothing(clips: DegradedClips) -> None:
    alone = list(torch.utils.data.DataLoader(clips, 2))
    helped = list(torch.utils.data.DataLoader(clips, 2, num_workers=2, multiprocessing_context="spawn"))
    for one, other in zip(alone, helped, strict=True):
        assert torch.equal(one["lq"], other["lq"])
        assert torch.equal(one["mask"], other["mask"])


def test_samples_are_pairs(clips: DegradedClips) -> None:
    sample = clips[0]
    assert sample["lq"].shape == sample["gt"].shape == sample["mask"].shape == (2, 1, 16, 20)
    assert sample["lq"].dtype == torch.float32
    assert sample["lq"].min() >= 0
    assert sample["lq"].max() <= 1
    assert not torch.equal(sample["lq"], sample["gt"])


def test_bad_requests_are_one_line(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"sequence 's0' \(5 frames of 24×32\) is too small for samples of 6 frames"):
        DegradedClips(make_spec(), samples=1, frames=6, crop=(16, 16))
    with pytest.raises(SpecError, match="no sequence is in 'val'; splits are train"):
        DegradedClips(make_spec(), "val", samples=1, frames=2, crop=(16, 16))
    with pytest.raises(DatasetError, match="holds no finished dataset"):
        PairedClips(tmp_path)


@pytest.mark.parametrize("frames", ["png", "ffv1", "webdataset"])
def test_written_pairs_are_read_back(make_spec: Callable[..., Spec], tmp_path: Path, frames: str) -> None:
    generate(make_spec(output={"frames": frames}), tmp_path / "out")
    generate(make_spec(), tmp_path / "png")
    whole, cut = PairedClips(tmp_path / "out"), PairedClips(tmp_path / "out", frames=2)
    assert len(whole) == 4
    assert len(cut) == 2 + 3 + 3 + 4
    sample = whole[1]
    written = cv2.imread(str(tmp_path / f"png/train/lq/{sample['clip']}/00003.png"), -1)
    np.testing.assert_allclose(sample["lq"][3, 0].numpy(), written / 255, atol=1e-6)
    assert sample["lq"].shape == sample["gt"].shape == sample["mask"].shape
    assert torch.equal(cut[2]["gt"], sample["gt"][:2])
