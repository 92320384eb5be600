"""A dataset that checks itself finds every change, and names it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from degrade import DatasetError, presets
from degrade.dataset import DatasetFolder
from degrade.dataset.generate import generate
from degrade.dataset.verify import verify
from degrade.spec import Spec


@pytest.fixture
def dataset(make_spec: Callable[..., Spec], tmp_path: Path) -> Path:
    generate(make_spec(output={"masks": "layers"}), tmp_path / "out")
    return tmp_path / "out"


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))


def findings(dataset: Path) -> list[str]:
    """What `verify` finds, also where a record can no longer be read."""
    try:
        return verify(dataset)
    except DatasetError as error:
        return [str(error)]


def test_untouched_dataset_has_no_problems(dataset: Path) -> None:
    assert verify(dataset, rerender=4) == []


@pytest.mark.parametrize("kind", ["lq", "gt", "mask", "mask.dust"])
def test_one_flipped_byte_is_found(dataset: Path, kind: str) -> None:
    flip(dataset / "train" / kind / "s1/00002.png", -20)
    (problem,) = verify(dataset)
    assert "s1: differs from what was written" in problem


@pytest.mark.parametrize("name", ["train/trace/s2.json", "manifest.csv", "dataset.json"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_byte_in_a_record_is_found(dataset: Path, name: str, place: float) -> None:
    path = dataset / name
    flip(path, int(path.stat().st_size * place))
    assert findings(dataset)


@pytest.fixture
def shards(make_spec: Callable[..., Spec], tmp_path: Path) -> Path:
    generate(make_spec(output={"frames": "webdataset", "masks": "layers"}), tmp_path / "shards")
    return tmp_path / "shards"


def test_shards_hold_the_hashes_of_folders(shards: Path, dataset: Path) -> None:
    assert verify(shards, rerender=2) == []
    rows = [DatasetFolder(folder).clips.values() for folder in (shards, dataset)]
    for one, other in zip(*rows, strict=True):
        assert one.id == other.id
        assert all(one.sha256(kind) == other.sha256(kind) for kind in ("lq", "gt", "mask"))


@pytest.mark.parametrize("place", [0.0, 0.001, 0.3, 0.6, 0.9, 0.9999])
def test_one_flipped_byte_in_a_shard_is_found(shards: Path, place: float) -> None:
    path = shards / "train/shards/s1.tar"
    flip(path, int(path.stat().st_size * place))
    assert any("s1.tar" in problem for problem in verify(shards))


def test_missing_shard_is_named(shards: Path) -> None:
    (shards / "train/shards/s2.tar").unlink()
    assert verify(shards) == ["train/shards/s2.tar: missing"]


def test_a_space_more_in_the_record_is_found(dataset: Path) -> None:
    path = dataset / "dataset.json"
    path.write_bytes(path.read_bytes().replace(b"\n ", b"\n\t", 1))
    assert verify(dataset) == ["dataset.json: changed"]


def test_missing_frame_is_named(dataset: Path) -> None:
    (dataset / "train/lq/s0/00003.png").unlink()
    assert "train/lq/s0/00003.png: missing" in verify(dataset)


@pytest.mark.parametrize("name", ["train/lq/s0/00099.png", "train/lq/other/00000.png", "notes.txt", "train/x/a"])
def test_extra_file_is_named(dataset: Path, name: str) -> None:
    (dataset / name).parent.mkdir(parents=True, exist_ok=True)
    (dataset / name).write_bytes(b"")
    assert f"{name}: not part of the dataset" in verify(dataset)


def test_missing_clip_and_layer_are_found(dataset: Path) -> None:
    shutil.rmtree(dataset / "train/gt/s3")
    shutil.rmtree(dataset / "train/mask.dust/s1")
    assert verify(dataset) == ["train/mask.dust/s1: missing", "train/gt/s3: missing"]


@pytest.mark.parametrize("frames", ["png", "ffv1"])
def test_missing_masks_are_named(make_spec: Callable[..., Spec], tmp_path: Path, frames: str) -> None:
    generate(make_spec(output={"masks": "layers", "frames": frames}), tmp_path / "out")
    end = ".mkv" if frames == "ffv1" else ""
    for kind in ("mask.dust", "mask.lines.scratch", "mask"):
        gone = [f"train/{kind}/{path.name}" for path in (tmp_path / f"out/train/{kind}").iterdir()]
        shutil.rmtree(tmp_path / f"out/train/{kind}")
        assert {f"{path}: missing" for path in gone} <= set(verify(tmp_path / "out"))
    assert not any("differs" in problem for problem in verify(tmp_path / "out"))
    assert all(problem.endswith(f"{end}: missing") for problem in verify(tmp_path / "out"))


@pytest.mark.parametrize("preset", ["film-heavy", "vhs", "rtn-code"])
def test_all_layers_of_a_clip_are_known(make_spec: Callable[..., Spec], tmp_path: Path, preset: str) -> None:
    generate(make_spec(pipeline=presets.read(preset), output={"masks": "layers"}), tmp_path / "out")
    assert verify(tmp_path / "out") == []


@pytest.mark.parametrize(("key", "value"), [("seed", 6), ("color", "rgb"), ("target", "sharpened")])
def test_changed_spec_is_found(dataset: Path, key: str, value: object) -> None:
    record = json.loads((dataset / "dataset.json").read_text())
    record["spec"][key] = value
    (dataset / "dataset.json").write_text(json.dumps(record))
    assert any("the spec was changed" in problem for problem in verify(dataset))


def test_rerender_finds_changed_footage_and_moved_source(dataset: Path, footage: Path, tmp_path: Path) -> None:
    moved = footage.rename(tmp_path / "moved")
    assert verify(dataset, rerender=2, source=str(moved)) == []
    shutil.copy(moved / "s1/000.png", moved / "s1/001.png")
    assert verify(dataset, rerender=4, source=str(moved)) == ["s1: its footage is not that from which it was made"]


def test_versions_are_named_where_pixels_differ(
    dataset: Path, footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**json.loads((dataset / "dataset.json").read_text())["versions"], "numpy": "9.1"}
    monkeypatch.setattr("degrade.dataset.verify.versions", lambda: here)
    assert verify(dataset, rerender=4) == []
    shutil.copy(footage / "s1/000.png", footage / "s1/001.png")
    first, second = verify(dataset, rerender=4)
    assert first == "s1: its footage is not that from which it was made"
    assert second == f"numpy was {np.__version__} and is 9.1"


def test_what_is_no_finished_dataset_is_said(tmp_path: Path, make_spec: Callable[..., Spec]) -> None:
    with pytest.raises(DatasetError, match="holds no dataset"):
        verify(tmp_path)
    (tmp_path / "begun/.generating").mkdir(parents=True)
    with pytest.raises(DatasetError, match="an unfinished dataset"):
        verify(tmp_path / "begun")
