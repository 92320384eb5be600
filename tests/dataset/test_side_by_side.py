"""Runs side by side, and runs after one that was cut short: nothing is lost, and nothing that is in use is deleted."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from degrade import DatasetError
from degrade.core.lock import hold
from degrade.dataset import DatasetFolder, worker
from degrade.dataset.generate import generate
from degrade.dataset.verify import verify
from degrade.spec import Spec

MakeSpec = Callable[..., Spec]


def test_a_second_run_is_refused_and_changes_nothing(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec, out = make_spec(), tmp_path / "out"
    refused = []

    def second(clip: object) -> None:
        for resume in (False, True):
            with pytest.raises(DatasetError, match=r"another run \(process \d+ on .+\) is at work there") as error:
                generate(spec, out, resume=resume)
            refused.append(error)

    generate(spec, out, finished=second)
    assert len(refused) == 8
    assert verify(out, rerender=4) == []


def test_of_runs_that_start_at_once_one_makes_the_dataset(make_spec: MakeSpec, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(make_spec().resolved()))
    command = [sys.executable, "-m", "degrade", "generate", "--spec", str(path), "--out", str(tmp_path / "out")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    errors = [run.communicate()[1] for run in runs]
    ended = sorted(run.returncode for run in runs)
    assert ended[0] == 0 < ended[1]
    assert all(
        run.returncode == 0 or "another run" in error or "holds a dataset" in error
        for run, error in zip(runs, errors, strict=True)
    )
    assert verify(tmp_path / "out", rerender=4) == []


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    code = f"""
import os, pathlib
from degrade.core.lock import hold
with hold(pathlib.Path({str(tmp_path / "lock")!r}), pathlib.Path("there")):
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with hold(tmp_path / "lock", tmp_path):
        pass


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
def test_resume_makes_what_has_gone_again(make_spec: MakeSpec, tmp_path: Path, frames: str) -> None:
    spec, out = make_spec(output={"frames": frames, "masks": "layers"}), tmp_path / "out"
    generate(spec, out)
    whole = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    clips = [*DatasetFolder(out).clips.values()]
    if frames == "webdataset":
        gone = [DatasetFolder(out).shard_path(clip) for clip in clips[:2]]
    else:
        masks = [path for path in DatasetFolder(out).mask_paths(clips[1]) if path.parent.name != "mask"]
        gone = [DatasetFolder(out).frames_path("gt", clips[0]), masks[0]]
    for path in gone:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if frames == "png":
        next(DatasetFolder(out).frames_path("lq", clips[2]).iterdir()).unlink()
    expected = [clip.id for clip in clips[: 3 if frames == "png" else 2]]
    assert sorted(generate(spec, out, resume=True).mended) == expected
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == whole


@pytest.mark.parametrize("text", ["", '{"row": {}}', "[1, 2]", '{"row": {"frames": '])
def test_resume_makes_a_clip_of_a_damaged_trace_again(make_spec: MakeSpec, tmp_path: Path, text: str) -> None:
    spec, out = make_spec(), tmp_path / "out"
    generate(spec, out)
    trace = next(out.rglob("trace/*.json"))
    whole = trace.read_bytes()
    trace.write_text(text)
    assert generate(spec, out, resume=True).mended == (trace.stem,)
    assert trace.read_bytes() == whole
    assert verify(out) == []


@pytest.mark.parametrize("text", ["", "[1]", '{"spec": '])
def test_a_damaged_record_of_an_unfinished_run_is_named(make_spec: MakeSpec, tmp_path: Path, text: str) -> None:
    spec, out = make_spec(), tmp_path / "out"
    (out / ".generating").mkdir(parents=True)
    (out / ".generating/spec.json").write_text(text)
    with pytest.raises(DatasetError, match=r"spec\.json: damaged; delete .*out, or name another folder"):
        generate(spec, out, resume=True)


def test_a_run_that_was_killed_before_it_began_is_no_hindrance(make_spec: MakeSpec, tmp_path: Path) -> None:
    (tmp_path / "out/.generating").mkdir(parents=True)
    generate(make_spec(), tmp_path / "out")
    assert verify(tmp_path / "out") == []


@pytest.mark.parametrize("made", [True, False])
def test_a_failed_first_clip_leaves_what_was_there(
    make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    def fail(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(worker, "render_pairs", fail)
    if made:
        (tmp_path / "out").mkdir()
    with pytest.raises(MemoryError):
        generate(make_spec(), tmp_path / "out")
    assert (tmp_path / "out").exists() == made
    assert not made or not any((tmp_path / "out").iterdir())
