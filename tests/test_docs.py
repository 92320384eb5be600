"""The examples of README and docs run as they stand."""

import doctest
import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import degrade
from degrade.spec import load_spec

ROOT = Path(__file__).resolve().parents[1]


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text("utf-8"), re.S)


def test_the_library_example_of_the_readme() -> None:
    (code,) = blocks("README.md", "python")
    rng = np.random.default_rng(0)
    names = {"picture": rng.integers(0, 256, (48, 64, 3), np.uint8), "clip": rng.random((3, 48, 64, 1), np.float32)}
    exec(code, names)
    assert names["damaged"].frames.shape == (48, 64, 3)
    again = names["worn"].trace.replay(names["clip"])
    np.testing.assert_array_equal(again.frames, names["worn"].frames)


def test_the_spec_of_the_readme(tmp_path: Path) -> None:
    (text,) = blocks("README.md", "yaml")
    (tmp_path / "reels.yaml").write_text(text)
    assert load_spec(tmp_path / "reels.yaml").name == "reels"


def test_the_op_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = blocks("docs/ops.md", "python")[0]
    (tmp_path / "shading.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("shading")
    monkeypatch.delitem(sys.modules, "shading")
    op = module.Shading()
    params = op.sample(degrade.ClipInfo(frames=1, height=8, width=8), degrade.core.rng.Stream(0))
    line = op.render_frame(np.ones((8, 8, 1), np.float32), params, 0)[0, :, 0]
    assert (line.min(), line.max()) == pytest.approx((1 - abs(params.loss), 1))
    assert (line[-1] < line[0]) == (params.loss > 0)


@pytest.mark.parametrize("module", ["degrade", "degrade.ops.pipeline"])
def test_docstrings(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert not found.failed


def test_every_preset_stands_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in text for name in degrade.presets.names())


PARTS = "degrade", "textures", "benchmark", "models", "leaderboard", "tests", "tools", "docs"
FILE = re.compile(rf"\b(?:{'|'.join(PARTS)})/[a-z_/0-9-]*\.(?:py|yaml|md)\b")


def test_every_file_that_is_named_is_there() -> None:
    pages = [
        *ROOT.glob("*.md"),
        *(path for part in PARTS for kind in ("md", "py") for path in ROOT.glob(f"{part}/**/*.{kind}")),
    ]
    assert len(pages) > 500
    missing = [
        (str(page.relative_to(ROOT)), name)
        for page in pages
        for name in FILE.findall(page.read_text("utf-8"))
        if not (ROOT / name).is_file()
    ]
    assert missing == []
