"""The stress tasks, made small: they tell apart what the main tasks do not."""

import json
from pathlib import Path

import pytest
import yaml

pytest.importorskip("torch", reason="the benchmark needs PyTorch")
from degrade.benchmark.checking import check_entry
from degrade.benchmark.entries import entries
from degrade.benchmark.run import run
from degrade.benchmark.submission import answers_of, submit
from degrade.benchmark.task import load_task, tasks
from degrade.leaderboard.schema import load
from degrade.sources import open_source


def small(name: str, folder: Path, source: str, baselines: list[str], **data: object) -> Path:
    content = yaml.safe_load(yaml.safe_dump(dict(tasks.content(name))))
    content["data"] |= {"source": source, **data}
    content["baselines"] = baselines
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_median_takes_lookalikes_for_damage_and_the_page_says_which(tmp_path: Path) -> None:
    source = "builtin:lookalikes?count=12&frames=5&height=64&width=96"
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


SEVERITIES = [0, 0.4, 1]


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over severities, and the file of its task beside."""
    folder = tmp_path_factory.mktemp("ladder")
    source = "builtin:stills?count=3&frames=4&height=64&width=96"
    path = small("stress-severity-v1", folder, source, ["input"], clips={"length": 4}, splits={"val": 1})
    content = yaml.safe_load(path.read_text()) | {"severities": SEVERITIES, "metrics": ["ssim", "psnr_inside"]}
    path.write_text(yaml.safe_dump(content))
    task = load_task(path)
    run(task, entries(task, ["median"], None), folder / "run")
    return folder


def test_the_same_clips_under_the_same_damage_at_every_severity(ladder: Path) -> None:
    rows = load(ladder / "run/results/input.json").clips
    assert [row.severity for row in rows] == [severity for severity in SEVERITIES for _ in range(3)]
    by_sequence = [[row for row in rows if row.sequence == name] for name in sorted({row.sequence for row in rows})]
    for clean, half, whole in by_sequence:
        assert clean.sequence == half.sequence == whole.sequence
        assert clean.metrics == {"ssim": 1, "psnr_inside": None}
        assert 1 > half.metrics["ssim"] > whole.metrics["ssim"]
        assert half.metrics["psnr_inside"] > whole.metrics["psnr_inside"] + 3
    masks = {}
    for severity in SEVERITIES[1:]:
        source = open_source(ladder / f"run/data/severity-{severity:g}/val/mask")
        masks[severity] = [source.read(sequence, 0, 4) for sequence in source.sequences()]
    for fainter, stronger in zip(masks[0.4], masks[1], strict=True):
        assert (fainter <= stronger).mean() > 0.99
        assert (stronger[fainter > 0] > 0).mean() > 0.99


def test_severities_are_drawn_as_curves_with_the_strips_of_one_sequence(ladder: Path) -> None:
    page = (ladder / "run/report.html").read_text()
    section = page[page.index('id="severity"') : page.index("</section>", page.index('id="severity"'))]
    assert section.count("<figure") == 2
    shown = [path for path in (ladder / "run/strips").glob("severity-*/*") if path.is_dir()]
    assert len(shown) == len(SEVERITIES)
    assert len({path.name for path in shown}) == 1


def test_an_entry_over_severities_is_packed_and_checked(ladder: Path) -> None:
    said = {"commit": "0123abc", "hardware": "a laptop", "training_data": "none", "scored_clips_seen": False}
    task = str(ladder / "stress-severity-v1.yaml")
    entry = submit(ladder / "run", ladder / "entry", answers_of({}, name=None, **said), task=task)
    assert list(check_entry(entry, task=task)) == []
    content = json.loads(entry.read_text())
    content["clips"][4]["severity"] = 1.0
    entry.write_text(json.dumps(content))
    assert [line.partition(": ")[2] for line in check_entry(entry, task=task)] == ["clips[4].severity: is 1.0, not 0.4"]


def test_a_dataset_of_ones_own_is_scored_as_it_is(ladder: Path) -> None:
    task = load_task(ladder / "stress-severity-v1.yaml", source=str(ladder / "run/data/severity-1"))
    assert task.severities == ()
