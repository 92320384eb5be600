"""Every public function that takes a path takes text as well, and knows `~`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

import degrade
from degrade import models
from degrade.adapters.torch import PairedClips
from degrade.benchmark.entries import entries
from degrade.benchmark.report import build_leaderboard
from degrade.benchmark.restore import restore_source
from degrade.benchmark.run import run
from degrade.benchmark.task import load_task
from degrade.core.atomic import refuse_taken
from degrade.core.errors import DatasetError
from degrade.leaderboard import schema
from degrade.preview import preview, save_picture
from degrade.spec import Spec
from degrade.writers import open_writer


@pytest.fixture(params=["Path", "str", "~"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str | Path]:
    """Names something in the home folder in one of three ways."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # Windows
    forms = {"Path": tmp_path.joinpath, "str": lambda name: str(tmp_path / name), "~": lambda name: f"~/{name}"}
    return forms[request.param]


def test_datasets(place: Callable, make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(make_spec().resolved()))
    spec = degrade.load_spec(place("spec.yaml"))
    assert degrade.generate(spec, place("out")).clips == 4
    assert degrade.verify(place("out"), source=str(place("footage")), rerender=1) == []
    assert len(degrade.DatasetFolder(place("out")).clips) == len(PairedClips(place("out"), "train")) == 4
    assert len(degrade.open_source(place("footage")).sequences()) == 4
    assert preview(spec, place("look"), clips=1)[0] == tmp_path / "look/sheet.png"
    save_picture(place("picture.png"), np.zeros((8, 8, 3), np.uint8))
    with open_writer(place("clip.mkv")) as writer:
        writer.write(np.zeros((16, 16, 3), np.uint8))
    assert {"picture.png", "clip.mkv"} <= {path.name for path in tmp_path.iterdir()}


def test_models_and_scores(place: Callable, tmp_path: Path, footage: Path) -> None:
    models.save(models.build("unet", channels=4), place("w.safetensors"))
    assert models.build("unet", place("w.safetensors")).config == {"channels": 4}
    (tmp_path / "own.py").write_text("from degrade.models.input import Input\nclass Own(Input):\n    pass\n")
    assert models.get(f"{place('own.py')}:Own").__name__ == "Own"
    (out,) = restore_source(models.build("input"), degrade.open_source(footage / "s0"), place("restored"))
    assert out == tmp_path / "restored"
    task = {
        "about": "Tiny.", "metrics": ["psnr"], "flow": "exact", "baselines": ["input"], "weights": ["scratch"],
        "data": {
            "source": "builtin:stills?count=2&frames=2&height=32&width=48", "pipeline": ["noise"],
            "splits": {"train": 0.5, "val": 0.5},
        },
        "train": {"steps": 1, "frames": 2, "crop": [32, 32]},
    }  # fmt: skip
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(task))
    loaded = load_task(place("task.yaml"))
    chosen = entries(loaded, ["unet"], str(place("w.safetensors")))
    assert chosen[-1].file == tmp_path / "w.safetensors"
    (path,), _ = run(loaded, chosen[:1], place("runs"))
    assert path.is_relative_to(tmp_path / "runs")
    result = schema.load(place(path.relative_to(tmp_path).as_posix()))
    result.save(place(f"board/{loaded.name}/input.json"))
    assert tmp_path / "pages/index.html" in build_leaderboard(place("board"), place("pages"))


def test_urls_are_refused_where_files_are_local(make_spec: Callable[..., Spec], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"s3:/bucket/look: is a URL; name a local file or folder"):
        preview(make_spec(), "s3://bucket/look")
    with pytest.raises(DatasetError, match="is a URL"):
        refuse_taken(Path("memory://a/b.png"))
