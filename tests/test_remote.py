"""Datasets and footage at URLs: what is there is what would be on the disk."""

import os
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from files import contents

from degrade import DatasetError, SourceError, SpecError
from degrade.dataset import DatasetFolder
from degrade.dataset.generate import generate
from degrade.dataset.verify import verify
from degrade.sources import open_source
from degrade.spec import Spec
from degrade.storage import locate, make_folder
from degrade.writers import open_writer

MakeSpec = Callable[..., Spec]


def upload(folder: Path, there: Path) -> None:
    for name, data in contents(folder).items():
        make_folder((there / name).parent)
        (there / name).write_bytes(data)


@pytest.fixture
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An S3 server on this machine, which the environment names."""
    s3fs = pytest.importorskip("s3fs", reason="needs s3fs")
    server = pytest.importorskip("moto.server", reason="needs moto, flask and flask-cors").ThreadedMotoServer(
        "127.0.0.1", 0, verbose=False
    )
    server.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield server
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def s3(s3_server: Any) -> str:
    """A bucket's URL."""
    bucket = locate(f"s3://{uuid.uuid4()}")
    bucket.mkdir()
    return str(bucket).rstrip("/")


@pytest.fixture(params=["memory", "file", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    pytest.importorskip("upath", reason="needs the extra `remote`")
    if request.param == "s3":
        url: str = request.getfixturevalue("s3")
        return url
    return f"memory://{uuid.uuid4()}" if request.param == "memory" else f"file://{tmp_path}/bucket"


@pytest.mark.parametrize("frames", ["png", "webdataset"])
def test_a_dataset_at_a_url_is_that_on_disk(
    make_spec: MakeSpec, tmp_path: Path, bucket: str, frames: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(output={"frames": frames}, clips={"limit": 2})
    generate(spec, tmp_path / "disk")
    out = locate(f"{bucket}/out")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    generate(spec, out)
    assert not os.listdir(tmp_path / "temporary")
    assert contents(out) == contents(tmp_path / "disk")
    assert verify(out, rerender=1) == []
    there, here = DatasetFolder(str(out)), DatasetFolder(tmp_path / "disk")
    assert there.clips == here.clips
    for kind in here.kinds:
        np.testing.assert_array_equal(there.read(kind, "s0", 1, 4), here.read(kind, "s0", 1, 4))
    with pytest.raises(DatasetError, match="holds a dataset"):
        generate(spec, out)
    (out / "train/trace/s0.json").unlink()
    assert any("s0.json: missing" in problem for problem in verify(out))


def test_footage_at_a_url_is_that_on_disk(footage: Path, bucket: str) -> None:
    upload(footage, locate(f"{bucket}/footage"))
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


def test_footage_that_cannot_be_listed_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("upath", reason="needs the extra `remote`")
    from fsspec.implementations.memory import MemoryFileSystem

    root = locate(f"memory://{uuid.uuid4()}")
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        (root / name / "0.png").write_bytes(cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes())
    assert len(open_source(str(root)).sequences()) == 2
    ls = MemoryFileSystem.ls

    def denied(self: Any, path: str, *args: Any, **options: Any) -> Any:
        if path.endswith("/b"):
            raise PermissionError("Access Denied")
        return ls(self, path, *args, **options)

    monkeypatch.setattr(MemoryFileSystem, "ls", denied)
    with pytest.raises(SourceError, match=f"{root}: Access Denied"):
        open_source(str(root))


def test_a_mistyped_bucket_is_one_line_and_not_made(make_spec: MakeSpec, s3_server: Any) -> None:
    with pytest.raises(DatasetError, match=r"^s3://no-such/out: .*bucket does not exist"):
        generate(make_spec(), locate("s3://no-such/out"))
    assert not locate("s3://no-such").exists()


def test_a_server_that_is_gone_is_one_line(make_spec: MakeSpec, footage: Path, s3: str, s3_server: Any) -> None:
    with open_writer(footage / "film.mkv") as writer:
        for frame in open_source(footage).read("s0", 0, 5):
            writer.write(frame)
    upload(footage, locate(f"{s3}/footage"))
    source = open_source(f"{s3}/footage")
    s3_server.stop()
    lost = f"^{s3}/footage: Could not connect to the endpoint"
    for sequence in ("s0", "film"):
        with pytest.raises(SourceError, match=lost):
            source.read(sequence, 0, 2)
        with pytest.raises(SourceError, match=lost):
            source.fingerprint(sequence)
    with pytest.raises(SourceError, match=lost.replace("footage", "other")):
        open_source(f"{s3}/other")
    with pytest.raises(DatasetError, match=lost.replace("footage", "out")):
        generate(make_spec(), locate(f"{s3}/out"))
    with pytest.raises(DatasetError, match=lost.replace("footage", "out")):
        verify(locate(f"{s3}/out"))


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


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", ""])
def test_no_scheduler_is_one_line(make_spec: MakeSpec, tmp_path: Path, address: str) -> None:
    pytest.importorskip("distributed", reason="needs the extra `cluster`")
    with pytest.raises(SpecError, match=rf"--scheduler: no Dask scheduler answers at '{address}'"):
        generate(make_spec(), tmp_path / "out", scheduler=address)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_scheduler_that_dies_is_one_line(make_spec: MakeSpec, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")
    spec = make_spec(source="builtin:stills?count=8&frames=6&height=48&width=64")
    with (
        distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        pytest.raises(DatasetError, match="scheduler is gone; go on with --resume"),
    ):
        generate(spec, tmp_path / "out", scheduler=cluster.scheduler_address, advanced=lambda _: cluster.close())
    generate(spec, tmp_path / "out", resume=True)
    assert verify(tmp_path / "out") == []


def test_an_error_on_a_cluster_of_its_own_is_said_once(
    make_spec: MakeSpec, footage: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed", reason="needs the extra `cluster`")
    os.truncate(footage / "s3" / "004.png", 100)
    with pytest.raises(SourceError, match=r"004\.png: truncated PNG"):
        generate(make_spec(), tmp_path / "out", scheduler="local")
    assert "Traceback" not in capfd.readouterr().err
