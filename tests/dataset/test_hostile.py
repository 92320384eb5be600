"""Datasets of others: whatever their files say, they are read, or refused in one line."""

import csv
import io
import json
import random
import shutil
import tarfile
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tampering import ODD, changed, damaged, reseal

from degrade import DatasetError, DegradeError, SourceError
from degrade.dataset import DatasetFolder
from degrade.dataset.generate import generate
from degrade.dataset.records import file_hash
from degrade.dataset.traces import finished_record
from degrade.dataset.verify import verify
from degrade.spec import Spec

MakeSpec = Callable[..., Spec]


@pytest.fixture(params=["png"])
def dataset(request: pytest.FixtureRequest, make_spec: MakeSpec, tmp_path: Path) -> Path:
    """Two clips, with layers."""
    output = {"masks": "layers", "frames": request.param}
    generate(make_spec(clips={"limit": 2, "size": [12, 16]}, output=output), tmp_path / "out")
    return tmp_path / "out"


def rewrite(dataset: Path, clip: str, column: str, value: object) -> None:
    """Changes one value of the manifest, and the hashes with it."""
    path = dataset / "manifest.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | ({column: value} if row["clip"] == clip else {}) for row in rows)
    path.write_text(text.getvalue(), "utf-8", "surrogatepass")
    reseal(dataset)


def read_all(dataset: Path) -> None:
    """What the consumers of a dataset do: its clips, their frames, traces and masks."""
    folder = DatasetFolder(dataset)
    for clip in folder.clips.values():
        for kind in folder.kinds:
            assert folder.read(kind, clip.id).shape[:3] == (clip.frames, clip.height, clip.width)
        folder.trace(clip.id)
        folder.mask_paths(clip)
    verify(dataset)


def refusal(dataset: Path) -> str:
    """The line in which reading is refused."""
    with pytest.raises(DegradeError) as caught:
        read_all(dataset)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["..", ".", "", "../outside", "/etc", "a/b", "a\0b", "x" * 256])
def test_names_that_lead_out_of_the_folder_are_refused(dataset: Path, name: str) -> None:
    rewrite(dataset, "s0", "clip", name)
    assert "manifest.csv: damaged, not a table of clips: clip 1: clip: must name one folder" in refusal(dataset)


@pytest.mark.parametrize("name", ["..", "../train", "/etc", "", ".hidden", "a b"])
def test_splits_that_lead_out_of_the_folder_are_refused(dataset: Path, name: str) -> None:
    rewrite(dataset, "s0", "split", name)
    assert "manifest.csv: damaged, not a table of clips: clip 1: split: " in refusal(dataset)


def test_a_split_that_the_spec_does_not_have_is_refused(dataset: Path) -> None:
    rewrite(dataset, "s0", "split", "extra")
    rewrite(dataset, "s2", "split", "extra")
    assert "clip 's0': unknown split 'extra'; did you mean 'train'?" in refusal(dataset)


@pytest.mark.parametrize("column", ["start", "frames", "height", "width", "channels"])
@pytest.mark.parametrize("value", ["-1", "2.5", "1e3", "nan", "", "10000000000", "9" * 5000, "0x10", "two"])
def test_numbers_that_cannot_be_are_refused(dataset: Path, column: str, value: str) -> None:
    rewrite(dataset, "s0", column, value)
    assert f"not a table of clips: clip 1: {column}: " in refusal(dataset)


@pytest.mark.parametrize("dataset", ["png", "tiff", "dpx", "ffv1", "webdataset"], indirect=True)
@pytest.mark.parametrize(
    ("column", "value"), [("frames", 10**9), ("frames", 4), ("frames", 6), ("height", 10**9), ("width", 15)]
)
def test_numbers_that_do_not_agree_with_what_is_there_cost_nothing(dataset: Path, column: str, value: int) -> None:
    rewrite(dataset, "s0", column, value)
    folder = DatasetFolder(dataset)
    assert len(folder.clips) == 2
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match="5 frames of 12×16, where the manifest says "):
            folder.read("lq", "s0")
        with pytest.raises(DatasetError, match=r"s0\.json: changed"):
            folder.trace("s0")
        verify(dataset)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_thousand_million_frames_in_a_training_set_cost_nothing(dataset: Path) -> None:
    pytest.importorskip("torch", reason="the adapters need PyTorch")
    from degrade.adapters.torch import PairedClips

    rewrite(dataset, "s0", "frames", 10**9)
    tracemalloc.start()
    try:
        clips = PairedClips(dataset, frames=1)
        assert len(clips) > 10**9
        for asked in ({}, {"frames": 1}, {"frames": 1, "samples": 4}):
            with pytest.raises(DatasetError, match="5 frames of 12×16, where the manifest says 1000000000 of 12×16"):
                _ = PairedClips(dataset, **asked)[0]
        assert clips[10**9]["lq"].shape[0] == 1  # of the other clip
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_manifest_that_was_cut_off_is_refused_by_all(dataset: Path) -> None:
    path = dataset / "manifest.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    for cut in (b"".join(lines[:2]), path.read_bytes()[:-30], b"", b"".join(lines).replace(b"\n", b"\r\n")):
        path.write_bytes(cut)
        assert "manifest.csv: changed (its SHA-256 is not that in dataset.json)" in _said(lambda: _clips(dataset))
        assert verify(dataset) == ["manifest.csv: missing or changed"]


def _clips(dataset: Path) -> None:
    pytest.importorskip("torch", reason="the adapters need PyTorch")
    from degrade.adapters.torch import PairedClips

    PairedClips(dataset)


def _said(call: Callable[[], object]) -> str:
    with pytest.raises(DatasetError) as caught:
        call()
    return str(caught.value)


def test_rows_twice_or_in_another_form_are_refused(dataset: Path) -> None:
    path = dataset / "manifest.csv"
    header, first, second = path.read_text().splitlines(keepends=True)
    for text in (
        header + first + first,
        header + second + first,
        header,
        header + first.replace(",5,", ",05,") + second,
    ):
        path.write_text(text)
        reseal(dataset)
        assert "not in the form in which they are written" in refusal(dataset)
    path.write_text(header.replace("clip", "self", 1) + first)
    reseal(dataset)
    assert refusal(dataset).endswith("other columns")


def test_a_trace_of_another_clip_is_refused(dataset: Path) -> None:
    folder = DatasetFolder(dataset)
    shutil.copy(dataset / "train/trace/s2.json", dataset / "train/trace/s0.json")
    assert "s0.json: changed (it is not the trace of the manifest's clip 's0')" in refusal(dataset)
    rewrite(dataset, "s0", "trace_sha256", file_hash(dataset / "train/trace/s0.json"))
    assert "s0.json: changed" in refusal(dataset)
    assert finished_record(folder, folder.planned["s0"]) is None  # so that --resume makes it again


def test_a_missing_frame_moves_no_other(dataset: Path) -> None:
    (dataset / "train/lq/s0/00001.png").unlink()
    with pytest.raises(DatasetError, match="4 frames of 12×16, where the manifest says 5 of 12×16"):
        DatasetFolder(dataset).read("lq", "s0", 2, 3)


@pytest.mark.parametrize("dataset", ["webdataset"], indirect=True)
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE])
def test_a_shard_of_anything_but_files_is_refused(dataset: Path, kind: bytes) -> None:
    path = dataset / "train/shards/s0.tar"
    with tarfile.open(path, "a") as tar:
        link = tarfile.TarInfo("s0/00005.lq.png")
        link.type, link.linkname = kind, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(SourceError, match=r"s0\.tar: damaged shard"):
        DatasetFolder(dataset).read("lq", "s0")
    assert any("s0.tar: damaged shard" in problem for problem in verify(dataset))


def test_json_of_any_depth_is_one_line(dataset: Path) -> None:
    trace = dataset / "train/trace/s0.json"
    for path in (trace, dataset / "dataset.json"):
        path.write_text('{"a":' * 100_000)
        assert refusal(dataset).endswith(f"{path.name}: damaged, not JSON")


def trial(dataset: Path, draw: random.Random, kept: dict[str, bytes]) -> str:
    """Changes one file of a dataset and reads it: ``read``, ``refused``, or what else happened."""
    for name, data in kept.items():
        (dataset / name).write_bytes(data)
    name = draw.choice(list(kept))
    path = dataset / name
    if draw.random() < 0.5:
        path.write_bytes(damaged(kept[name], draw))
    elif name == "manifest.csv":
        rows = [row.split(b",") for row in kept[name].split(b"\n")]
        row = draw.choice(rows[:-1])
        row[draw.randrange(len(row))] = str(draw.choice(ODD)).encode("utf-8", "surrogatepass")
        path.write_bytes(b"\n".join(map(b",".join, rows)))
    else:
        path.write_text(json.dumps(changed(json.loads(kept[name]), draw)))
    try:
        if draw.random() < 0.8:
            _make_agree(dataset, name)
        read_all(dataset)
    except DegradeError as error:
        return "refused" if "\n" not in str(error) else f"{len(str(error).splitlines())} lines: {error!r}"
    except Exception as error:
        return f"{name}: {error!r:.300}"
    return "read"


def _make_agree(dataset: Path, name: str) -> None:
    """As far as the change allows it."""
    try:
        if name.endswith("s0.json"):
            rewrite(dataset, "s0", "trace_sha256", file_hash(dataset / name))
        reseal(dataset)
    except (ValueError, TypeError, RecursionError):
        pass


def trials(dataset: Path, seed: int, count: int) -> Counter[str]:
    kept = {name: (dataset / name).read_bytes() for name in ("manifest.csv", "dataset.json", "train/trace/s0.json")}
    draw = random.Random(seed)
    outcomes = Counter(trial(dataset, draw, kept) for _ in range(count))
    print(dict(outcomes))
    return outcomes


def test_a_changed_dataset_is_read_or_refused_in_one_line(dataset: Path) -> None:
    outcomes = trials(dataset, 1, 300)
    assert set(outcomes) == {"read", "refused"}, outcomes
    assert outcomes["refused"] > 150


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_changed_datasets_are_read_or_refused_in_one_line(dataset: Path, seed: int) -> None:
    assert set(trials(dataset, 100 + seed, 1000)) == {"read", "refused"}


def test_what_is_read_is_what_was_written(dataset: Path) -> None:
    read_all(dataset)
    folder = DatasetFolder(dataset)
    np.testing.assert_array_equal(folder.read("lq", "s0", 1, 3), folder.read("lq", "s0")[1:3])
