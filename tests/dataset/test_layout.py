"""A dataset on disk is found, read and replayed through one module, which alone knows where its files lie."""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tampering import reseal
from test_architecture import MODULES

from degrade import DatasetError, SourceError, SpecError
from degrade.benchmark.task import load_task
from degrade.dataset import DatasetFolder, kinds, layout
from degrade.dataset.generate import generate
from degrade.dataset.traces import finished_record
from degrade.dataset.verify import verify
from degrade.spec import Spec

MakeSpec = Callable[..., Spec]


@pytest.fixture
def folder(make_spec: MakeSpec, tmp_path: Path) -> DatasetFolder:
    generate(make_spec(output={"masks": "layers"}), tmp_path / "out")
    return DatasetFolder(tmp_path / "out")


def test_clips_are_those_of_the_plan(folder: DatasetFolder) -> None:
    assert list(folder.clips) == list(folder.planned) == ["s0", "s1", "s2", "s3"]
    for name, clip in folder.clips.items():
        planned = folder.planned[name].model_dump(exclude={"id", "aspect"})
        assert planned.items() <= vars(clip).items()
        assert clip.fired == " ".join(folder.trace(name).fired())
        assert finished_record(folder, folder.planned[name]) == clip


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_what_is_read_is_what_renders_again(make_spec: MakeSpec, tmp_path: Path, frames: str, color: str) -> None:
    generate(make_spec(output={"masks": "layers", "frames": frames}, color=color), tmp_path / "out")
    folder = DatasetFolder(tmp_path / "out")
    assert folder.kinds == ["lq", "gt", "mask"]
    again = folder.replay("s2")
    channels = 1 if color == "grey" else 3
    assert again.frames.shape == (7, 24, 32, channels)
    np.testing.assert_array_equal(folder.read("lq", "s2"), again.frames)
    for label, mask in again.masks.items():
        np.testing.assert_array_equal(folder.read(kinds.layer(label), "s2"), np.ceil(mask * np.float32(255)))
    (pair,) = folder.rerender("s2", 2, 5)
    written = {kind: folder.read(kind, "s2", 2, 5) for kind, _ in kinds.encode(pair, "layers")}
    assert {"lq", "gt", "mask", "mask.dust"} < set(written)
    for kind, pixels in kinds.encode(pair, "layers"):
        assert pixels.shape == (3, 24, 32, 1 if "mask" in kind else channels)
        np.testing.assert_array_equal(written[kind], pixels)


def test_other_footage_is_fitted_and_gets_the_same_damage(folder: DatasetFolder) -> None:
    other = np.random.default_rng(0).integers(0, 256, (7, 30, 50, 3), np.uint8)
    dressed, again = folder.replay("s2", other), folder.replay("s2")
    np.testing.assert_array_equal(dressed.mask, again.mask)
    assert dressed.frames.shape == again.frames.shape
    assert not np.array_equal(dressed.frames, again.frames)
    with pytest.raises(SpecError, match="the trace is of a clip of shape"):
        folder.replay("s2", other[:3])


def test_footage_that_has_moved(folder: DatasetFolder, footage: Path, tmp_path: Path) -> None:
    before = folder.replay("s1").frames
    moved = footage.rename(tmp_path / "moved")
    with pytest.raises(SourceError, match="no such file or folder"):
        DatasetFolder(folder.path).replay("s1")
    np.testing.assert_array_equal(DatasetFolder(folder.path, source=str(moved)).replay("s1").frames, before)
    (moved / "s1").rename(moved / "s9")
    with pytest.raises(DatasetError, match="s1: the source no longer gives this clip"):
        DatasetFolder(folder.path, source=str(moved)).replay("s1")


def test_what_is_not_there_is_one_line(folder: DatasetFolder, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no dataset"):
        DatasetFolder(tmp_path / "none").record()
    with pytest.raises(DatasetError, match="holds no finished dataset"):
        _ = DatasetFolder(tmp_path / "none").clips
    with pytest.raises(DatasetError, match=r"unknown clip 's11'; did you mean 's1'\?"):
        folder.read("lq", "s11")
    with pytest.raises(SourceError, match="asked for frames 3 to 9, it has 6"):
        folder.read("lq", "s1", 3, 9)


@pytest.mark.parametrize("text", ["[]", "{}", '{"spec": {}}', '{"spec": 3}'])
def test_a_damaged_record_is_one_line(folder: DatasetFolder, text: str) -> None:
    folder.record_path.write_text(text)
    with pytest.raises(DatasetError, match=r"dataset\.json: damaged, not the record of a dataset"):
        _ = DatasetFolder(folder.path).spec


def test_a_damaged_manifest_is_one_line(folder: DatasetFolder) -> None:
    table = folder.manifest_path.read_text()
    for damaged in ("clip,split\ns1,train\n", table.replace(",24,32,", ",24,thirty,"), table[:-99]):
        folder.manifest_path.write_text(damaged)
        reseal(folder.path)
        with pytest.raises(DatasetError, match=r"manifest\.csv: damaged, not a table of clips"):
            _ = DatasetFolder(folder.path).clips


@pytest.mark.parametrize("text", ["[]", "{}", '{"trace": {"clip": {}, "steps": []}}'])
def test_a_damaged_trace_is_one_line(folder: DatasetFolder, text: str) -> None:
    path = folder.trace_path(folder.clips["s1"])
    assert json.loads(path.read_text())["trace"] == folder.trace("s1").to_json()
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"s1\.json: holds no trace of a clip"):
        folder.trace("s1")
    path.write_text("{")
    with pytest.raises(DatasetError, match=r"s1\.json: damaged, not JSON"):
        folder.trace("s1")
    path.unlink()
    with pytest.raises(DatasetError, match=r"s1\.json: No such file or directory"):
        folder.trace("s1")


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
def test_another_layout_needs_no_other_change(
    make_spec: MakeSpec, tmp_path: Path, frames: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever composed a path by itself would look for it where it is no longer."""
    pytest.importorskip("torch", reason="the adapters need PyTorch")
    from degrade.adapters.torch import PairedClips

    class Elsewhere(DatasetFolder):
        def _path(self, kind: str, clip: object) -> Path:
            return self.path / "by kind" / f"{kind} of {clip.split}" / self.file_name(kind, f"clip {clip.id}")

    monkeypatch.setattr(DatasetFolder, "_path", Elsewhere._path)
    for name in ("RECORD", "MANIFEST", "UNFINISHED", "BEGUN", "CARD", "LIST", "TABLE"):
        monkeypatch.setattr(layout, name, f"{name} file")
    spec = make_spec(output={"frames": frames, "masks": "union"})
    generate(spec, tmp_path / "out")
    generate(spec, tmp_path / "out", resume=True)
    assert verify(tmp_path / "out", rerender=4) == []
    sample = PairedClips(tmp_path / "out")[1]
    folder = DatasetFolder(tmp_path / "out")
    np.testing.assert_allclose(sample["lq"][:, 0].numpy() * 255, folder.replay("s1").frames[..., 0], atol=1e-4)
    assert load_task("quick-v4", source=str(tmp_path / "out")).dataset == tmp_path / "out"
    written = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file()}
    tables = {"ffv1": {"train"}, "webdataset": set()}.get(frames, {"LIST file", "train"})
    own = {"RECORD file", "MANIFEST file", "CARD file", layout.SHEET, "by kind"}
    assert {path.parts[0] for path in written} == own | tables


OWN = {layout.RECORD, layout.MANIFEST, layout.UNFINISHED, layout.BEGUN, layout.TABLE}
FOLDERS = {kinds.DAMAGED, kinds.TARGET, kinds.MASK, kinds.TRACE, kinds.SHARD}


def texts(tree: ast.AST) -> Iterator[str]:
    """All strings in a piece of code but its docstrings, f-strings with ``{}`` for what they insert."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docs | inner):
            yield node.value


def composed(code: str) -> set[str]:
    """Names of the layout that code holds: of its files anywhere, of its folders where paths are joined."""
    found = set()
    tree = ast.parse(code)
    for text in texts(tree):
        found |= {name for name in OWN if name in text}
        parts = text.split("/")
        found |= {part for part in parts if len(parts) > 1 and part in FOLDERS}
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            joined = [*texts(node.left), *texts(node.right)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {
            "joinpath", "with_name", "with_stem", "glob", "rglob", "Path", "PurePath", "PurePosixPath", "join",
        }:  # fmt: skip
            joined = [text for argument in node.args for text in texts(argument)]
        else:
            continue
        for text in joined:
            found |= {part for part in text.split("/") if part.partition(".")[0] in FOLDERS}
    return found


def test_no_other_module_composes_its_paths() -> None:
    found = {name: composed(path.read_text("utf-8")) for name, path in MODULES.items()}
    marks = found.pop("degrade.storage")  # by which sources tell a dataset from footage
    assert marks == {layout.RECORD, layout.MANIFEST, layout.UNFINISHED}
    assert found.pop("degrade.dataset.layout") >= OWN - marks - {layout.BEGUN}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "code",
    [
        'out / "manifest.csv"', 'f"{out}/dataset.json"', 'out / split / "trace" / name', 'out / "lq"',
        'out / f"mask.{label}"', 'f"{out}/{split}/lq/{clip}"', 'out.glob("*/trace/*.json")', 'Path(out, "shards", c)',
        'os.path.join(out, "gt")', 'x = "manifest.csv"', 'out.joinpath("train", "mask")',
    ],
)  # fmt: skip
def test_a_composed_path_is_found(code: str) -> None:
    assert composed(code)
