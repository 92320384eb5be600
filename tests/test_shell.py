"""The commands in a shell: help, JSON, progress in logs, pipes, exit codes, consoles of few letters, completion."""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from degrade import cli, console, ops, presets
from degrade.benchmark import cli as benchmark_cli
from degrade.benchmark import hardware

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process: exit code, stdout, stderr."""

    def call(command: str, *arguments: object) -> tuple[int, str, str]:
        app = {"degrade": cli.app, "benchmark": benchmark_cli.app}[command]
        monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
        code = console.run(app)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def dataset(run: Run, footage: Path, tmp_path: Path) -> Path:
    asked = ["--preset", "film-light", "--source", footage, "--out", tmp_path / "out"]
    code, text, error = run("degrade", "generate", *asked, "--json")
    assert code == 0
    assert json.loads(text) | {"fired": {}} == {
        "dataset": str(tmp_path / "out"), "clips": 4, "frames": 26, "resumed": 0, "fired": {}, "mended": [],
    }  # fmt: skip
    assert error == ""  # it took less than a line of progress
    return tmp_path / "out"


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a line of bash in which $DEGRADE and $BENCHMARK are the commands."""
    named = {
        name.upper(): f"{sys.executable} -m {module}"
        for name, module in (("degrade", "degrade"), ("benchmark", "degrade.benchmark"))
    }
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, env={**os.environ, **named, **environment}, check=False
    )


@pytest.mark.parametrize("command", ["degrade", "benchmark"])
def test_help_by_one_letter(run: Run, command: str) -> None:
    app = typer.main.get_command({"degrade": cli.app, "benchmark": benchmark_cli.app}[command])
    for words in ([], *([name] for name in app.commands)):  # type: ignore[attr-defined]
        code, text, _ = run(command, *words, "-h")
        assert (code, text) == run(command, *words, "--help")[:2]
        assert text.startswith("Usage: ")
    assert "130 interrupted" in run(command, "-h")[1]


def test_facts_as_json(run: Run, dataset: Path, footage: Path) -> None:
    listed = json.loads(run("degrade", "ls", "--json")[1])
    assert {entry["name"] for entry in listed} >= {*ops.registry.names(), *presets.names()}
    assert all(entry["about"] for entry in listed)
    checked = json.loads(run("degrade", "validate", "--preset", "film-light", "--source", footage, "--json")[1])
    assert (checked["clips"], checked["frames"], checked["splits"]) == (4, 26, {"train": 4})
    listed = json.loads(run("benchmark", "ls", "--json")[1])
    assert {"name": "median", "parameters": 0}.items() <= next(
        m for m in listed["models"] if m["name"] == "median"
    ).items()
    assert next(m for m in listed["metrics"] if m["name"] == "psnr")["higher_is_better"] is True
    assert {task["name"] for task in listed["tasks"]} >= {"quick-v4", "clips-v2"}


def test_verify_tells_problems_from_wrong_input(run: Run, dataset: Path, tmp_path: Path) -> None:
    code, text, _ = run("degrade", "verify", dataset, "--json")
    assert (code, json.loads(text)) == (0, {"dataset": str(dataset), "problems": []})
    (dataset / "train/lq/s0/00000.png").unlink()
    code, text, error = run("degrade", "verify", dataset, "--json", "--quiet")
    assert code == 1
    assert "train/lq/s0/00000.png: missing" in json.loads(text)["problems"]
    assert error == f"error: {dataset}: 2 problems found\n"
    assert run("degrade", "verify", tmp_path / "nothing", "--json")[:2] == (2, "")
    assert run("degrade", "verify", dataset, "--nonsense")[0] == 2


def test_scores_as_json(run: Run, footage: Path, tmp_path: Path) -> None:
    asked = ["--pred", footage, "--gt", footage, "--metrics", "ssim", "--out", tmp_path / "r.json", "--quiet"]
    code, text, error = run("benchmark", "score", *asked, "--json")
    assert (code, error) == (0, "")
    result = json.loads(text)
    assert result["metrics"]["ssim"]["mean"] == pytest.approx(1)
    assert result == json.loads((tmp_path / "r.json").read_text("utf-8"))


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    with console.progress("frames") as bar:
        task = bar.add_task("reel", total=1000)
        for _ in range(100):
            clock[0] += 1
            bar.advance(task, 10)
        bar.advance(task, 0)
        bar.advance(bar.add_task("short", total=10), 10)
    lines = capsys.readouterr().err.splitlines()
    told = [int(line.removeprefix("reel: ").partition("/1000, ")[0]) for line in lines]
    assert told == [300, 600, 900, 1000]
    assert all("frames/s" in line for line in lines)
    assert " left" in lines[0]
    assert " left" not in lines[-1]


def test_a_log_says_how_far_an_interrupted_task_came(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), console.progress("frames") as bar:  # noqa: PT012
        bar.advance(bar.add_task("reel", total=1000), 10)
        raise KeyboardInterrupt
    assert capsys.readouterr().err.startswith("reel: 10/1000, ")


def test_quiet(run: Run, footage: Path, tmp_path: Path) -> None:
    asked = ["--preset", "film-light", "--source", footage, "--out", tmp_path / "out", "-q"]
    code, text, error = run("degrade", "generate", *asked)
    assert (code, error) == (0, "")
    assert "4 clips, 26 frames" in text
    asked = ["--model", "input", "--input", footage / "s0", "--out", tmp_path / "restored", "--quiet"]
    assert run("benchmark", "restore", *asked) == (0, f"{tmp_path / 'restored'}\n", "")


def test_a_reader_that_is_gone() -> None:
    commands = ("$DEGRADE ls", "$DEGRADE schema", "$DEGRADE --help", "$BENCHMARK ls --json")
    done = shell("".join(f"{command} | true; echo ${{PIPESTATUS[0]}};" for command in commands))
    assert (done.stdout.split(), done.stderr) == ([b"141"] * len(commands), b"")


def test_consoles_of_few_letters(footage: Path, tmp_path: Path) -> None:
    score = f"$BENCHMARK score --pred {footage} --gt {footage} --metrics psnr,ssim --out {tmp_path}/r.json"
    line = f"{score} && PYTHONIOENCODING=ascii $DEGRADE ls && $DEGRADE show noise --out {tmp_path}/noise.png"
    done = shell(line, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    text = done.stdout.decode("cp1252")
    assert "SSIM ^" in text
    assert "sigma" in text
    assert (tmp_path / "r.json").exists()


def test_letters_that_no_console_lacks() -> None:
    assert "24×20 ≤ 10⁻³ é – ↑".encode("ascii", "degrade.plain") == b"24x20 <= 10-3 e - ^"
    assert "漢".encode("ascii", "degrade.plain") == b"?"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("degrade gen", "generate"),
        ("degrade generate --preset film-h", "film-heavy"),
        ("degrade show fingerp", "fingerprint"),
        ("benchmark restore --model medi", "median"),
        ("benchmark run --task rtn-d", "rtn-davis-v1"),
        ("degrade verify --js", "--json"),
    ],
)
def test_bash_completes(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: Any, words: str, found: str) -> None:
    command, *rest = words.split()
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)  # pytest's, by which Typer would name the command
    monkeypatch.setenv(f"_{command.upper()}_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(rest)))
    with pytest.raises(SystemExit) as end:
        run(command)
    assert (end.value.code, capsys.readouterr().out.split()) == (0, [found])


def test_windows_has_no_module_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    names = runpy.run_path(hardware.__file__)
    monkeypatch.setitem(names["peak_memory"].__globals__, "_proc", lambda name: [])
    assert names["peak_memory"]("cpu") is None
