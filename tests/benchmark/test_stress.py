"""The stress tasks, made small: they tell apart what the main tasks do not."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip("torch", reason="the benchmark needs PyTorch")
from degrade.benchmark.entries import entries
from degrade.benchmark.run import run
from degrade.benchmark.task import load_task, tasks
from degrade.leaderboard.schema import load


def small(name: str, folder: Path, source: str, baselines: list[str], **data: object) -> Path:
    content = yaml.safe_load(yaml.safe_dump(dict(tasks.content(name))))
    content["data"] |= {"source": source, **data}
    content["baselines"] = baselines
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_median_takes_lookalikes_for_damage_and_the_page_says_which(tmp_path: Path) -> None:
    source = "builtin:lookalikes?count=10&frames=5&height=64&width=96"
    path = small("stress-lookalikes-v1", tmp_path, source, ["input", "median"], clips={"length": 5}, splits={"val": 1})
    task = load_task(path)
    paths, _ = run(task, entries(task, [], None), tmp_path / "run")
    nothing, median = map(load, paths)
    assert {bool(row.damage) for row in nothing.clips} == {True, False}  # clean clips, and damaged ones
    for row, other in zip(nothing.clips, median.clips, strict=True):
        (kind,) = (kind for kind in row.kinds if kind.startswith("look-alike"))
        assert kind == f"look-alike: {row.sequence.rpartition('_')[2]}"
        assert row.metrics["false_repair"] == 0
        assert other.metrics["false_repair"] > 0
        if row.kinds[kind]["psnr_inside"] is not None:
            assert row.kinds[kind]["psnr_inside"] > 60
            assert other.kinds[kind]["psnr_inside"] < row.kinds[kind]["psnr_inside"] - 20
    inside = [[row.metrics["psnr_inside"] for row in result.clips] for result in (nothing, median)]
    assert sum(b - a for a, b in zip(*inside, strict=True) if a and b) > 0
    assert "look-alike: snow" in (tmp_path / "run/report.html").read_text()
