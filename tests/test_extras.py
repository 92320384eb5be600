"""What a plain `pip install film-degrade` does without the packages of the extras."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
EXTRAS = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
PACKAGES = {re.match(r"[\w-]+", requirement)[0] for extra in EXTRAS.values() for requirement in extra}
BLOCKED = sorted(module for module, homes in packages_distributions().items() if PACKAGES & set(map(str.lower, homes)))
BLOCK = f"import sys; sys.modules |= dict.fromkeys({BLOCKED}); "
"""Importing any of them raises ImportError."""


def run(*code: str, folder: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", BLOCK + "\n".join(code)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_blocked_is_what_the_extras_bring() -> None:
    assert {"albumentations", "pandas", "torch", "jinja2", "distributed"} <= set(BLOCKED)


def test_ops_and_presets_need_no_extra() -> None:
    code = """
import numpy as np
import degrade
from degrade.ops import registry
clip = np.full((2, 16, 16, 3), 128, np.uint8)
for name in registry.names():
    if name != "albumentation":
        registry.get(name)()(clip, seed=1)
for name in degrade.presets.names():
    degrade.load(name)(clip, seed=1)
print("done")
"""
    assert run(code) == "done\n"


@pytest.mark.parametrize("command", ["ls", "schema"])
def test_commands_need_no_extra(command: str, tmp_path: Path) -> None:
    assert run(f"sys.argv = ['degrade', *{command.split()}]", "import degrade.__main__", folder=tmp_path)


def test_a_dataset_needs_no_extra(tmp_path: Path) -> None:
    options = "--preset film-medium --source builtin:stills --set clips.limit=1 --set clips.length=2 --out out"
    for command in (f"generate {options}", "verify out"):
        run(f"sys.argv = ['degrade', *{command.split()}]", "import degrade.__main__", folder=tmp_path)
    assert (tmp_path / "out/dataset.json").is_file()


def test_what_needs_albumentations_says_in_one_line_what_to_install() -> None:
    op = "degrade.load('rtn-code'); degrade.Pipeline(ops=({'albumentation': {}},))"
    adapter = "import degrade.adapters.albumentations"
    for code in (op, adapter):
        text = run(
            "import degrade",
            "try:",
            f"    {code}",
            "except (degrade.DegradeError, ImportError) as error:",
            "    print(error)",
        )
        assert text.endswith("needs the extra `albumentations`: pip install 'film-degrade[albumentations]'\n")
        assert text.count("\n") == 1


def test_commands_of_the_benchmark_say_in_one_line_what_to_install(tmp_path: Path) -> None:
    command = "sys.argv = ['benchmark', 'score', '--pred', 'a', '--gt', 'b']; import degrade.benchmark.__main__"
    done = subprocess.run([sys.executable, "-c", BLOCK + command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: needs the extra `benchmark` (")
    assert done.stderr.endswith("): pip install 'film-degrade[benchmark]'\n")
    assert done.stderr.count("\n") == 1
