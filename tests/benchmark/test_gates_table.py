"""The table of RTN's gates: trained and scored by one command, which goes on where it was."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("torch", reason="the benchmark needs PyTorch")
TOOL = Path(__file__).resolve().parents[2] / "tools/gates.py"


def test_a_gate_with_and_without_the_mask_loss_is_two_rows(
    tiny_yaml: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"steps": 2, "frames": 3, "config": {"rtn": {"dim": 32, "groups": 1}}}
    task = tmp_path / "tiny.yaml"
    task.write_text(yaml.safe_dump({**tiny_yaml, "train": {**tiny_yaml["train"], **small}}))
    out = tmp_path / "gates"
    command = ["gates.py", "--task", str(task), "--out", str(out), "--gates", "carried", "--mask", "0.2"]
    monkeypatch.setattr(sys, "argv", command)
    runpy.run_path(str(TOOL), run_name="__main__")
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()]
    assert rows[0] == ["gate", "mask loss", "PSNR, dB", "inside, dB", "AP", "minutes"]
    assert [row[:2] for row in rows[2:]] == [["`carried`", "–"], ["`carried`", "0.2"]]
    weights = {path.parts[-4]: path for path in out.glob("*/train/rtn-scratch/weights.safetensors")}
    assert set(weights) == {"carried", "carried-mask"}
    assert len({path.read_bytes() for path in weights.values()}) == 2
    made = {path: path.stat().st_mtime_ns for path in weights.values()}
    runpy.run_path(str(TOOL), run_name="__main__")
    assert capsys.readouterr().out == printed
    assert {path: path.stat().st_mtime_ns for path in weights.values()} == made
