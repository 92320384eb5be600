"""Datasets: the same bytes whatever happens on the way, and nothing half-written."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from files import contents

from degrade import DatasetError, Pipeline, SpecError, Trace
from degrade.dataset import DatasetFolder, traces, worker
from degrade.dataset.generate import generate
from degrade.dataset.plan import plan
from degrade.dataset.worker import Whole, Worker
from degrade.sources import open_source
from degrade.sources.files import Files
from degrade.spec import Spec

MakeSpec = Callable[..., Spec]


def test_layout_and_pairs(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec(splits={"train": ["s0", "s3"], "val": 1.0}, output={"masks": "layers"})
    summary = generate(spec, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/manifest.csv")
    assert summary.clips == len(table) == 4
    assert summary.frames == table.frames.sum() == 5 + 6 + 7 + 8
    assert sorted(table.split) == ["train", "train", "val", "val"]
    for row in table.itertuples():
        folder = tmp_path / "out" / row.split
        names = [f"{t:05d}.png" for t in range(row.frames)]
        for kind in ("lq", "gt", "mask", "mask.dust"):
            assert sorted(os.listdir(folder / kind / row.clip)) == names
        lq, gt, mask = (cv2.imread(str(folder / kind / row.clip / names[2]), -1) for kind in ("lq", "gt", "mask"))
        assert lq.shape == gt.shape == mask.shape == (24, 32)
        assert (lq != gt).any()
    assert not (tmp_path / "out/.generating").exists()


def test_bytes_do_not_depend_on_workers_or_order(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec()
    generate(spec, tmp_path / "one")
    expected = contents(tmp_path / "one")
    for workers in (2, 3):
        generate(spec, tmp_path / f"w{workers}", workers=workers)
        assert contents(tmp_path / f"w{workers}") == expected
    first = plan(spec, open_source(spec.source))[-1]
    (tmp_path / "last-first").mkdir()
    Worker(DatasetFolder(tmp_path / "last-first", spec))(Whole(first))
    made = contents(tmp_path / "last-first")
    assert made
    assert made.items() <= expected.items()


@pytest.mark.parametrize("frames", ["png", "tiff", "dpx", "ffv1", "webdataset"])
def test_long_clips_are_split_over_workers_without_a_trace(
    make_spec: MakeSpec, tmp_path: Path, frames: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(output={"frames": frames, "masks": "layers"})
    generate(spec, tmp_path / "whole")
    monkeypatch.setattr(worker, "PART_VALUES", 2 * 24 * 32)  # two frames
    advanced: list[int] = []
    finished: list[str] = []
    generate(
        spec, tmp_path / "parts", workers=2, advanced=advanced.append, finished=lambda clip: finished.append(clip.id)
    )
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    assert len([frames for frames in advanced if frames]) == 3 + 3 + 4 + 4
    assert sum(advanced) == 5 + 6 + 7 + 8
    assert sorted(finished) == ["s0", "s1", "s2", "s3"]


def test_parts_cover_a_clip(make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = make_spec()
    monkeypatch.setattr(worker, "PART_VALUES", 3 * 24 * 32 + 1)
    for clip in plan(spec, open_source(spec.source)):
        parts = worker.split(clip)
        assert [frame for part in parts for frame in range(part.start, part.stop)] == list(range(clip.frames))
        assert all(1 <= part.stop - part.start <= 3 for part in parts)


KILLED_RUN = """
import os, signal, sys
import degrade.dataset.generate as g
from pathlib import Path
from degrade.spec import parse
moment = {moment!r}
replace, calls = os.replace, 0
def dying_replace(*args):
    global calls
    calls += 1
    if moment == "placing" and calls == 13:  # the second clip: its three pictures are closed, one is moved
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(*args)
os.replace = dying_replace
if moment == "writing":
    import degrade.dataset.worker as m
    hashed, seen = m.file_hashes, []
    def dying_hash(path):
        seen.append(path)
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return hashed(path)
    m.file_hashes = dying_hash
if moment == "completing":
    g.manifest = lambda rows: os.kill(os.getpid(), signal.SIGKILL)
import json
g.generate(parse(json.loads(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("moment", ["writing", "placing", "completing"])
def test_killed_run_resumes_to_the_same_bytes(make_spec: MakeSpec, tmp_path: Path, moment: str) -> None:
    spec = make_spec()
    generate(spec, tmp_path / "whole")
    argv = [
        sys.executable,
        "-c",
        KILLED_RUN.format(moment=moment),
        json.dumps(spec.resolved()),
        str(tmp_path / "out"),
    ]
    assert subprocess.run(argv, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "out/dataset.json").exists()
    with pytest.raises(DatasetError, match="unfinished dataset; go on with --resume"):
        generate(spec, tmp_path / "out")
    summary = generate(spec, tmp_path / "out", resume=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert summary.resumed == {"writing": 1, "placing": 1, "completing": 4}[moment]


@pytest.mark.parametrize("how", ["workers=3", "workers=2, scheduler='local'"])
def test_a_script_without_a_main_guard_is_told(make_spec: MakeSpec, tmp_path: Path, how: str) -> None:
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(make_spec().resolved()))
    call = f"generate(parse(yaml.safe_load(open('spec.yaml'))), 'out', {how})"
    imports = "import yaml\nfrom degrade.dataset.generate import generate\nfrom degrade.spec import parse\n"
    (tmp_path / "script.py").write_text(imports + call)
    run = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.endswith('no worker process could start; what a script does belongs under `if __name__ == "__main__":`')
    assert not run.stderr.count("SystemExit")
    assert not (tmp_path / "out").exists()
    (tmp_path / "script.py").write_text(f'{imports}if __name__ == "__main__":\n    {call}')
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / "out/dataset.json").exists()


def test_killed_parallel_run_leaves_no_worker_behind(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec(source="builtin:stills", clips={"length": 1, "limit": 48})
    generate(spec, tmp_path / "whole")
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(spec.resolved()))
    command = [
        sys.executable,
        "-m",
        "degrade.cli",
        "generate",
        "--spec",
        str(path),
        "--out",
        str(tmp_path / "out"),
    ]
    run = subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").glob("train/trace/*.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.kill()
    run.wait()
    assert not (tmp_path / "out/dataset.json").exists()
    generate(spec, tmp_path / "out", resume=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_written_pixels_are_those_of_the_library(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec(clips={"length": 4})
    generate(spec, tmp_path / "out")
    source = open_source(spec.source)
    clip = plan(spec, source)[0]
    sequence = source.sequences()[0]
    grey = np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in source.read(sequence, 0, 4)])[..., None]
    direct = Pipeline(ops=spec.pipeline)(grey, seed=spec.seed, clip_id=clip.id)
    record = json.loads((tmp_path / f"out/train/trace/{clip.id}.json").read_text())
    assert Trace.from_json(record["trace"]) == direct.trace
    for t in range(4):
        written = cv2.imread(str(tmp_path / f"out/train/lq/{clip.id}/{t:05d}.png"), -1)
        np.testing.assert_array_equal(written, direct.frames[t, ..., 0])


def test_mask_is_zero_only_where_contaminants_left_the_picture_alone(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec(pipeline=[{"dust": {"per_frame": [5, 9]}}], output={"masks": "union"})
    generate(spec, tmp_path / "out")
    for mask_path in (tmp_path / "out/train/mask").rglob("*.png"):
        lq, gt = (cv2.imread(str(mask_path).replace("/mask/", f"/{kind}/"), -1) for kind in ("lq", "gt"))
        clean = cv2.imread(str(mask_path), -1) == 0
        np.testing.assert_array_equal(lq[clean], gt[clean])


def test_video_output_holds_the_same_pixels(make_spec: MakeSpec, tmp_path: Path) -> None:
    generate(make_spec(), tmp_path / "png")
    generate(make_spec(output={"frames": "ffv1"}), tmp_path / "ffv1")
    generate(make_spec(output={"frames": "ffv1"}), tmp_path / "again", workers=2)
    assert contents(tmp_path / "ffv1") == contents(tmp_path / "again")
    for kind in ("lq", "gt", "mask"):
        frames = open_source(str(tmp_path / f"png/train/{kind}/s1"))
        video = open_source(str(tmp_path / f"ffv1/train/{kind}/s1.mkv"))
        read = [source.read(source.sequences()[0], 0, 6) for source in (frames, video)]
        np.testing.assert_array_equal(*read)


@pytest.mark.parametrize("alignment", ["aligned", "original"])
def test_alignment(make_spec: MakeSpec, tmp_path: Path, alignment: str) -> None:
    spec = make_spec(pipeline=[{"weave": {"x": [0.2, 0.2], "y": [0.2, 0.2]}}], alignment=alignment)
    generate(spec, tmp_path / "out")
    lq, gt = (cv2.imread(str(tmp_path / f"out/train/{kind}/s0/00003.png"), -1).astype(int) for kind in ("lq", "gt"))
    assert (np.abs(lq - gt).mean() < 1) == (alignment == "aligned")


def test_sharpened_target(make_spec: MakeSpec, tmp_path: Path) -> None:
    generate(make_spec(pipeline=[{"gaussian_blur": {"sigma": 0}}], target="sharpened"), tmp_path / "out")
    lq, gt = (cv2.imread(str(tmp_path / f"out/train/{kind}/s0/00000.png"), -1) for kind in ("lq", "gt"))
    assert (lq != gt).any()


def test_resize_covers_and_cuts_at_the_centre(make_spec: MakeSpec, tmp_path: Path) -> None:
    generate(make_spec(clips={"size": [12, 12]}, color="rgb"), tmp_path / "out")
    assert cv2.imread(str(tmp_path / "out/train/gt/s0/00000.png"), -1).shape == (12, 12, 3)


def test_output_folder_is_never_mixed(make_spec: MakeSpec, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(DatasetError, match="holds something else"):
        generate(make_spec(), out)
    with pytest.raises(DatasetError, match="holds something else"):
        generate(make_spec(), out, resume=True)
    assert os.listdir(out) == ["thesis.txt"]


def test_resume_with_another_spec_is_refused(make_spec: MakeSpec, tmp_path: Path) -> None:
    generate(make_spec(), tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(DatasetError, match=r"another spec: spec.seed was 5, is 6"):
        generate(make_spec(seed=6), tmp_path / "out", resume=True)
    with pytest.raises(DatasetError, match="holds a dataset"):
        generate(make_spec(), tmp_path / "out")
    generate(make_spec(), tmp_path / "out", resume=True)
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("finished", [True, False])
def test_resume_with_other_footage_is_refused(
    make_spec: MakeSpec, footage: Path, tmp_path: Path, finished: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, out = make_spec(clips={"length": 2}), tmp_path / "out"
    generate(spec, out)
    folder = DatasetFolder(out, spec)
    if not finished:
        folder.unfinished.mkdir()
        folder.record_path.rename(folder.begun_path)
    hashed: list[str] = []
    fingerprint = Files.fingerprint
    monkeypatch.setattr(Files, "fingerprint", lambda self, name: hashed.append(name) or fingerprint(self, name))
    generate(spec, out, resume=True)
    assert hashed == ["s0", "s1", "s2", "s3"]  # once each, not for every clip
    before = contents(out)
    shutil.copy(footage / "s2/000.png", footage / "s2/001.png")
    with pytest.raises(DatasetError, match=r"sequence 's2' has changed since clip 's2_00000' was made of it"):
        generate(spec, out, resume=True)
    assert contents(out) == before


@pytest.mark.parametrize("finished", [True, False])
def test_resume_with_renamed_footage_is_refused_and_loses_nothing(
    make_spec: MakeSpec, footage: Path, tmp_path: Path, finished: bool
) -> None:
    spec, out = make_spec(), tmp_path / "out"
    generate(spec, out)
    folder = DatasetFolder(out, spec)
    if not finished:
        folder.unfinished.mkdir()
        folder.record_path.rename(folder.begun_path)
    (out / "train/trace/._s0.json").write_text("")  # as macOS leaves them on other disks
    generate(spec, out, resume=True)
    if not finished:
        folder.unfinished.mkdir()
        folder.record_path.rename(folder.begun_path)
    before = contents(out)
    for sequence in ("s0", "s1", "s2", "s3"):
        (footage / sequence).rename(footage / f"reel_{sequence}")
    with pytest.raises(DatasetError, match=r"no longer gives clip 's0', which is finished \(4 such\); bring the"):
        generate(spec, out, resume=True)
    assert before.items() <= contents(out).items()


def test_clip_shorter_than_asked_is_refused_before_anything_is_written(make_spec: MakeSpec, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"clips.length: asks for 6 frames, sequence 's0' has 5"):
        generate(make_spec(clips={"length": 6}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_full_disk_is_one_line_and_can_be_resumed(
    make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec()
    encode, begun = traces.stream_json, []

    def filling(content: dict[str, object]) -> Iterator[str]:
        begun.append(content)
        if len(begun) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return encode(content)

    with monkeypatch.context() as patched:
        patched.setattr(traces, "stream_json", filling)
        with pytest.raises(DatasetError, match="no space left on the disk; finished clips are kept"):
            generate(spec, tmp_path / "out")
    assert not (tmp_path / "out/dataset.json").exists()
    assert generate(spec, tmp_path / "out", resume=True).resumed == 2


def test_what_cannot_be_drawn_is_found_before_anything_is_written(make_spec: MakeSpec, tmp_path: Path) -> None:
    rare = {"texture": {"pack": "builtin:rtn", "groups": ["none"], "p": 0.001}}
    with pytest.raises(SpecError, match=r"pipeline\[0\].texture.groups: builtin:rtn: unknown group 'none'"):
        generate(make_spec(pipeline=[rare]), tmp_path / "out")
    assert not (tmp_path / "out").exists()
