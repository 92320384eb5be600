"""Datasets and footage at URLs: what is there is what would be on the disk."""

import os
import signal
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from degrade import DatasetError, SpecError
from degrade.generate import generate
from degrade.sources import open_source
from degrade.spec import Spec
from degrade.storage import locate
from degrade.verify import verify

MakeSpec = Callable[..., Spec]


def contents(folder: Path) -> dict[str, bytes]:
    root = str(folder)
    return {str(p).removeprefix(root).lstrip("/"): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(params=["memory", "file"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    pytest.importorskip("upath", reason="needs the extra `remote`")
    return f"memory://{uuid.uuid4()}" if request.param == "memory" else f"file://{tmp_path}/bucket"


@pytest.mark.parametrize("frames", ["png", "webdataset"])
def test_a_dataset_at_a_url_is_that_on_disk(
    make_spec: MakeSpec, tmp_path: Path, bucket: str, frames: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(output={"frames": frames})
    generate(spec, tmp_path / "disk")
    out = locate(f"{bucket}/out")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    generate(spec, out)
    assert not os.listdir(tmp_path / "temporary")
    assert contents(out) == contents(tmp_path / "disk")
    assert verify(out, rerender=1) == []
    with pytest.raises(DatasetError, match="holds a dataset"):
        generate(spec, out)
    (out / "train/trace/s1.json").unlink()
    assert any("s1.json: missing" in problem for problem in verify(out))


def test_footage_at_a_url_is_that_on_disk(footage: Path, bucket: str) -> None:
    there = locate(f"{bucket}/footage")
    for name, data in contents(footage).items():
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_bytes(data)
    here, far = open_source(footage), open_source(f"{bucket}/footage")
    assert far.sequences() == here.sequences()
    for sequence in here.sequences():
        np.testing.assert_array_equal(far.read(sequence, 1, 4), here.read(sequence, 1, 4))
        assert far.fingerprint(sequence) == here.fingerprint(sequence)


def test_workers_make_a_dataset_at_a_url_of_footage_at_one(footage: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    pytest.importorskip("upath", reason="needs the extra `remote`")
    generate(make_spec(source=footage.as_uri()), tmp_path / "disk")
    generate(make_spec(source=footage.as_uri()), locate(f"file://{tmp_path}/url"), workers=2)
    assert contents(tmp_path / "url") == contents(tmp_path / "disk")


def test_an_unknown_protocol_is_one_line() -> None:
    pytest.importorskip("upath", reason="needs the extra `remote`")
    with pytest.raises(SpecError, match="no such protocol"):
        locate("nosuch://bucket/out")


def test_a_worker_that_is_killed_changes_nothing(make_spec: MakeSpec, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")
    spec = make_spec(source="builtin:stills?count=8&frames=6&height=48&width=64")
    generate(spec, tmp_path / "alone")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        alive = list(client.run(os.getpid).values())

        def kill_one(_: int) -> None:
            if len(alive) == 2:
                os.kill(alive.pop(), signal.SIGKILL)

        generate(spec, tmp_path / "cluster", scheduler=cluster.scheduler_address, advanced=kill_one)
    assert len(alive) == 1
    assert contents(tmp_path / "cluster") == contents(tmp_path / "alone")


def test_no_scheduler_is_one_line(make_spec: MakeSpec, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="needs the extra `cluster`")
    with pytest.raises(SpecError, match=r"--scheduler: no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        generate(make_spec(), tmp_path / "out", scheduler="tcp://127.0.0.1:9")
    assert not (tmp_path / "out").exists()
