"""Names, suggestions, plug-ins and what is refused."""

import importlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from degrade.core.docstrings import described
from degrade.core.errors import SpecError
from degrade.core.op import Family, Op
from degrade.core.registry import Registry
from degrade.core.types import Params
from degrade.ops import Jpeg, Noise, Pipeline
from degrade.ops import registry as op_registry


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `entries_of_a_test` with nothing but a base class."""
    package = tmp_path / "entries_of_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_base.py").write_text("class Base: pass")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.startswith("entries_of_a_test")]:
        del sys.modules[name]


def entry(folder: Path, name: str, *classes: str) -> None:
    lines = ["from entries_of_a_test._base import Base", *(f"class {c}(Base): pass" for c in classes)]
    (folder / f"{name}.py").write_text("\n".join(lines))


@pytest.fixture
def registry(folder: Path) -> Registry[Any]:
    return Registry("thing", "entries_of_a_test", importlib.import_module("entries_of_a_test._base").Base)


def plug_in(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    def points(group: str) -> list[EntryPoint]:
        return [EntryPoint(name, value, group) for name, value in values.items()]

    monkeypatch.setattr("degrade.core.registry.entry_points", points)


def test_a_file_is_an_entry_and_helpers_are_not(registry: Registry[Any], folder: Path) -> None:
    entry(folder, "rain", "Rain")
    entry(folder, "_helper", "Helper")
    assert registry.names() == ["rain"]
    assert "rain" in registry
    assert "_helper" not in registry
    assert registry.get("rain").__name__ == "Rain"
    assert registry.name_of(registry.get("rain")) == "rain"


def test_listing_names_imports_nothing(registry: Registry[Any], folder: Path) -> None:
    (folder / "broken.py").write_text("raise RuntimeError")
    assert registry.names() == ["broken"]


def test_unknown_names_get_the_nearest_or_all(registry: Registry[Any], folder: Path) -> None:
    entry(folder, "rain", "Rain")
    entry(folder, "snow", "Snow")
    with pytest.raises(SpecError, match=r"^unknown thing 'rian'; did you mean 'rain'\?$"):
        registry.get("rian")
    with pytest.raises(SpecError, match=r"^unknown thing 'zzz'; known: rain, snow$"):
        registry.get("zzz")


@pytest.mark.parametrize("classes", [(), ("One", "Two")])
def test_a_file_must_define_exactly_one(registry: Registry[Any], folder: Path, classes: tuple[str, ...]) -> None:
    entry(folder, "odd", *classes, "_Private")
    with pytest.raises(SpecError, match=r"entries_of_a_test\.odd must define exactly one thing, has"):
        registry.get("odd")


def test_another_package_adds_an_entry(registry: Registry[Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("other_package")
    other.__dict__["Hail"] = type("Hail", (registry.base,), {"__module__": "other_package"})
    monkeypatch.setitem(sys.modules, "other_package", other)
    plug_in(monkeypatch, hail="other_package:Hail")
    entry(folder, "rain", "Rain")
    assert registry.names() == ["hail", "rain"]
    assert registry.get("hail") is other.Hail
    assert registry.name_of(other.Hail) == "hail"


def test_an_entry_of_another_package_must_be_of_the_kind(
    registry: Registry[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(monkeypatch, path="pathlib:Path", function="math:sqrt")
    for name, value in (("path", "pathlib:Path"), ("function", "math:sqrt")):
        with pytest.raises(SpecError, match=f"thing '{name}': {value} is not a Base"):
            registry.get(name)


def test_an_entry_that_cannot_be_loaded_is_named(registry: Registry[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, module="no_such_module:Rain", attribute="math:Rain", package="broken_package:Rain")
    monkeypatch.setitem(sys.modules, "broken_package", None)
    for name, value, reason in (
        ("module", "no_such_module:Rain", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("attribute", "math:Rain", "AttributeError: module 'math' has no attribute 'Rain'"),
        ("package", "broken_package:Rain", "ModuleNotFoundError: "),
    ):
        with pytest.raises(SpecError, match=f"^thing '{name}': {value} cannot be loaded: {reason}"):
            registry.get(name)


@pytest.mark.parametrize(
    ("module", "command", "shown"),
    [("degrade.cli", "ls", "dust"), ("degrade.cli", "schema", "dust"), ("degrade.benchmark.cli", "ls", "psnr")],
)
def test_a_broken_package_does_not_break_the_commands(tmp_path: Path, module: str, command: str, shown: str) -> None:
    about = tmp_path / "broken_rain-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-rain\nVersion: 1.0\n")
    groups = ("ops", "textures", "benchmark.metrics")
    (about / "entry_points.txt").write_text("\n".join(f"[degrade.{g}]\nrain = broken_rain:Rain" for g in groups))
    (tmp_path / "broken_rain.py").write_text("raise RuntimeError('no rain today')")
    done = subprocess.run(
        [sys.executable, "-c", f"from {module} import main; main()", command],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown in done.stdout
    reason = "'rain': broken_rain:Rain of broken-rain cannot be loaded: RuntimeError: no rain today"
    assert reason in done.stdout or command == "schema"


def test_a_name_that_is_taken_is_named_once_and_passed_over(
    registry: Registry[Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry(folder, "rain", "Rain")
    plug_in(monkeypatch, rain="other_package:Rain", hail="other_package:Hail")
    with pytest.warns(UserWarning, match="thing 'rain' is defined twice; other_package:Rain is passed over") as told:
        assert registry.names() == ["hail", "rain"]
    assert registry.get("rain").__module__ == "entries_of_a_test.rain"
    assert len(told) == 1


PLUG_INS = {
    "entry_points.txt": """
        [degrade.ops]
        dust = rainy:Mist
        mist = rainy:Mist
        [degrade.models]
        rtn = rainy:Mist
        [degrade.presets]
        vhs = rainy.specs
        drizzle = rainy.specs
        lost = rainy.specs
        [degrade.benchmark.tasks]
        drizzle-v1 = rainy.specs
        lost-v1 = rainy.none
        """,
    "rainy/__init__.py": """
        from degrade.extend import Op, Params
        class Mist(Op[Params]):
            "Mist."
            family = "quality"
            def sample(self, info, rng):
                return Params()
            def render_frame(self, frame, params, t):
                return frame
        """,
    "rainy/specs/drizzle.yaml": "# A light rain.\n- mist\n- dust: {per_frame: 3}\n",
    "rainy/specs/drizzle-v1.yaml": """
        about: A light rain, taken away.
        data: {source: "builtin:stills?count=2&frames=2&height=32&width=48", preset: drizzle, splits: {val: 1}}
        metrics: [psnr]
        baselines: [input]
        train: {steps: 1}
        """,
}


@pytest.fixture
def plug_ins(tmp_path: Path) -> Path:
    """A folder for ``PYTHONPATH`` with a package that brings an op, a preset and a task, and takes names."""
    about = tmp_path / "rainy_damage-1.5.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: rainy-damage\nVersion: 1.5\n")
    for name, text in PLUG_INS.items():
        path = (about if name == "entry_points.txt" else tmp_path) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return tmp_path


DEGRADE, BENCHMARK = (f"from degrade{part}.cli import ls, main; ls(); main()" for part in ("", ".benchmark"))


def list_and_run(code: str, plug_ins: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=plug_ins,
        env={**os.environ, "PYTHONPATH": str(plug_ins)}, capture_output=True, text=True, check=True,
    )  # fmt: skip


def test_packages_bring_ops_and_presets_and_their_version_is_recorded(plug_ins: Path) -> None:
    source = "builtin:stills?count=1&frames=2&height=32&width=48"
    options = ("--preset", "drizzle", "--source", source, "--out", "out", "--workers", "2")
    ran = list_and_run(DEGRADE, plug_ins, "generate", *options)
    for shown in ("A light rain.", "Mist.", "preset 'lost': rainy.specs of rainy-damage cannot be read: FileNotFound"):
        assert shown in ran.stdout
    for taken in ("op 'dust'", "preset 'vhs'"):
        assert ran.stderr.count(f"{taken} is defined twice") == 1
    assert ran.stderr.count("defined twice") == 2
    record = json.loads((plug_ins / "out/dataset.json").read_text())
    assert record["versions"]["rainy-damage"] == "1.5"
    assert [next(iter(op)) for op in record["spec"]["pipeline"]] == ["mist", "dust"]


def test_packages_bring_tasks(plug_ins: Path) -> None:
    pytest.importorskip("torch")
    run = ("run", "--task", "drizzle-v1", "--model", "median", "--out", "run", "--device", "cpu")
    ran = list_and_run(BENCHMARK, plug_ins, *run)
    assert "A light rain, taken away." in ran.stdout
    assert "task 'lost-v1': rainy.none of rainy-damage cannot be read: ModuleNotFoundError" in ran.stdout
    result = json.loads(next((plug_ins / "run").rglob("*median*.json")).read_text())
    assert result["task"] == "drizzle-v1"
    assert result["run"]["versions"]["rainy-damage"] == "1.5"


def test_a_class_that_is_not_registered_has_no_name(registry: Registry[Any]) -> None:
    with pytest.raises(SpecError, match="Stranger is not a registered thing"):
        registry.name_of(type("Stranger", (registry.base,), {}))


def test_every_op_is_named_after_its_file_and_importable_from_the_folder() -> None:
    import degrade.ops

    for name in op_registry.names():
        cls = op_registry.get(name)
        assert cls.__name__ == "".join(part.capitalize() for part in name.split("_"))
        assert getattr(degrade.ops, cls.__name__) is cls
        assert cls.__name__ in dir(degrade.ops)
        assert cls.family in get_args(Family)
        assert issubclass(cls.drawn, Params)
    with pytest.raises(AttributeError, match="no attribute 'Snow'"):
        _ = degrade.ops.Snow


def test_every_op_and_every_parameter_is_described() -> None:
    for name in op_registry.names():
        cls = op_registry.get(name)
        assert cls.__doc__, name
        assert described(cls).keys() == cls.model_fields.keys(), name


def test_an_op_of_another_package_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mirror(Op):
        """Left and right exchanged."""

        drawn = Params

        def sample(self, info, rng):  # type: ignore[no-untyped-def]
            return Params()

        def render_frame(self, frame, params, t):  # type: ignore[no-untyped-def]
            return frame[:, ::-1]

    import numpy as np

    other = ModuleType("other_package")
    Mirror.__module__, Mirror.__qualname__ = "other_package", "Mirror"
    other.__dict__["Mirror"] = Mirror
    monkeypatch.setitem(sys.modules, "other_package", other)
    plug_in(monkeypatch, mirror="other_package:Mirror")
    monkeypatch.delitem(vars(op_registry), "_plugins", raising=False)
    try:
        clip = np.random.default_rng(0).random((2, 4, 6, 1), dtype=np.float32)
        out = Pipeline(ops=("mirror", Noise(p=0), Jpeg(p=0)))(clip, seed=0)  # type: ignore[arg-type]
        np.testing.assert_array_equal(out.frames, clip[:, :, ::-1])
        assert out.trace.fired() == ["mirror"]
    finally:
        vars(op_registry).pop("_plugins", None)
