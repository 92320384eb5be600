"""Datasets of 16 bits keep what deep footage holds, as those of 8 do theirs."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from files import contents

from degrade.core.types import Array, as_clip, to_uint16
from degrade.dataset import DatasetFolder
from degrade.dataset.generate import generate
from degrade.dataset.verify import verify
from degrade.ops.dust import Dust
from degrade.spec import Spec
from degrade.spec.model import canonical

FRAMES = np.random.default_rng(0).integers(0, 65536, (6, 40, 56, 3), dtype=np.uint16)


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    folder = tmp_path / "deep/s1"
    folder.mkdir(parents=True)
    for t, frame in enumerate(FRAMES):
        cv2.imwrite(str(folder / f"{t:03d}.png"), frame[..., ::-1])
    return folder.parent


def spec_of(source: Path, **output: object) -> Spec:
    dust = {"dust": {"per_frame": [4, 6], "size": [0.05, 0.1]}}
    return Spec(source=str(source), pipeline=[dust, {"flicker": {}}], output=output, seed=3)


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
def test_full_precision_from_footage_to_dataset(deep: Path, tmp_path: Path, frames: str) -> None:
    generate(spec_of(deep, frames=frames, depth=16, masks="layers"), tmp_path / "out")
    assert verify(tmp_path / "out", rerender=1) == []
    dataset = DatasetFolder(tmp_path / "out")
    target, damaged, mask = (dataset.read(kind, "s1") for kind in ("gt", "lq", "mask"))
    assert (target == FRAMES).all()
    assert damaged.dtype == np.uint16
    assert mask.dtype == np.uint8
    again = dataset.replay("s1")
    assert (again.frames == damaged).all()
    assert (dataset.replay("s1", target).frames == damaged).all()
    assert (to_uint16(np.concatenate([pair.damaged for pair in dataset.rerender("s1")])) == damaged).all()


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
def test_resumed_and_split_to_the_same_bytes(
    deep: Path, tmp_path: Path, frames: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(deep, frames=frames, depth=16)
    generate(spec, tmp_path / "whole")
    monkeypatch.setattr("degrade.dataset.worker.PART_VALUES", 2 * FRAMES[0].size)
    generate(spec, tmp_path / "parts", workers=2)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    next((tmp_path / "parts/train/trace").iterdir()).unlink()
    generate(spec, tmp_path / "parts", resume=True)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_depth_is_part_of_the_digest_and_eight_is_as_if_not_given(deep: Path) -> None:
    plain, eight, sixteen = spec_of(deep), spec_of(deep, depth=8), spec_of(deep, depth=16)
    assert plain.digest() == eight.digest() != sixteen.digest()
    assert "depth" not in plain.resolved()["output"]
    assert Spec(**sixteen.resolved()) == sixteen
    content = {k: v for k, v in plain.resolved().items() if k not in ("name", "source", "license")}
    assert hashlib.sha256(canonical(content)).hexdigest() == plain.digest()


def test_torch_reads_them_in_full(deep: Path, tmp_path: Path) -> None:
    torch_datasets = pytest.importorskip("degrade.adapters.torch")
    generate(spec_of(deep, depth=16), tmp_path / "out")
    sample = torch_datasets.PairedClips(tmp_path / "out")[0]
    assert (to_uint16(sample["gt"].numpy().transpose(0, 2, 3, 1)) == FRAMES).all()
    drawn = torch_datasets.DegradedClips(spec_of(deep, depth=16), samples=1, frames=6, crop=(40, 56))[0]
    assert sorted(np.unique(to_uint16(drawn["gt"].numpy()))) == sorted(np.unique(FRAMES))


def test_every_level_comes_back() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256, 1)
    assert (to_uint16(as_clip(levels)) == levels).all()


@pytest.mark.parametrize("shape", [(40, 56), (40, 56, 3), (2, 40, 56, 3)])
def test_ops_take_and_give_sixteen_bits(shape: tuple[int, ...]) -> None:
    clip: Array = np.resize(FRAMES, shape)
    out = Dust(per_frame=(5, 8))(clip, seed=1)
    assert (out.frames.dtype, out.frames.shape) == (np.uint16, shape)
    sound = out.mask[..., 0] == 0
    assert (out.frames[sound] == clip[sound]).all()
    assert not (out.frames == clip).all()
    assert out._repr_png_()


def test_generate_keeps_the_bytes_of_eight_bits(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    generate(make_spec(), tmp_path / "a")
    generate(make_spec(output={"depth": 8}), tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
