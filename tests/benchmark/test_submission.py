"""Entries to the leaderboard: packed by anyone, checked against their task, refused where they are forged or broken."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip("torch", reason="the benchmark needs PyTorch")
from degrade import DatasetError, SpecError
from degrade.benchmark.checking import _of_clip, check_entry
from degrade.benchmark.cli import app
from degrade.benchmark.entries import entries
from degrade.benchmark.report import build_leaderboard
from degrade.benchmark.run import run
from degrade.benchmark.submission import answers_of, submit
from degrade.benchmark.task import load_task
from degrade.dataset.layout import DatasetFolder
from degrade.leaderboard.schema import load
from tests.benchmark.conftest import TINY

SAID = {"commit": "0123abc", "hardware": "a laptop", "training_data": "none", "scored_clips_seen": False}
TASK: dict[str, Any] = {
    "about": "Tiny.",
    "data": TINY["data"],
    "metrics": ["psnr", "psnr_inside", "over_correction"],
    "baselines": ["input"],
    "train": {"steps": 1},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task's file, a run of it with a baseline and a model, and the entry of the model."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TASK))
    task = load_task(folder / "tiny.yaml")
    run(task, entries(task, ["median"], None), folder / "run")
    submit(folder / "run", folder / "entry", answers_of({}, name=None, **SAID), task=str(folder / "tiny.yaml"))
    return folder


@pytest.fixture
def entry(made: Path, tmp_path: Path) -> Path:
    """A copy of the entry, to be forged."""
    return shutil.copytree(made / "entry", tmp_path / "entry") / "median.json"


def refused(path: Path, made: Path, **given: Any) -> list[str]:
    return list(check_entry(path, task=str(made / "tiny.yaml"), **given))


def test_an_entry_is_a_result_with_its_provenance_and_its_frames(made: Path) -> None:
    result, own = load(made / "entry/median.json"), load(made / "run/results/median.json")
    assert result.provenance is not None
    assert result.provenance.model_dump(exclude={"frames_sha256"}) == SAID
    assert set(result.provenance.frames_sha256) == {row.clip for row in own.clips}
    assert result.model_copy(update={"provenance": None}) == own
    assert len(list((made / "entry/restored/median/frames").glob("*.mkv"))) == 4
    assert refused(made / "entry/median.json", made, peers=[made / "run/results/input.json"]) == []


def test_frames_made_elsewhere_are_scored_and_come_onto_the_page(made: Path, tmp_path: Path) -> None:
    """As the guide has it: another program reads the damaged clips and writes pictures under the same names."""
    data = DatasetFolder(made / "run/data")
    for clip in data.clips:
        (tmp_path / "mine" / clip).mkdir(parents=True)
        for picture in sorted((made / f"run/data/val/lq/{clip}").iterdir()):
            blurred = cv2.GaussianBlur(cv2.imread(str(picture)), (0, 0), 1)
            cv2.imwrite(str(tmp_path / "mine" / clip / picture.name), blurred)
    about = {**SAID, "model": {"name": "x", "licence": "MIT"}, "seconds_per_frame": 0.5}
    answers = answers_of(about, name="mine")
    results = tmp_path / "results/tiny"
    path = submit(
        made / "run", results, answers, frames=str(tmp_path / "mine"), task=str(made / "tiny.yaml")
    )  # fmt: skip
    result = load(path)
    assert (result.id, result.model.licence, result.run.device, result.run.seconds) == ("mine", "MIT", "a laptop", None)
    shutil.copy(made / "run/results/input.json", results)
    assert refused(path, made, peers=sorted(results.glob("*.json"))) == []
    pages = build_leaderboard(tmp_path / "results", tmp_path / "pages")
    table = next(page for page in pages if page.name == "README.md").read_text()
    assert {line.split("|")[2].strip() for line in table.splitlines() if "|" in line} >= {"mine", "input"}
    page = (tmp_path / "pages/tiny.html").read_text()
    assert "a laptop" in page
    assert "Scored clips seen in training" in page


def forge(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return apply


def scores(**metrics: Any) -> Callable[[Path], None]:
    return forge(lambda content: content["clips"][1]["metrics"].update(metrics))


def drop_clip(content: dict[str, Any]) -> None:
    name = content["clips"].pop(2)["clip"]
    del content["provenance"]["frames_sha256"][name]


def better_everywhere(content: dict[str, Any]) -> None:
    for row in content["clips"]:
        row["metrics"]["psnr"] += 2
        row["psnr_over_time"] = [value + 2 for value in row["psnr_over_time"]]


def perfect_frame(content: dict[str, Any]) -> None:
    row = content["clips"][0]
    row["psnr_over_time"][1] = 100.0
    row["metrics"]["psnr"] = sum(row["psnr_over_time"]) / len(row["psnr_over_time"])


FORGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "damaged": (lambda path: path.write_text(path.read_text()[:-9]), "median.json: damaged, not JSON"),
    "infinite": (
        lambda path: path.write_text(path.read_text().replace('"psnr": ', '"psnr": 1e999, "x": ', 1)),
        "clips[0].metrics.psnr: should be",
    ),
    "no provenance": (forge(lambda content: content.pop("provenance")), "median.json: provenance: is required"),
    "no answer": (
        forge(lambda content: content["provenance"].pop("scored_clips_seen")),
        "median.json: provenance.scored_clips_seen: is required",
    ),
    "no commit": (
        forge(lambda content: content["provenance"].update(commit="latest")),
        "provenance.commit: String should match pattern",
    ),
    "another task": (forge(lambda content: content.update(task_sha256="0" * 64)), "task_sha256: is 000"),
    "other data": (forge(lambda content: content.update(data_sha256="0" * 64)), "data_sha256: is 000"),
    "a clip left out": (forge(drop_clip), "clips: '03_camera_00000' is missing"),
    "a clip of its own": (
        forge(lambda content: content["clips"][0].update(clip="easy")),
        "provenance.frames_sha256: has none of clip 'easy'",
    ),
    "another sequence": (
        forge(lambda content: content["clips"][0].update(sequence="alone")),
        "clips[0].sequence: is 'alone'",
    ),
    "a metric left out": (
        forge(lambda content: content["clips"][3]["metrics"].pop("over_correction")),
        "clips[3].metrics.over_correction: is required",
    ),
    "out of range": (scores(over_correction=-1.0), "clips[1].metrics.over_correction: -1 lies outside the range"),
    "better than rounding": (scores(psnr_inside=70.0), "clips[1].metrics.psnr_inside: 70.00 dB; nobody can know"),
    "a mean of something else": (scores(psnr=45.0), "clips[1].metrics.psnr: 45.00 dB, but the mean of psnr_over_time"),
    "better than its frames": (forge(better_everywhere), "but its frames score"),
    "a frame of the target": (forge(perfect_frame), "clips[0].psnr_over_time[1]: 100 dB: the frame equals its target"),
    "a baseline": (
        forge(lambda content: content["model"].update(baseline=True)),
        "model.baseline: 'median' is none of tiny",
    ),
    "under another name": (lambda path: path.rename(path.with_name("best.json")), "model.name: 'median' is to be in"),
    "other frames": (
        lambda path: swap(path.parent / "restored/median/frames"),
        "provenance.frames_sha256.02_chelsea_00000: is not that of the frames",
    ),
    "frames missing": (
        lambda path: next((path.parent / "restored/median/frames").iterdir()).unlink(),
        "restored: unknown sequence",
    ),
}


def swap(folder: Path) -> None:
    first, second, *_ = sorted(folder.iterdir())
    shutil.copy(second, first)


@pytest.mark.parametrize("kind", FORGED)
def test_what_is_forged_or_broken_is_refused_in_a_line_that_says_why(kind: str, made: Path, entry: Path) -> None:
    change, why = FORGED[kind]
    change(entry)
    (path,) = entry.parent.glob("*.json")
    found = refused(path, made)
    assert any(why in line for line in found), found
    assert all(line.startswith(str(path)) and "\n" not in line for line in found)


def test_frames_that_equal_the_target_are_refused(made: Path, tmp_path: Path) -> None:
    answers = answers_of(SAID, name="copy")
    path = submit(made / "run", tmp_path / "entry", answers, frames=str(made / "run/data/val/gt"),
                  task=str(made / "tiny.yaml"))  # fmt: skip
    found = refused(path, made)
    assert "nobody can know so exactly what damage hides" in found[0]
    shutil.rmtree(tmp_path / "entry/restored")
    assert refused(path, made) == found


def test_an_entry_that_beats_one_with_true_masks_is_refused(made: Path, entry: Path, tmp_path: Path) -> None:
    """The upper bound is the input itself, which a median beats inside the damage."""
    oracle = tmp_path / "input-true-masks.json"
    shutil.copy(made / "run/results/input.json", oracle)
    forge(lambda content: content["model"].update(true_masks=True, baseline=False))(oracle)
    (line,) = refused(entry, made, peers=[oracle])
    assert "metrics.psnr_inside: beats input (true masks), which is told where the damage is" in line


def test_one_of_another_table_is_refused_beside_it(made: Path, entry: Path) -> None:
    forge(lambda content: content["model"].update(name="other"))(entry)
    other = entry.rename(entry.with_name("other.json"))
    forge(lambda content: content.update(data_sha256="0" * 64))(other)
    (line,) = refused(other, made, peers=[made / "run/results/input.json"])
    assert "data_sha256 is 000" in line
    assert "they cannot share a table" in line


def test_what_has_seen_the_scored_clips_has_no_rank(made: Path, tmp_path: Path) -> None:
    (tmp_path / "results/tiny").mkdir(parents=True)
    answers = answers_of(SAID, name=None, scored_clips_seen=True)
    submit(made / "run", tmp_path / "entry", answers, task=str(made / "tiny.yaml"))
    for path in (tmp_path / "entry/median.json", made / "run/results/input.json"):
        shutil.copy(path, tmp_path / "results/tiny")
    build_leaderboard(tmp_path / "results", tmp_path / "pages")
    rows = [line.split("|")[1:3] for line in (tmp_path / "pages/README.md").read_text().splitlines() if "|" in line]
    assert {name.strip(): rank.strip() for rank, name in rows[2:]} == {"median": "–", "input": "1"}


@pytest.mark.parametrize(
    ("changes", "given", "message"),
    [
        ({"scored_clips_seen": None}, {}, "scored_clips_seen: is required"),
        ({"commit": None}, {}, "commit: is required"),
        ({"training_data": ""}, {}, "training_data: "),
        ({"model": {"name": "mine"}}, {}, "--frames: is required"),
    ],
)
def test_what_its_authors_do_not_say_is_asked_for(
    made: Path, tmp_path: Path, changes: dict[str, Any], given: dict[str, Any], message: str
) -> None:
    answers = answers_of({**SAID, **changes}, name=None)
    with pytest.raises(SpecError, match=message):
        submit(made / "run", tmp_path / "entry", answers, task=str(made / "tiny.yaml"), **given)
    assert not (tmp_path / "entry").exists()


def test_the_commands(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from degrade.console import run as command

    def call(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["benchmark", *map(str, words)])
        code = command(app)
        return code, *capsys.readouterr()

    source = tmp_path / "median.py"
    source.write_text("# a model")
    said = ["--commit", source, "--training-data", "none", "--unseen", "--task", made / "tiny.yaml"]
    code, out, err = call("submit", made / "run", "--out", tmp_path / "entry", *said)
    assert (code, out.strip()) == (0, str(tmp_path / "entry/median.json")), err
    code, out, err = call("check", tmp_path / "entry", "--task", made / "tiny.yaml", "--beside", made / "run/results")
    assert (code, "holds 'median', as does" in out) == (1, True)
    assert call("check", tmp_path / "entry", "--task", made / "tiny.yaml")[0] == 0
    assert call("submit", made / "run", "--out", tmp_path / "entry", *said)[0] == 2
    assert call("check", tmp_path / "nowhere")[0] == 1


def test_a_folder_that_holds_something_is_left_alone(made: Path, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(DatasetError, match="is not empty; name a new folder"):
        submit(made / "run", tmp_path, answers_of(SAID, name=None), task=str(made / "tiny.yaml"))


def test_a_key_frame_may_equal_its_target() -> None:
    """Its colours are given."""
    target = np.random.default_rng(0).random((2, 16, 24, 3), dtype=np.float32)
    row = SimpleNamespace(sequence="a", severity=None, psnr_over_time=[30.0, 100.0])
    clip = SimpleNamespace(
        record=SimpleNamespace(sequence="a"), severity=None, input=1 - target, target=target, distances=(1, 0)
    )
    assert list(_of_clip(row, clip)) == []
    clip.distances = ()
    assert list(_of_clip(row, clip)) == ["psnr_over_time[1]: 100 dB: the frame equals its target"]
