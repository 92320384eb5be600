"""Result files: what is written is read again, what is damaged or does not belong is refused in one line."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from degrade.core.errors import SpecError
from degrade.leaderboard.schema import VERSION, Result, ResultError, check_same_task, load, load_table


def make(**changes: Any) -> Result:
    facts: dict[str, Any] = {
        "task": "small-v1",
        "task_sha256": "a" * 64,
        "data_sha256": "b" * 64,
        "model": {"name": "rtn", "weights": "scratch", "parameters": 7, "config": {"flow": "dis", "sizes": [1, 2]}},
        "clips": [
            {
                "clip": "a",
                "sequence": "s",
                "damage": ["dust", "scratch#2"],
                "metrics": {"psnr": 30.25, "psnr_inside": None},
                "psnr_over_time": [30.0, 30.5],
                "references": {"target": {"e_warp": 0.5}},
            },
            {"clip": "b", "sequence": "s", "metrics": {"psnr": 100.0, "psnr_inside": 9.5}},
        ],
        "run": {"device": "cpu", "seconds": 2.5, "seconds_per_frame": 0.25, "versions": {"torch": "2.4"}},
        "training": {"steps": 10, "seconds": 3, "recipe": {"lr": 0.1}, "curve": [{"step": 5, "loss": 0.2}]},
    }
    return Result(**{**facts, **changes})


def test_a_result_survives_the_round_trip_and_is_written_the_same_again(tmp_path: Path) -> None:
    result = make()
    result.save(tmp_path / "new" / "one.json")
    read = load(tmp_path / "new" / "one.json")
    read.save(tmp_path / "two.json")
    assert read == result
    assert (tmp_path / "new" / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert sorted(path.name for path in tmp_path.rglob("*.json*")) == ["one.json", "two.json"]  # nothing partial


def test_lists_of_numbers_and_names_lie_on_one_line_and_text_is_untouched(tmp_path: Path) -> None:
    odd = 'a "[\n 1,\n 2\n]" b'
    result = make(model={"name": "rtn", "summary": odd})
    result.save(tmp_path / "one.json")
    text = (tmp_path / "one.json").read_text()
    assert '"psnr_over_time": [30.0, 30.5]' in text
    assert '"damage": ["dust", "scratch#2"]' in text
    assert load(tmp_path / "one.json").model.summary == odd


def test_what_is_not_defined_is_null(tmp_path: Path) -> None:
    clip = {"clip": "a", "sequence": "s", "metrics": {"psnr": math.nan}, "psnr_over_time": [1.0, math.nan]}
    make(clips=[clip]).save(tmp_path / "one.json")
    content = json.loads((tmp_path / "one.json").read_text())
    assert content["clips"][0]["metrics"]["psnr"] is None
    assert load(tmp_path / "one.json").clips[0].psnr_over_time == (1.0, None)


@pytest.mark.parametrize("score", [math.inf, -math.inf, "30", True, [1.0]])
def test_a_score_that_is_no_finite_number_is_refused(score: Any) -> None:
    with pytest.raises(SpecError, match=r"metrics\.psnr: should be a (finite|valid) number, got "):
        make(clips=[{"clip": "a", "sequence": "s", "metrics": {"psnr": score}}])


def test_a_clip_that_is_scored_twice_is_refused() -> None:
    clip = {"clip": "a", "sequence": "s", "metrics": {"psnr": 1.0}}
    with pytest.raises(SpecError, match="clip 'a' is scored twice"):
        make(clips=[clip, clip])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged, not JSON"),
        (b'{"schema_version": 2, "task"', "damaged, not JSON"),
        (b"\xff\xfe\x00", "damaged, not JSON"),
        (b'{"schema_version": 2, "task": NaN}', "damaged, not JSON"),
        (b"[1, 2]", "damaged, not a result"),
        (b"{}", "damaged, has no schema_version"),
        (b'{"schema_version": "one"}', r"schema_version: "),
        (b'{"schema_version": 2}', "task: is required"),
        (b'{"schema_version": 2, "tsk": "x"}', "unknown key 'tsk'; did you mean 'task'|task: is required"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(ResultError, match=message) as caught:
        load(tmp_path / "bad.json")
    assert str(caught.value).startswith(f"{tmp_path / 'bad.json'}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"none\.json: No such file"):
        load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("version", "words"), [(VERSION + 1, "newer .*update film-degrade"), (VERSION - 1, "older .*run the task again")]
)
def test_another_schema_is_one_line_that_says_what_to_do(tmp_path: Path, version: int, words: str) -> None:
    (tmp_path / "new.json").write_text(json.dumps({"schema_version": version, "future": []}))
    with pytest.raises(ResultError, match=rf"new\.json: schema version {version} is {words}"):
        load(tmp_path / "new.json")


@pytest.mark.parametrize(
    ("key", "value", "before"),
    [("task", "small-v2", "small-v1"), ("task_sha256", "c" * 64, "a" * 64), ("data_sha256", "d" * 64, "b" * 64)],
)
def test_results_of_other_tasks_or_data_are_refused(tmp_path: Path, key: str, value: str, before: str) -> None:
    make().save(tmp_path / "one.json")
    make(**{key: value}).save(tmp_path / "two.json")
    with pytest.raises(ResultError) as caught:
        load_table([tmp_path / "one.json", tmp_path / "two.json"])
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'two.json'}: {key} is {value}")
    assert before in line
    assert str(tmp_path / "one.json") in line
    assert "\n" not in line


def test_results_on_other_clips_are_refused() -> None:
    fewer = make(clips=[{"clip": "a", "sequence": "s", "metrics": {"psnr": 1.0}}])
    with pytest.raises(ResultError, match=r"fewer: clip 'b' of 's' is scored in only one of it and all"):
        check_same_task([("all", make()), ("fewer", fewer)])


def test_one_model_is_in_a_table_once() -> None:
    with pytest.raises(ResultError, match=r"copy: holds 'rtn \(scratch\)', as does first; keep one"):
        check_same_task([("first", make()), ("other", make(model={"name": "unet"})), ("copy", make())])


def test_results_of_one_task_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        make(model={"name": name}).save(tmp_path / f"{name}.json")
    found = load_table([tmp_path / "b.json", tmp_path / "a.json"])
    assert [result.model.name for result in found] == ["b", "a"]


@pytest.mark.parametrize(
    ("model", "label", "name"),
    [
        ({"name": "median"}, "median", "median"),
        ({"name": "rtn", "title": "RTN", "weights": "bundled"}, "RTN (bundled)", "rtn-bundled"),
        ({"name": "rtn", "weights": "../a b.pth"}, "rtn (../a b.pth)", "rtn-.._a_b.pth"),
    ],
)
def test_names_for_people_and_for_files(model: dict[str, str], label: str, name: str) -> None:
    result = make(model=model)
    assert (result.label, result.id) == (label, name)
