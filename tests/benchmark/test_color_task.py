"""Colour tasks: run, scored over the distance from the key frame, and trained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from degrade.benchmark.coloring import color_clip, key_distances, lesson
from degrade.benchmark.entries import entries
from degrade.benchmark.run import run
from degrade.benchmark.task import Colorization, Task, load_task
from degrade.core.errors import SpecError
from degrade.leaderboard.schema import load
from degrade.models import build
from degrade.models._lab import rgb_to_lab

TINY: dict[str, Any] = {
    "about": "Tiny.",
    "data": {
        "seed": 3,
        "source": "builtin:stills?count=4&frames=6&height=32&width=48",
        "clips": {"length": 6, "stride": 6},
        "color": "rgb",
        "pipeline": [],
        "splits": {"val": ["*_chelsea", "*_coffee"], "train": 1.0},
    },
    "metrics": ["psnr_ab", "psnr", "cdc_difference", "colorfulness_difference", "e_warp"],
    "flow": "exact",
    "colorization": {"key_frames": [1]},
    "baselines": ["grey", "copy"],
    "weights": ["scratch"],
    "train": {
        "steps": 2, "frames": 3, "crop": [32, 32], "validate_every": 1, "checkpoint_every": 1, "ema": 0.5,
        "config": {"rtn_color": {"groups": 1, "dim": 16}},
    },
}  # fmt: skip


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Task]:
    def make(**changes: object) -> Task:
        path = tmp_path / "tiny-color.yaml"
        path.write_text(yaml.safe_dump({**TINY, **changes}))
        return load_task(str(path))

    return make


def test_models_are_trained_run_and_scored_over_the_distance(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny()
    chosen = entries(task, ["rtn_color", "mean"], None)
    paths, table = run(task, chosen, tmp_path / "a")
    found = {result.model.name: result for result in map(load, paths)}
    assert set(found) == {"grey", "copy", "rtn_color", "mean"}
    assert found["rtn_color"].training.steps == 2
    assert found["rtn_color"].training.curve[0].psnr > 10
    for result in found.values():
        for clip in result.clips:
            assert clip.key_distances == (1, 0, 1, 2, 3, 4)
            assert clip.main_over_time[1] > 50  # the key frame, but for 8 bits
            rest = [score for score, distance in zip(clip.main_over_time, clip.key_distances, strict=True) if distance]
            assert clip.metrics["psnr_ab"] == pytest.approx(np.mean(rest))  # without the key frame
    copied = found["copy"].clips[0].main_over_time
    assert copied[2] > copied[5]
    assert found["copy"].clips[0].metrics["psnr_ab"] > found["grey"].clips[0].metrics["psnr_ab"]
    assert "over the distance from the key frame" in (tmp_path / "a/report.html").read_text("utf-8")
    assert "PSNR ab" in table
    again, _ = run(task, chosen, tmp_path / "a", resume=True)
    assert [load(path).clips for path in again] == [found[load(path).model.name].clips for path in again]


def test_a_restorer_goes_before(tiny: Callable[..., Task], tmp_path: Path) -> None:
    specks = {"dust": {"per_frame": 6, "size": [0.1, 0.2], "opacity": 1}}
    task = tiny(data={**TINY["data"], "pipeline": [specks]}, baselines=["copy", "median+copy"], metrics=["psnr"])
    chosen = entries(task, ["median+rtn_color", "rtn_color"], None)
    paths, _ = run(task, chosen, tmp_path / "a")
    found = {result.model.name: result for result in map(load, paths)}
    assert set(found) == {"copy", "median+copy", "rtn_color", "median+rtn_color"}
    assert [path.name for path in (tmp_path / "a/train").iterdir()] == ["rtn_color-scratch"]  # trained once for both
    both = found["median+copy"].model
    assert both.baseline
    assert (both.restorer.name, found["copy"].model.restorer) == ("median", None)
    gains = [
        restored.metrics["psnr"] - plain.metrics["psnr"]
        for restored, plain in zip(found["median+copy"].clips, found["copy"].clips, strict=True)
    ]
    assert min(gains) > 1
    with pytest.raises(SpecError, match="'rrtn' has no bundled weights, and cannot restore"):
        entries(task, ["rrtn+copy"], None)
    with pytest.raises(SpecError, match="Copy colours grey film, and restores none"):
        entries(task, ["copy+copy"], None)


def test_a_reference_far_away(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny(colorization={"key_frames": [5], "frames": 3})
    paths, _ = run(task, entries(task, ["copy"], None), tmp_path / "a")
    for clip in [clip for path in paths for clip in load(path).clips]:
        assert clip.key_distances == (5, 4, 3)
        assert len(clip.main_over_time) == len(clip.psnr_over_time) == 3


def test_models_that_do_something_else_are_refused(tiny: Callable[..., Task]) -> None:
    with pytest.raises(SpecError, match="Median restores film, and colours none"):
        entries(tiny(), ["median"], None)
    with pytest.raises(SpecError, match="Copy colours grey film, and restores none"):
        entries(load_task("quick-v4"), ["copy"], None)


def test_l_of_the_film_is_that_of_the_result() -> None:
    clean = torch.rand(4, 3, 16, 16) * 0.2 + 0.4
    sample: Any = {"lq": clean, "gt": clean}
    made = color_clip(Colorization(key_frames=(0, 3)), build("copy"), sample, "cpu")
    lightness = rgb_to_lab(torch.from_numpy(made).permute(0, 3, 1, 2))[:, :1]
    torch.testing.assert_close(lightness, rgb_to_lab(clean)[:, :1], atol=1e-2, rtol=0)
    with pytest.raises(SpecError, match="frame 4 lies beyond a clip of frames 0 to 3"):
        color_clip(Colorization(key_frames=(4,)), build("copy"), sample, "cpu")


def test_distances_count_from_the_nearest_key_frame() -> None:
    assert key_distances(Colorization(key_frames=(0, 5)), 7) == (0, 1, 2, 2, 1, 0, 1)
    assert key_distances(Colorization(key_frames=(9,), frames=3), 10) == (9, 8, 7)


def test_lessons_leave_the_key_frame_out_and_draw_it_by_the_step() -> None:
    clean = torch.rand(2, 4, 3, 16, 16)
    film, mask = clean * 0.5, torch.arange(4.0).view(1, 4, 1, 1, 1).expand(2, 4, 1, 16, 16)
    keys = set()
    for step in range(12):
        made = lesson(build("copy").train(), film, clean, mask, step)
        assert made.ab.shape == made.wanted_ab.shape == (2, 3, 2, 16, 16)
        (key,) = {0, 1, 2, 3} - {int(t) for t in made.mask[0, :, 0, 0, 0]}
        keys.add(key)
        expected = rgb_to_lab(clean[:, key])[:, None, 1:].expand(-1, 3, -1, -1, -1)
        torch.testing.assert_close(110 * made.ab, expected)
        rest = [t for t in range(4) if t != key]
        torch.testing.assert_close(110 * made.wanted_ab, rgb_to_lab(clean[:, rest])[:, :, 1:])
        assert torch.equal(made.wanted, clean[:, rest])
    assert keys == {0, 1, 2, 3}
