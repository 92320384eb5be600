"""Imports go one way: no circle among modules, and no arrow against the order of the packages."""

import ast
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]

ORDER = (
    ("degrade.core",),
    ("degrade.storage", "degrade.console"),
    ("degrade.sources", "degrade.writers"),
    ("degrade.textures",),
    ("degrade.ops",),
    ("degrade.presets", "degrade.target"),
    ("degrade.spec",),
    ("degrade.dataset",),
    ("degrade.adapters", "degrade.inspect", "degrade.measure", "degrade.preview", "degrade.show"),
    ("degrade.match",),
    ("degrade.cli", "degrade.cli_match"),
    ("degrade.models", "degrade.leaderboard"),
    ("degrade.benchmark",),
    ("degrade",),
)
"""From below to above: a module imports from its own line and from those before it. The last, ``degrade/__init__``, is
for users alone."""


def folder(package: str) -> Path:
    """Where the sources of an installed package lie."""
    for mapped, path in sorted(SETUPTOOLS["package-dir"].items(), key=lambda item: -len(item[0])):
        if package == mapped or package.startswith(f"{mapped}."):
            return ROOT.joinpath(path, *package.removeprefix(mapped).split("."))
    raise AssertionError(package)


def modules() -> dict[str, Path]:
    """Every installed module and its file."""
    found = {}
    for package in SETUPTOOLS["packages"]:
        for file in folder(package).glob("*.py"):
            found[package if file.stem == "__init__" else f"{package}.{file.stem}"] = file
    return found


MODULES = modules()


def imported(name: str) -> set[str]:
    """The modules that a module names in its imports, those within functions and for type checkers included."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {_module(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: relative import"
            found |= {_module(f"{node.module}.{alias.name}") for alias in node.names}
    return found - {"", name}


def _module(name: str) -> str:
    """The module that a dotted name leads to, or nothing if it is another package's."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def level(name: str) -> int:
    """Place in `ORDER` of the longest name there that leads to a module."""
    places = {part: i for i, line in enumerate(ORDER) for part in line}
    while name not in places:
        name = name.rpartition(".")[0]
    return places[name]


def test_all_sources_are_installed() -> None:
    """A folder that pyproject.toml forgets would be missing from a wheel, and from these tests."""
    tops = [ROOT / path for path in SETUPTOOLS["package-dir"].values()]
    assert {file for top in tops for file in top.rglob("*.py")} == set(MODULES.values())


def test_no_module_is_imported_in_a_circle() -> None:
    graph = {name: imported(name) for name in MODULES}
    assert graph["degrade.ops.pipeline"] >= {"degrade.core.composition", "degrade.core.errors"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_import_goes_against_the_order() -> None:
    upwards = [f"{a} -> {b}" for a in MODULES for b in imported(a) if level(b) > level(a)]
    assert not upwards
