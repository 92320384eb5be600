"""The files that other tools read a dataset by, read as those tools read them."""

import csv
import glob
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from degrade import DatasetFolder, SpecError
from degrade.dataset.generate import generate
from degrade.dataset.verify import verify
from degrade.spec import Spec, parse

MakeSpec = Callable[..., Spec]
SPLITS = {"train": ["s0", "s1"], "val-a": ["s2", "s3"]}


def header_and_body(dataset: Path) -> tuple[dict, str]:
    """A README as the Hub takes it apart."""
    _, header, body = (dataset / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(header), body


@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_meta_info_is_read_as_basicsr_and_mmagic_read_it(make_spec: MakeSpec, tmp_path: Path, color: str) -> None:
    generate(make_spec(splits=SPLITS, color=color), tmp_path / "out")
    seen = []
    for split in SPLITS:
        for line in (tmp_path / f"out/meta_info_{split}.txt").read_text().splitlines():
            folder, count, shape = line.split(" ")  # as BasicSR's REDSDataset; mmagic takes the first
            for kind in ("lq", "gt"):
                frames = sorted(os.scandir(tmp_path / f"out/{split}/{kind}/{folder}"), key=lambda entry: entry.name)
                assert len(frames) == int(count)
                assert re.fullmatch(r"\(\d+,\d+,[13]\)", shape)
                picture = cv2.imread(frames[0].path, cv2.IMREAD_UNCHANGED)
                assert tuple(map(int, shape[1:-1].split(","))) == np.atleast_3d(picture).shape
            seen.append(folder)
    assert sorted(seen) == ["s0", "s1", "s2", "s3"]


def test_names_that_meta_info_cannot_hold_give_none(make_spec: MakeSpec, footage: Path, tmp_path: Path) -> None:
    (footage / "s1").rename(footage / "s 1")
    generate(make_spec(), tmp_path / "out")
    assert not list((tmp_path / "out").glob("meta_info*"))
    assert "lq/s 1/00000.png" in (tmp_path / "out/train/metadata.csv").read_text()
    assert verify(tmp_path / "out") == []


@pytest.mark.parametrize("masks", ["union", "none", "layers"])
def test_metadata_pairs_every_frame(make_spec: MakeSpec, tmp_path: Path, masks: str) -> None:
    generate(make_spec(splits=SPLITS, output={"masks": masks}), tmp_path / "out")
    kinds = ["lq", "gt"] if masks == "none" else ["lq", "gt", "mask"]
    for split in SPLITS:
        with (tmp_path / f"out/{split}/metadata.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == [*(f"{kind}_file_name" for kind in kinds), "frame"]
        for kind in kinds:
            named = [tmp_path / f"out/{split}" / row[f"{kind}_file_name"] for row in rows]
            assert sorted(named) == sorted((tmp_path / f"out/{split}/{kind}").rglob("*.png"))
        for row in rows:
            names = {Path(row[f"{kind}_file_name"]).parts[1:] for kind in kinds}
            assert {(name, int(Path(file).stem)) for name, file in names} == {(next(iter(names))[0], int(row["frame"]))}


@pytest.mark.parametrize(
    ("frames", "end"), [("png", ".png"), ("tiff", ".tif"), ("dpx", ".dpx"), ("ffv1", ".mkv"), ("webdataset", ".tar")]
)
def test_the_card_tells_tools_and_people_what_it_is(make_spec: MakeSpec, tmp_path: Path, frames: str, end: str) -> None:
    spec = make_spec(splits=SPLITS, output={"frames": frames}, name="reels", license="cc-by-4.0")
    generate(spec, tmp_path / "out")
    header, body = header_and_body(tmp_path / "out")
    assert header["license"] == "cc-by-4.0"
    assert header["pretty_name"] == "reels"
    assert header["size_categories"] == ["n<1K"]
    (config,) = header["configs"]
    assert [part["split"] for part in config["data_files"]] == ["train", "val_a"]  # \w+, as the Hub asks for
    for split, part in zip(SPLITS, config["data_files"], strict=True):
        found = {name for path in part["path"] for name in glob.glob(path, root_dir=tmp_path / "out")}
        wanted = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / f"out/{split}").rglob(f"*{end}")}
        assert found == wanted | ({f"{split}/metadata.csv"} if frames != "webdataset" else set())
    (block,) = re.findall(r"```yaml\n(.*?)```", body, re.S)
    assert parse(yaml.safe_load(block)) == spec
    assert "\n| train | 2 | 2 | 1" in body
    (picture,) = re.findall(r"!\[.*\]\((.*)\)", body)
    shown = cv2.imread(str(tmp_path / "out" / picture))
    assert shown.shape == (3 * 24, 4 * 32, 3)
    clip = next(iter(DatasetFolder(tmp_path / "out").clips))
    first = DatasetFolder(tmp_path / "out").read("gt", clip, 0, 1)[0]
    np.testing.assert_array_equal(shown[:24, :32], np.repeat(first, 3, axis=2))
    assert verify(tmp_path / "out", rerender=1) == []


def test_videos_are_listed_as_such(make_spec: MakeSpec, tmp_path: Path) -> None:
    generate(make_spec(output={"frames": "ffv1"}), tmp_path / "out")
    lines = (tmp_path / "out/train/metadata.csv").read_text().splitlines()
    assert lines[:2] == ["lq_file_name,gt_file_name,mask_file_name,frames", "lq/s0.mkv,gt/s0.mkv,mask/s0.mkv,5"]
    assert not list((tmp_path / "out").glob("meta_info*"))


@pytest.mark.parametrize(
    ("license", "told"),
    [
        (None, {}),
        ("cc0-1.0", {"license": "cc0-1.0"}),
        ("Courtesy of the archive", {"license": "other", "license_name": "courtesy-of-the-archive"}),
    ],
)
def test_the_licence_of_the_footage(make_spec: MakeSpec, tmp_path: Path, license: str | None, told: dict) -> None:
    spec = make_spec(license=license, clips={"limit": 1})
    assert spec.digest() == make_spec(clips={"limit": 1}).digest()
    generate(spec, tmp_path / "out")
    header, body = header_and_body(tmp_path / "out")
    assert {key: value for key, value in header.items() if key.startswith("license")} == told
    assert f"Licence of the footage: {license or 'not stated'}." in body
    with pytest.raises(SpecError, match=r"^license: "):
        make_spec(license="two\nlines")


def test_every_change_of_them_is_found(make_spec: MakeSpec, tmp_path: Path) -> None:
    generate(make_spec(), tmp_path / "out")
    names = ["README.md", "meta_info_train.txt", "sheet.png", "train/metadata.csv"]
    assert sorted(json.loads((tmp_path / "out/dataset.json").read_text())["shared_sha256"]) == names
    for name in names:
        path = tmp_path / "out" / name
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert verify(tmp_path / "out") == [f"{name}: differs from what was written"]
        path.unlink()
        assert verify(tmp_path / "out") == [f"{name}: missing"]
        path.write_bytes(data)
    (tmp_path / "out/meta_info_val.txt").write_text("")
    assert verify(tmp_path / "out") == ["meta_info_val.txt: not part of the dataset"]


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
def test_a_dataset_in_the_place_of_another_is_read(make_spec: MakeSpec, tmp_path: Path, frames: str) -> None:
    """Nothing that was kept of the first, as its sheet was made, is taken for the second."""
    for seed in (1, 2):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        generate(make_spec(seed=seed, output={"frames": frames}), tmp_path / "out")
        assert verify(tmp_path / "out", rerender=4) == []
