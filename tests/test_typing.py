"""Types reach the user: what mypy says of a script that uses the installed package."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """
import numpy as np
from degrade.ops import Dust, Pipeline, registry

dust = Dust(per_frame=(1, 4), opacity=(0.5, 1.0))
Dust(nonsense=3)  # refused
Dust(p="often")  # refused
out = dust(np.zeros((8, 8), np.uint8), seed=1)
reveal_type(dust.spread)
reveal_type(out.trace)
reveal_type(registry.get("dust"))
reveal_type(Pipeline)
"""


def test_package_data_holds_the_marker_and_the_stub() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    assert "py.typed" in data["degrade"]
    assert "*.pyi" in data["degrade.ops"]
    assert (ROOT / "degrade/py.typed").is_file()


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the package as a wheel lays it out, as far as ops need it."""
    for source, package in (("degrade", "degrade"), ("textures", "degrade/textures")):
        shutil.copytree(ROOT / source, tmp_path / "site" / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


def test_mypy_knows_the_ops_of_a_script(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="checks types")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--config-file", "", "--strict", "--follow-imports", "silent"]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), str(script)],
        cwd=tmp_path, env={"MYPYPATH": str(installed)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    refused = {n for n, line in enumerate(SCRIPT.splitlines(), 1) if line.endswith("# refused")}
    assert {int(line.split(":")[1]) for line in lines if " error: " in line} == refused, done.stdout + done.stderr
    assert 'Unexpected keyword argument "nonsense" for "Dust"' in done.stdout
    revealed = [line.partition("Revealed type is ")[2] for line in lines if " note: Revealed" in line]
    assert revealed[0] in ('"float"', '"builtins.float"')
    assert "Trace" in revealed[1]
    assert "degrade.core.op.Op[Any]" in revealed[2]
    assert "-> degrade.ops.pipeline.Pipeline" in revealed[3]
