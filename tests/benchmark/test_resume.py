"""What is resumed from: whole or not there; what is damaged is named, and made again or refused with the cure."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the benchmark needs PyTorch")
from degrade import DatasetError  # noqa: E402
from degrade.benchmark.entries import entries  # noqa: E402
from degrade.benchmark.run import run  # noqa: E402
from degrade.benchmark.task import Task  # noqa: E402
from degrade.benchmark.train import TrainingStopped, train  # noqa: E402
from degrade.core import atomic  # noqa: E402
from degrade.core.lock import hold  # noqa: E402
from degrade.dataset.records import file_hashes  # noqa: E402
from degrade.leaderboard.schema import load  # noqa: E402
from degrade.models import build  # noqa: E402

CHECKPOINT = "train/unet-scratch/checkpoint.pt"
RECORD = "restored/unet-scratch/record.json"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of finished runs, by the names of their tasks' folders."""
    return {}


@pytest.fixture
def resumed(
    tiny: Callable[..., Task], tmp_path: Path, finished: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Callable[[Path], object]], tuple[Path, list[str]]]:
    """`resumed(harm)`: a finished run's folder after `harm(folder)` and `--resume`, and what was told meanwhile."""
    task = tiny(steps=2, validate_every=2, checkpoint_every=1)
    chosen = entries(task, ["unet"], None)
    if "whole" not in finished:
        finished["whole"] = tmp_path_factory.mktemp("finished") / "run"
        run(task, chosen, finished["whole"])

    def resume(harm: Callable[[Path], object]) -> tuple[Path, list[str]]:
        told: list[str] = []
        out = tmp_path / "out"
        shutil.copytree(finished["whole"], out)
        harm(out)
        run(task, chosen, out, resume=True, damaged=told.append)
        for path in sorted((finished["whole"] / "results").iterdir()):
            assert load(out / "results" / path.name).clips == load(path).clips
        for part in ("restored/unet-scratch/frames", CHECKPOINT.replace("checkpoint.pt", "weights.safetensors")):
            assert file_hashes(out / part) == file_hashes(finished["whole"] / part)
        return out, told

    return resume


def cut(path: str, keep: int) -> Callable[[Path], object]:
    return lambda out: (out / path).write_bytes((out / path).read_bytes()[:keep])


def lacking(path: str, key: str) -> Callable[[Path], object]:
    def harm(out: Path) -> None:
        content = json.loads((out / path).read_text())
        del content[key]
        (out / path).write_text(json.dumps(content))

    return harm


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (cut(RECORD, 0), "restored/unet-scratch: damaged (DatasetError: "),
        (cut(RECORD, 50), "restored/unet-scratch: damaged (DatasetError: "),
        (lacking(RECORD, "run"), "restored/unet-scratch: damaged (KeyError: 'run'); made again"),
        (lambda out: (out / RECORD).write_text("[1]"), "restored/unet-scratch: damaged (TypeError: "),
        (
            lambda out: shutil.rmtree(out / "restored/median/frames"),
            "restored/median: damaged (DatasetError: frames are missing or were changed); made again",
        ),
        (
            lambda out: next((out / "restored/unet-scratch/frames").rglob("*.mkv")).write_bytes(b"x"),
            "restored/unet-scratch: damaged (DatasetError: frames are missing or were changed); made again",
        ),
        (cut("task.json", 0), "task.json: damaged, not JSON; made again"),
        (lambda out: (out / "task.json").write_text("{"), "task.json: damaged, not JSON; made again"),
    ],
)
def test_what_is_damaged_is_named_and_made_again(
    resumed: Callable[..., tuple[Path, list[str]]], harm: Callable[[Path], object], named: str
) -> None:
    out, told = resumed(harm)
    (line,) = told
    assert line.startswith(str(out / named.partition(":")[0]))
    assert named in line
    assert "\n" not in line


def without(key: str) -> Callable[[Path], object]:
    def harm(out: Path) -> None:
        state = torch.load(out / CHECKPOINT, weights_only=True)
        del state[key]
        torch.save(state, out / CHECKPOINT)
        (out / RECORD).unlink()

    return harm


def with_step(step: int) -> Callable[[Path], object]:
    def harm(out: Path) -> None:
        state = torch.load(out / CHECKPOINT, weights_only=True)
        state["progress"]["step"] = step
        torch.save(state, out / CHECKPOINT)
        (out / RECORD).unlink()

    return harm


@pytest.mark.parametrize(
    "harm",
    [
        lambda out: (cut(CHECKPOINT, 0)(out), (out / RECORD).unlink()),
        lambda out: (cut(CHECKPOINT, 5000)(out), (out / RECORD).unlink()),
        without("optimizer"),
        without("task"),
        without("progress"),
        with_step(99),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_the_cure(
    resumed: Callable[..., tuple[Path, list[str]]], harm: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(TrainingStopped, match=r"checkpoint\.pt: damaged \(.+\); delete it to start the training") as e:
        resumed(harm)
    assert "\n" not in str(e.value)
    assert not (tmp_path / "out/.running").exists()
    shutil.rmtree(tmp_path / "out")
    resumed(lambda out: (harm(out), (out / CHECKPOINT).unlink()))  # the cure


def test_a_damaged_mark_in_a_folder_of_something_else_is_refused(
    resumed: Callable[..., tuple[Path, list[str]]],
) -> None:
    def harm(out: Path) -> None:
        cut("task.json", 0)(out)
        (out / "film.mkv").touch()

    with pytest.raises(DatasetError, match=r"task.json: damaged, not JSON, beside film.mkv; name another folder"):
        resumed(harm)


def test_changed_clips_are_refused_with_the_cure(resumed: Callable[..., tuple[Path, list[str]]]) -> None:
    def harm(out: Path) -> None:
        next((out / "data/val/gt").rglob("*.png")).write_bytes(b"x")

    with pytest.raises(DatasetError, match=r"data: .*; delete the folder, and go on with --resume"):
        resumed(harm)


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file can grow beyond `room` bytes: the system's own errors, from whatever writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_during_a_checkpoint_leaves_the_last_one(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny(steps=2, checkpoint_every=1, validate_every=9)
    torch.manual_seed(0)
    whole = train(build("unet"), task, tmp_path / "whole")
    torch.manual_seed(0)
    with full_disk(100_000), pytest.raises(OSError, match="File too large") as error:
        train(build("unet"), task, tmp_path / "parts")
    assert error.value.filename == str(tmp_path / "parts/checkpoint.pt")
    assert list((tmp_path / "parts").iterdir()) == []

    def fill(step: int, _: float) -> None:
        if step == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

    torch.manual_seed(0)
    with full_disk(resource.getrlimit(resource.RLIMIT_FSIZE)[0]), pytest.raises(OSError, match="File too large"):
        train(build("unet"), task, tmp_path / "parts", stepped=fill)
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["checkpoint.pt", "sample-000002.png"]
    again = train(build("unet"), task, tmp_path / "parts", resume=True)
    assert again.weights.read_bytes() == whole.weights.read_bytes()


def test_an_error_that_names_no_file_gets_its_name(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left") as error:
        atomic.write(tmp_path / "a", lambda _: full.write(b"x"))
    assert error.value.filename == str(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_weights_on_a_full_disk(tmp_path: Path) -> None:
    from degrade.models import save

    with full_disk(1000), pytest.raises(OSError, match="File too large") as error:
        save(build("unet", channels=4), tmp_path / "w.safetensors")
    assert error.value.filename == str(tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_the_second_of_two_runs_is_refused_and_harms_nothing(tiny: Callable[..., Task], tmp_path: Path) -> None:
    task = tiny()
    chosen = entries(task, ["median"], None)
    refused = []

    def second(*_: object) -> None:
        for resume in (False, True):
            with pytest.raises(DatasetError, match=rf"out: another run \(process {os.getpid()} on .*\) is at work"):
                run(task, chosen, tmp_path / "out", resume=resume)
            refused.append(resume)

    run(task, chosen, tmp_path / "out", progress=second)
    assert len(refused) > 2
    assert not (tmp_path / "out/.running").exists()
    run(task, chosen, tmp_path / "out", resume=True)


def test_a_run_killed_at_its_start_is_begun_again(tiny: Callable[..., Task], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.task.json.part").touch()
    with pytest.raises(ZeroDivisionError), hold(tmp_path / "out/.running/lock", tmp_path / "out"):
        raise ZeroDivisionError  # what it holds is let go of, and stays
    task = tiny()
    run(task, entries(task, ["median"], None), tmp_path / "out")


KILLS = 12


@pytest.mark.slow
def test_kills_lose_nothing(tiny: Callable[..., Task], tmp_path: Path) -> None:
    tiny(steps=12, checkpoint_every=1, validate_every=4)
    command = [sys.executable, "-m", "degrade.benchmark", "run", "--task", str(tmp_path / "tiny.yaml")]
    command += ["--model", "unet,median", "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = time.monotonic()
    options: dict[str, Any] = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    subprocess.run([*command, "--out", str(tmp_path / "whole")], check=True, **options)
    whole, rng, killed = time.monotonic() - started, random.Random(0), 0
    while killed < KILLS:
        out = tmp_path / f"out{killed}"
        for _ in range(4):
            process = subprocess.Popen([*command, "--out", str(out), "--resume"], text=True, **options)
            try:
                process.wait(rng.uniform(0.2, 0.9) * whole)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
            said = process.communicate()[0]
            assert process.returncode in (0, -signal.SIGKILL), said
        done = subprocess.run([*command, "--out", str(out), "--resume"], text=True, **options)
        assert done.returncode == 0, done.stdout
        for path in sorted((tmp_path / "whole/results").iterdir()):
            assert load(out / "results" / path.name).clips == load(path).clips
        weights = "train/unet-scratch/weights.safetensors"
        assert (out / weights).read_bytes() == (tmp_path / "whole" / weights).read_bytes()
        assert not (out / ".running").exists()
    print(f"killed {killed} times; lost nothing")
