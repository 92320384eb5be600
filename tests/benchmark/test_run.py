"""Training, scoring and the command that does both, on a task that takes seconds."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

torch = pytest.importorskip("torch", reason="the benchmark needs PyTorch")
from degrade import DatasetError, SourceError, SpecError  # noqa: E402
from degrade.benchmark.entries import Entry, entries  # noqa: E402
from degrade.benchmark.run import run  # noqa: E402
from degrade.benchmark.task import Task, load_task, tasks  # noqa: E402
from degrade.benchmark.train import TrainingStopped  # noqa: E402
from degrade.dataset.generate import generate  # noqa: E402
from degrade.leaderboard.schema import load  # noqa: E402
from degrade.models import build, get, save  # noqa: E402
from degrade.spec import parse  # noqa: E402

OWN = """
from degrade.models.base import RestorationModel, Restored
from degrade.models import ModelCard

class Dark(RestorationModel):
    card = ModelCard(summary="darkens", source="a test")

    def restore(self, frames, flows):
        return Restored(frames * 0.5)

class Black(Dark):
    def restore(self, frames, flows):
        return Restored(frames * 0)
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file of two models that learn nothing."""
    path = tmp_path / "median.py"
    path.write_text(OWN)
    return path


def test_run_gives_the_same_results_twice_and_resumes(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny()
    chosen = entries(task, ["unet"], None)
    assert [(e.model, e.weights) for e in chosen] == [("input", "none"), ("median", "none"), ("unet", "scratch")]
    paths, table = run(task, chosen, tmp_path / "a")
    weights = tmp_path / "a/train/unet-scratch/weights.safetensors"
    made = weights.stat().st_mtime_ns
    with pytest.raises(DatasetError, match=r"a holds a run; go on with --resume, or name another folder"):
        run(task, chosen, tmp_path / "a")
    with pytest.raises(DatasetError, match="a holds a run of another task or budget; name another folder"):
        run(tiny(steps=9), chosen, tmp_path / "a", resume=True)
    assert weights.stat().st_mtime_ns == made
    again, _ = run(task, chosen, tmp_path / "b", workers=2)
    for one, other in zip(paths, again, strict=True):
        assert load(one).clips == load(other).clips
        assert load(one).data_sha256 == load(other).data_sha256
    trained_again = []
    _, resumed = run(
        task, chosen, tmp_path / "a", resume=True, progress=lambda what, *_: trained_again.append(what)
    )  # fmt: skip
    assert resumed == table
    assert not [what for what in trained_again if "train" in what or "restore" in what]
    assert "unet" in table
    assert (tmp_path / "a/report.html").stat().st_size > 10_000
    result = load(next(path for path in paths if "unet" in path.name))
    assert len(result.clips) == 4
    assert result.training.steps == 6
    assert result.run.peak_memory_mib > 0
    assert "dust" in result.clips[0].damage
    assert [clip.sequence for clip in result.clips] == sorted(2 * sorted({clip.sequence for clip in result.clips}))


def test_a_folder_of_something_else_is_left_alone(tiny: Callable[..., Task], tmp_path: Path) -> None:
    (tmp_path / "reels").mkdir()
    (tmp_path / "reels/film.mkv").touch()
    for resume in (False, True):
        with pytest.raises(DatasetError, match=r"reels holds something else \(film.mkv\); name a new or empty folder"):
            run(tiny(), [Entry("input")], tmp_path / "reels", resume=resume)
    assert [path.name for path in (tmp_path / "reels").iterdir()] == ["film.mkv"]


def test_models_of_one_file_are_told_apart_and_scored_again_when_it_changes(
    tiny: Callable[..., Task], tmp_path: Path, own: Path
) -> None:
    task = tiny()
    chosen = entries(task, [f"{own}:Dark", f"{own}:Black"], None)
    assert [entry.id for entry in chosen] == ["input", "median", "median.Dark", "median.Black"]

    def scores(resume: bool) -> dict[str, float]:
        found = map(load, run(task, chosen, tmp_path / "out", resume=resume)[0])
        return {result.id: result.clips[0].metrics["psnr"] for result in found}

    first = scores(resume=False)
    assert len(set(first.values())) == 4
    assert len(list((tmp_path / "out/strips").glob("*/median.Dark.png"))) == 4
    assert len(list((tmp_path / "out/strips").glob("*/frames-*/median.Dark.webp"))) == 4
    assert 'class="sample"' in (tmp_path / "out/report.html").read_text("utf-8")
    own.write_text(OWN.replace("0.5", "0.8"))
    again = scores(resume=True)
    assert again.pop("median.Dark") != first.pop("median.Dark")
    assert again == first


def test_the_model_of_the_guide_is_trained(tiny: Callable[..., Task], tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs/models.md").read_text("utf-8").partition("## A model of your own")[2]
    own = tmp_path / "mine.py"
    own.write_text(guide.partition("```python\n")[2].partition("```")[0])
    task = tiny(steps=2)
    chosen = entries(task, [f"{own}:Sharper"], "scratch")
    paths, _ = run(task, chosen, tmp_path / "out")
    result = load(paths[-1])
    assert (result.id, result.training.steps) == ("mine.Sharper-scratch", 2)
    assert result.model.parameters == 11011  # as its card says
    weights = tmp_path / "out/train/mine.Sharper-scratch/weights.safetensors"
    (entry,) = entries(task, [f"{own}:Sharper"], str(weights))[2:]
    assert entry.id == "mine.Sharper-weights.safetensors"
    own.write_text(own.read_text() + "# changed")
    with pytest.raises(TrainingStopped, match="is of another task, budget, model file"):
        run(task, chosen, tmp_path / "out", resume=True)


def test_a_model_may_load_its_own_weights(tiny: Callable[..., Task], tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    loads = f"self.net.load_state_dict(torch.load({str(tmp_path / 'theirs.pth')!r}))"
    own.write_text(
        "import torch\nfrom degrade.extend import ModelCard, RestorationModel, Restored\n"
        "class Mine(RestorationModel):\n    card = ModelCard(summary='', source='')\n"
        "    def __init__(self):\n        super().__init__()\n        self.net = torch.nn.Conv2d(3, 3, 1)\n"
        f"        {loads}\n    def restore(self, frames, flows): return Restored(frames)\n"
    )
    torch.save(torch.nn.Conv2d(3, 3, 1).state_dict(), tmp_path / "theirs.pth")
    with pytest.raises(SpecError, match="train it with --weights scratch, or say none if it loads its own"):
        entries(tiny(), [str(own)], "bundled")
    chosen = entries(tiny(), [str(own)], "none")
    assert [(entry.id, entry.weights, entry.file) for entry in chosen][-1] == ("mine", "none", None)
    result = load(run(tiny(), chosen, tmp_path / "out")[0][-1])
    assert (result.model.parameters, result.model.weights, result.model.weights_sha256) == (12, "none", None)
    own.write_text(own.read_text().replace(loads, "pass"))
    with pytest.raises(SpecError, match=r"none is for models that load their own; .* starts from random numbers"):
        entries(tiny(), [str(own)], "none")


def test_a_result_says_under_which_licence_its_weights_are(tmp_path: Path) -> None:
    torch.save(build("rtn").state_dict(), tmp_path / "released.pth")
    save(build("rtn"), tmp_path / "own.safetensors")
    card = get("rtn").card
    files = {"released": tmp_path / "released.pth", "own": tmp_path / "own.safetensors", "bundled": tmp_path / "x"}
    licences = {name: Entry("rtn", name, file).licence(card) for name, file in files.items()}
    assert licences == {"released": card.weights_licence, "own": "", "bundled": "Apache-2.0"}
    assert "academic" in licences["released"]


def test_a_written_dataset_takes_the_place_of_the_tasks_data(
    tiny: Callable[..., Task], tiny_yaml: dict, tmp_path: Path
) -> None:
    tiny()
    own = {"name": "own", "pipeline": [{"noise": {"sigma": 9}}], "splits": {"train": 0.5, "val": 0.5}, "color": "grey"}
    generate(parse({**own, "source": tiny_yaml["data"]["source"], "clips": {"length": 3}}), tmp_path / "own")
    task = load_task(str(tmp_path / "tiny.yaml"), ("train.steps=2",), str(tmp_path / "own"))
    assert task.name == "tiny-on-own"
    paths, _ = run(task, entries(task, ["unet"], None), tmp_path / "out")
    result = load(next(path for path in paths if "unet" in path.name))
    assert (result.task, result.training.steps) == ("tiny-on-own", 2)
    assert {clip.damage for clip in result.clips} == {("noise",)}
    (tmp_path / "own/val/gt").rename(tmp_path / "own/val/lost")
    with pytest.raises(DatasetError, match=r"own: .*missing"):
        run(task, entries(task, ["input"], None), tmp_path / "again")


def test_a_dataset_without_masks_is_refused(tiny: Callable[..., Task], tiny_yaml: dict, tmp_path: Path) -> None:
    tiny()
    spec = {"name": "own", "pipeline": [], "source": tiny_yaml["data"]["source"], "output": {"masks": "none"}}
    generate(parse({**spec, "clips": {"length": 3, "limit": 1}}), tmp_path / "own")
    with pytest.raises(SpecError, match=r"^--data: .*own was written without masks"):
        load_task(str(tmp_path / "tiny.yaml"), (), str(tmp_path / "own"))


@pytest.mark.slow
def test_processes_of_torchrun_train_together(tiny: Callable[..., Task], tmp_path: Path) -> None:
    tiny()
    benchmark = Path(sys.executable).with_name("benchmark")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--no-python", str(benchmark)]
    options = [
        "--task",
        str(tmp_path / "tiny.yaml"),
        "--model",
        "unet",
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "o"),
    ]
    done = subprocess.run([*command, "run", *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report: ") == 1
    training = load(tmp_path / "o/results/unet-scratch.json").training
    assert training.steps == 6


def test_identity_scores_as_its_input(tiny: Callable[..., Task], tmp_path: Path) -> None:
    (path,), _ = run(tiny(), [Entry("input")], tmp_path / "out")
    rows = load(path).clips
    assert all(15 < row.metrics["psnr"] < 40 for row in rows)
    inside = [(row.metrics["psnr_inside"], row.metrics["psnr"]) for row in rows if row.metrics["psnr_inside"]]
    assert inside
    assert all(there < everywhere for there, everywhere in inside)


DIGESTS = Path(__file__).with_name("digests.json")
"""Of every task, by its name. `tools/docs.py` adds new tasks; a task that must change gets a new version."""


def test_tasks_are_frozen() -> None:
    digests = {name: load_task(name, source="builtin:stills").digest()[:16] for name in tasks.names()}
    assert digests == json.loads(DIGESTS.read_text()), "a new task is added by: python tools/docs.py --text"


@pytest.mark.parametrize("name", tasks.names())
def test_every_task_loads(name: str) -> None:
    task = load_task(name, source="builtin:stills")
    assert set(task.baselines) >= ({"grey", "copy"} if task.colorization else {"input"})
    assert task.digest() == load_task(name, source="builtin:stills").digest()
    assert task.digest() != load_task(name, ("train.steps=1",), source="builtin:stills").digest()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_task("quik-v2"), "did you mean 'quick-v4'?"),
        (lambda: load_task("clips-v2"), "task clips-v2 needs a folder with train/ and val/"),
        (lambda: load_task("quick-v4", ("train.stepz=1",)), "did you mean 'steps'?"),
        (lambda: load_task("quick-v4", ("metrics=[psnr]",)), "must be train.key=value"),
        (lambda: entries(load_task("quick-v4"), ["rtm"], None), "did you mean 'rtn'?"),
        (lambda: entries(load_task("quick-v4"), ["nlmeans", "unet"], "nowhere.safetensors"), "nowhere.safetensors"),
        (
            lambda: entries(load_task("quick-v4"), ["unet"], "bundled", "bundled"),
            "--init: is where a training starts; it goes with --weights scratch",
        ),
        (
            lambda: entries(load_task("quick-v4"), ["unet"], "scratch", "nowhere.pth"),
            "--init: nowhere.pth: no such weights file",
        ),
        (lambda: entries(load_task("quick-v4"), ["deepremaster"], "scratch", "bundled"), "has no bundled weights"),
        (lambda: load_task("nowhere.yml"), "nowhere.yml: cannot be read: No such file"),
        (lambda: load_task("quick-v4", ("train.steps.x=3",)), "train.steps: holds a value, not keys: 300"),
        (lambda: load_task("quick-v4", ("train.steps=[",)), "--set train.steps: '[' is not YAML"),
    ],
)
def test_bad_requests_are_one_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises(SpecError) as error:
        call()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("about: [1", "own.yml:1: is not YAML"),
        ("- 1", "own.yml: must be a mapping of keys to values, got list"),
        ("data: 3", "data: must be a mapping of keys to values, got int"),
        ("data: {name: x}", "data.name: is the task's own, the name of its file"),
        ("data: {preset: film-lite}", "data: unknown preset 'film-lite'; did you mean 'film-light'"),
        ("data: {preset: film-light}\ntrain: 3", "train: must be a mapping of keys to values, got int"),
    ],
)
def test_a_bad_task_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.yml").write_text(text)
    with pytest.raises(SpecError) as error:
        load_task(str(tmp_path / "own.yml"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metrics": ["psnr", "pnsr"]}, "metrics: unknown metric 'pnsr'; did you mean 'psnr'"),
        ({"train": {"loss": {"perceptual": 1}}}, "train.loss.perceptual_weights: name a file with the convolutions"),
        ({"train": {"crop": [64, 64]}}, "is too small for samples"),
        ({"data": {"splits": {"train": 1.0}}}, "data.splits: no sequence is in 'val'"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_made(
    tmp_path: Path, tiny_yaml: dict, change: dict, message: str
) -> None:
    content = {key: {**value, **change.get(key, {})} if isinstance(value, dict) else change.get(key, value)
               for key, value in tiny_yaml.items()}  # fmt: skip
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(content))
    task = load_task(str(tmp_path / "tiny.yaml"))
    with pytest.raises(SpecError) as error:
        run(task, entries(task, ["unet"], "scratch"), tmp_path / "out")
    assert message in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_run_inside_its_footage_is_refused(tiny_yaml: dict, tmp_path: Path, footage: Path) -> None:
    data = tiny_yaml["data"] | {"source": str(footage)}
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(tiny_yaml | {"data": data}))
    task = load_task(str(tmp_path / "task.yaml"))
    with pytest.raises(DatasetError, match="run: lies inside the footage"):
        run(task, [Entry("input")], footage / "run")
    assert not (footage / "run").exists()


def test_weights_of_another_model_are_named(tiny: Callable[..., Task], tmp_path: Path) -> None:
    save(build("rtn", groups=1, dim=32), tmp_path / "foreign.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"x")
    for name, message in (("foreign", "weights of RTN, built with 'dim', not of unet"), ("bad", "not a weights file")):
        with pytest.raises(SourceError, match=rf"{name}.safetensors: .*{message}"):
            entries(tiny(), ["unet"], str(tmp_path / f"{name}.safetensors"))


def test_models_of_one_name_are_refused(tiny: Callable[..., Task], tmp_path: Path, own: Path) -> None:
    twin = tmp_path / "sub" / own.name
    twin.parent.mkdir()
    twin.write_text(OWN.partition("class Black")[0])
    own.write_text(OWN.partition("class Black")[0])
    for models, name in (([str(own)], "median"), ([f"{own}:Dark", f"{twin}:Dark"], "median.Dark")):
        with pytest.raises(SpecError, match=rf"would both be '{name}'; name their classes, or rename a file"):
            entries(tiny(), models, None)


def test_result_files_are_json_for_anyone(tiny: Callable[..., Task], tmp_path: Path) -> None:
    (path,), _ = run(tiny(), [Entry("input")], tmp_path / "out")
    content = json.loads(path.read_text())
    assert content["task"] == "tiny"
    assert len(content["task_sha256"]) == len(content["data_sha256"]) == 64


def test_true_masks_are_an_upper_bound_without_a_rank(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny(steps=1, crop=[32, 32])
    chosen = entries(task, ["detect_fill"], "scratch", true_masks=True)
    ids = [entry.id for entry in chosen]
    assert ids == ["input", "median", "detect_fill-scratch", "detect_fill-scratch-true-masks"]
    trained: list[str] = []
    paths, table = run(task, chosen, tmp_path / "a", progress=lambda what, *_: trained.append(what))
    assert trained.count("train detect_fill") == 1
    found, told = map(load, paths[2:])
    assert told.label == "detect_fill (scratch, true masks)"
    assert told.model.weights_sha256 == found.model.weights_sha256
    inside = [[row.metrics["psnr_inside"] for row in result.clips] for result in (found, told)]
    assert sum(inside[1]) > sum(inside[0]) + 1
    assert next(row for row in table.splitlines() if "true masks" in row).split("|")[1].strip() == "–"
    with pytest.raises(SpecError, match="--true-masks: is for models that fill masks: detect_fill"):
        entries(task, ["unet"], "scratch", true_masks=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": []}, "metrics: "),
        ({"severities": [0.5, 0.5]}, "severities: must differ"),
        ({"colorization": {"key_frames": []}}, "colorization.key_frames: "),
    ],
)
def test_what_no_task_can_be_is_refused_when_it_is_read(
    tiny_yaml: dict[str, Any], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(yaml.safe_dump({**tiny_yaml, **changes}))
    with pytest.raises(SpecError) as error:
        load_task(str(path))
    assert str(error.value).startswith(message)


def test_a_key_frame_beyond_the_clips_is_found_before_the_work(tiny_yaml: dict[str, Any], tmp_path: Path) -> None:
    data = {**tiny_yaml["data"], "color": "rgb", "pipeline": []}
    path = tmp_path / "task.yaml"
    path.write_text(yaml.safe_dump({**tiny_yaml, "data": data, "metrics": ["psnr"], "baselines": ["grey"],
                                    "colorization": {"key_frames": [9]}}))  # fmt: skip
    task = load_task(str(path))
    with pytest.raises(SpecError, match=r"colorization.key_frames: there is no frame 9 in clip .* of 3 frames"):
        run(task, entries(task, ["grey"], None), tmp_path / "out")
    assert not (tmp_path / "out" / "data").exists()


def test_a_run_goes_on_with_its_own_dataset_alone(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny()
    for seed in (1, 2):
        generate(task.data.model_copy(update={"seed": seed}), tmp_path / f"set{seed}")
    one, other = (task.model_copy(update={"dataset": tmp_path / f"set{seed}"}) for seed in (1, 2))
    run(one, entries(one, ["median"], None), tmp_path / "out")
    run(other, entries(other, ["median"], None), tmp_path / "out", resume=True)
    run(other, entries(other, ["median"], None), tmp_path / "anew")
    mixed, anew = (load(tmp_path / name / "results/median.json") for name in ("out", "anew"))
    assert mixed.clips == anew.clips
