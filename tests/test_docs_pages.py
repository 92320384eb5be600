"""The pages of the ops say what the ops say, and the examples of the guides run."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

import degrade
from degrade.benchmark.task import load_task
from degrade.core.types import to_uint8
from degrade.dataset.generate import generate
from degrade.ops import registry
from degrade.sources import open_source
from degrade.sources.base import PICTURES, VIDEO_SUFFIXES
from degrade.spec import load_spec, parse

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def load_tool(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / f"tools/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code(document: str, language: str = "python") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / document).read_text("utf-8"), re.S)


@pytest.fixture
def clip() -> Any:
    source = open_source("builtin:stills")
    return np.stack([cv2.resize(f, (96, 64)) for f in source.read(source.sequences()[0], 0, 3)])


def test_the_task_for_fine_tuning_loads(tmp_path: Path) -> None:
    (text,) = code("benchmark.md", "yaml")
    (tmp_path / "mine.yaml").write_text(text)
    assert load_task(str(tmp_path / "mine.yaml"), source="builtin:stills").train.cuts == 8


def test_every_op_has_its_page_as_the_script_writes_it() -> None:
    written = {path.name: path.read_text("utf-8") for path in (DOCS / "ops").glob("*.md")}
    stale = [name for name, text in load_tool("docs").pages().items() if written.get(name) != text]
    assert not stale, f"python tools/docs.py {' '.join(stale)}"
    assert set(written) == {"README.md", *(f"{name}.md" for name in registry.names())}


@pytest.mark.parametrize("page", load_tool("docs").WITH_TABLES)
def test_the_tables_of_models_metrics_and_tasks_are_those_of_the_classes(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert text.count("<!-- end -->") == sum(f"<!-- {name} -->" in text for name in load_tool("docs").TABLES) > 0
    assert text == load_tool("docs").with_tables(text), "python tools/docs.py --text"


def test_the_stub_names_every_op() -> None:
    build = load_tool("docs")
    assert build.STUB.read_text("utf-8") == build.stub(), "python tools/docs.py --text"


@pytest.mark.parametrize("name", registry.names())
def test_every_op_has_a_picture(name: str) -> None:
    path = DOCS / f"ops/{name}.jpg"
    assert path.is_file(), f"python tools/docs.py {name}"
    assert path.stat().st_size <= load_tool("docs").LARGEST
    assert cv2.imread(str(path)).shape[0] > 200


def test_every_preset_is_shown() -> None:
    docs = load_tool("docs")
    assert (DOCS / "presets.md").read_text("utf-8") == docs.presets_page(), "python tools/docs.py --presets"
    for name in degrade.presets.names():
        assert (DOCS / f"pictures/{name}.jpg").stat().st_size <= docs.LARGEST_SHEET


def test_links_between_the_pages_lead_somewhere() -> None:
    for path in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_example_of_severity(clip: Any) -> None:
    names = {"clip": clip}
    exec(code("severity.md")[0], names)
    np.testing.assert_array_equal(names["mild"].frames, names["same"].frames)
    (text,) = code("severity.md", "yaml")
    raw = yaml.safe_load(text)
    assert parse({"pipeline": degrade.presets.read(raw["preset"]), "severity": raw["severity"]}).severity == 0.3


def test_the_examples_of_albumentations(clip: Any) -> None:
    names: dict[str, Any] = {"picture": clip[0], "clip": clip, "labels": (clip[0, ..., 0] > 90).astype(np.uint8)}
    first, replay, ops = code("albumentations.md")
    exec(first, names)
    assert names["out"]["image"].shape == clip[0].shape
    assert set(np.unique(names["out"]["mask"])) <= {0, 1}
    exec(replay, names)
    np.testing.assert_array_equal(names["again"]["images"], names["out"]["images"])
    np.testing.assert_array_equal(names["again"]["masks"], names["out"]["masks"])
    assert names["out"]["masks"].any()
    exec(ops, names)
    assert names["damaged"].frames.shape == clip.shape


def test_the_examples_of_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the examples need PyTorch")
    names: dict[str, Any] = {"folder": tmp_path / "out"}
    module, on_the_fly, written, transforms, lightning = code("pytorch.md")
    exec(module, names)
    assert names["damaged"].shape == names["clean"].shape
    assert names["mask"].shape == (2, 5, 1, 64, 64)
    exec(on_the_fly, names)
    assert names["batch"]["lq"].shape == (2, 5, 1, 128, 128)
    assert names["batch"]["clip"] == ["sample-0-64", "sample-0-65"]
    exec(written, names)
    assert names["sample"]["lq"].shape == (3, 1, 256, 384)
    assert len(names["pairs"]) == 8
    assert names["cuts"][0]["lq"].shape == (3, 1, 128, 128)
    exec(transforms, names)
    assert names["sample"]["lq"].shape == names["sample"]["mask"].shape == (3, 1, 96, 96)
    assert names["batch_of"]([names["pairs"][0], names["pairs"][1]])["gt"].shape == (2, 3, 1, 96, 96)
    exec(lightning, names)
    loader = SimpleNamespace(dataset=names["cuts"])
    first = names["cuts"][0]["lq"]
    names["on_train_epoch_start"](SimpleNamespace(trainer=SimpleNamespace(train_dataloader=loader), current_epoch=2))
    assert not names["torch"].equal(names["cuts"][0]["lq"], first)


def test_the_examples_of_other_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (given,) = (block for block in code("sharing.md", "yaml") if "license" in block)
    changes = ["clips={length: 2, size: [24, 32], limit: 1}", f"license={yaml.safe_load(given)['license']}"]
    generate(load_spec(preset="film-light", changes=changes), Path("out/reels"))
    mmagic = eval(code("sharing.md")[1])
    (line,) = Path(mmagic["data_root"], mmagic["ann_file"]).read_text().splitlines()
    for prefix in mmagic["data_prefix"].values():
        frame = mmagic["pipeline"][0]["filename_tmpl"].format(1)
        assert Path(mmagic["data_root"], prefix, line.split(" ")[0], frame).is_file()
    (basicsr,) = (yaml.safe_load(block) for block in code("sharing.md", "yaml") if "dataroot" in block)
    assert all(Path(path).exists() for path in basicsr.values())


def test_every_suffix_of_footage_is_told() -> None:
    told = set(re.findall(r"\w+", (DOCS / "footage.md").read_text("utf-8")))
    assert {suffix.removeprefix(".") for suffix in PICTURES | VIDEO_SUFFIXES} <= told


def test_the_examples_of_replaying(tmp_path: Path) -> None:
    changes = ["clips={length: 16, size: [96, 128], limit: 1}", "pipeline.weave.p=1", "color=grey"]
    generate(load_spec(preset="film-heavy", changes=changes), tmp_path / "out")
    name = next((tmp_path / "out/train/trace").iterdir()).stem
    written = open_source(tmp_path / f"out/train/lq/{name}").read(name, 0, 16)[..., :1]
    names: dict[str, Any] = {"folder": tmp_path / "out", "name": name, "other": open_source("builtin:stills?height=99")}
    whole, other, window = code("replay.md")
    exec(whole, names)
    np.testing.assert_array_equal(names["again"].frames, written)
    exec(other, names)
    np.testing.assert_array_equal(names["dressed"].mask, names["again"].mask)
    assert not np.array_equal(names["dressed"].frames, written)
    exec(window, names)
    np.testing.assert_array_equal(to_uint8(names["pair"].damaged), written[4:8])


def test_the_package_of_the_guide(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="models need PyTorch")
    (groups,) = code("extending.md", "toml")
    package, about = tmp_path / "my_film", tmp_path / "my_film-1.0.dist-info"
    package.mkdir()
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-film\nVersion: 1.0\n")
    points = tomllib.loads(groups)["project"]["entry-points"]
    (about / "entry_points.txt").write_text(
        "\n".join(
            f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items())
            for group, entries in points.items()
        )
    )
    rim, drops, drift = code("extending.md")
    sharper = next(block for block in code("models.md") if "class Sharper" in block)
    shading, pinholes = code("ops.md")
    modules = {"shading": shading, "pinholes": pinholes, "rim": rim, "drops": drops, "sharper": sharper, "drift": drift}
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text)
    pack, preset, task = code("extending.md", "yaml")
    (tmp_path / "mine.yaml").write_text(task)
    (package / "specs").mkdir()
    (package / "specs/attic.yaml").write_text(preset)
    (package / "specs/attic-v1.yaml").write_text(task)
    path = {**os.environ, "PYTHONPATH": str(tmp_path)}
    contracts = (
        "ops/test_contract",
        "textures/test_procedural",
        "models/test_contract",
        "benchmark/test_metrics_contract",
    )
    names = [name for entries in points.values() for name, value in entries.items() if ":" in value]
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", " or ".join(names)]
    command += [f"tests/{contract}.py" for contract in contracts]
    done = subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert all(re.search(rf"\[.*{name}.*\] PASSED", done.stdout) for name in names)

    commands = """
import sys
from degrade.benchmark import cli as benchmark
from degrade import cli as degrade
from degrade.console import run
for app, command in (
    (degrade.app, "ls"),
    (degrade.app, "show rim"),
    (degrade.app, "show drops"),
    (degrade.app, "preview --preset attic --source builtin:stills?count=1&frames=2&height=48&width=64 --out look"),
    (benchmark.app, "ls"),
    (benchmark.app, "run --task mine.yaml --model sharper --weights scratch --out run --device cpu"),
):
    sys.argv = ["command", *command.split()]
    assert run(app) == 0, command
"""
    done = subprocess.run([sys.executable, "-c", commands], cwd=tmp_path, env=path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {*points["degrade.ops"], *points["degrade.textures"], "attic", "attic-v1", "Drift"} <= set(
        done.stdout.split()
    )
    for name in ("rim", "drops"):
        assert cv2.imread(str(tmp_path / f"{name}.png")).std() > 20
    (result,) = (tmp_path / "run").rglob("sharper*.json")
    assert all(clip["metrics"]["drift"] > 0 for clip in json.loads(result.read_text())["clips"])
    for name in ("hairs", "dust", "lines"):
        (tmp_path / "damage" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / f"damage/{name}/0.png"), np.zeros((9, 9), np.uint8))
    spec = parse(yaml.safe_load(pack.replace("~", str(tmp_path))))
    spec.dry_run(degrade.ClipInfo(frames=2, height=9, width=9))
