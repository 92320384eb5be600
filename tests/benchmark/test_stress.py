"""The stress tasks, made small: they tell apart what the main tasks do not."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("torch", reason="the benchmark needs PyTorch")
from degrade import SpecError
from degrade.benchmark.checking import check_entry
from degrade.benchmark.clips import lookalikes, scored_spec
from degrade.benchmark.entries import entries
from degrade.benchmark.run import run
from degrade.benchmark.submission import answers_of, submit
from degrade.benchmark.task import load_task, tasks
from degrade.dataset.pairs import clean_frames
from degrade.dataset.plan import plan
from degrade.leaderboard.schema import Result, load
from degrade.sources import open_source
from degrade.writers import open_writer


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


def test_look_alikes_in_front_of_ones_own_footage_at_the_size_of_the_clips(tmp_path: Path) -> None:
    (tmp_path / "clips/val").mkdir(parents=True)
    with open_writer(tmp_path / "clips/val/wall.mkv") as writer:
        for t in range(5):
            writer.write(np.full((96, 144, 3), 90 + t, np.uint8))
    path = small(
        "stress-lookalikes-clips-v1", tmp_path, str(tmp_path / "clips"), ["input"],
        clips={"length": 5, "size": [64, 64]}, splits={"val": ["val/*"]},
    )  # fmt: skip
    task = load_task(path, source=str(tmp_path / "clips"))
    of_clip = lookalikes(task)
    (kind, opacity), *others = of_clip("val_wall_wires_00000").items()
    assert not others
    assert kind == "look-alike: wires"
    assert opacity.shape == (5, 64, 64, 1)
    frames = clean_frames(
        next(c for c in plan(scored_spec(task), task.data.footage()) if "wires" in c.id), task.data.footage(), 0, 5, 8
    )
    dark = frames[..., 0] < 60
    assert dark.any()
    assert (opacity[..., 0][dark] > 0.3).all()


def test_a_model_at_several_strengths_has_a_row_for_each_and_a_line_through_them(tmp_path: Path) -> None:
    source = "builtin:lookalikes?count=2&frames=5&height=48&width=72"
    path = small("stress-lookalikes-v1", tmp_path, source, ["input", "median"], clips={"length": 5}, splits={"val": 1})
    content = yaml.safe_load(path.read_text())
    content["data"]["pipeline"] = [{"dust": {"per_frame": 8, "size": 0.05, "opacity": 1}}]
    path.write_text(yaml.safe_dump(content))
    task = load_task(path)
    asked = ["median?radius=1", "classical?threshold=0.05&deflicker=0", "classical?threshold=0.3&deflicker=0"]
    paths, _ = run(task, entries(task, asked, None), tmp_path / "run")
    results = {path.stem: load(path) for path in paths}
    assert list(results) == [
        "input", "median", "median-radius-1", "classical-threshold-0.05-deflicker-0",
        "classical-threshold-0.3-deflicker-0",
    ]  # fmt: skip
    mine = results["median-radius-1"]
    assert (mine.label, mine.model.baseline, mine.model.settings) == ("median (radius 1)", False, {"radius": 1})
    assert mine.model.config == {"radius": 1}
    bold, timid = (results[f"classical-threshold-{value}-deflicker-0"] for value in (0.05, 0.3))
    assert mean(bold, "false_repair") > mean(timid, "false_repair")
    page = (tmp_path / "run/report.html").read_text()
    section = page[page.index('id="trade-off"') : page.index("</section>", page.index('id="trade-off"'))]
    assert section.count('<path class="') == 5 + 2  # points, and lines of the two models with settings
    assert section.count('dot"') == 5


def mean(result: Result, metric: str) -> float:
    values = [row.metrics[metric] for row in result.clips if row.metrics[metric] is not None]
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("median?radios=1", "unknown argument of median 'radios'; did you mean 'radius'?"),
        ("median?radius", "--model: must be key=value, got 'radius'"),
        ("median?radius=[1]", r"--model: radius must be a number or a word, got \[1\]"),
        ("median?radius=0", "radius"),
    ],
)
def test_settings_that_are_none_are_one_line(model: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        entries(load_task("quick-v4"), [model], None)
