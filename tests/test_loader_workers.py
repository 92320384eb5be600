"""Processes and threads that share a source: DataLoader workers of every start method, threads, Dask."""

import concurrent.futures
import itertools
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from files import contents

from degrade.dataset.generate import generate
from degrade.sources import open_source
from degrade.spec import Spec, parse
from degrade.writers import open_writer

torch = pytest.importorskip("torch", reason="the adapters need PyTorch")
from torch.utils.data import DataLoader  # noqa: E402

from degrade.adapters.torch import DegradedClips, collate  # noqa: E402

MakeSpec = Callable[..., Spec]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Six videos of 24 frames, 64×96, all frames different."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for v in range(6):
        with open_writer(folder / f"v{v}.mkv") as writer:
            for t in range(24):
                writer.write(np.full((64, 96, 3), 10 * t + v, np.uint8))
    return folder


def _ways() -> Iterator[Any]:
    """Start method, footage, and whether the parent has read a sample; spawned workers import PyTorch, for seconds."""
    for method in multiprocessing.get_all_start_methods():
        for kind, used in itertools.product(("pictures", "videos"), (True, False)):
            quick = method == "fork" or (kind, used) == ("videos", True)
            yield pytest.param(method, kind, used, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("method", "kind", "used"), list(_ways()))
def test_workers_give_the_samples_of_the_parent(
    videos: Path, make_spec: MakeSpec, kind: str, method: str, used: bool
) -> None:
    spec = make_spec(source=str(videos)) if kind == "videos" else make_spec()
    data = DegradedClips(spec, samples=4, frames=5, crop=(24, 32))
    if used:
        data[0]
    workers = 2 if method == "fork" else 1
    loader = DataLoader(data, 2, num_workers=workers, collate_fn=collate, timeout=100, multiprocessing_context=method)
    batches = list(loader)  # a worker that hangs ends it by the timeout
    for i in range(4):
        for key in ("lq", "gt", "mask"):
            assert torch.equal(batches[i // 2][key][i % 2], data[i][key])


def test_threads_read_videos_side_by_side(videos: Path) -> None:
    source = open_source(str(videos))
    jobs = [(sequence.id, start) for start in range(0, 21, 3) for sequence in source.sequences()] * 4

    def read(job: tuple[str, int]) -> np.ndarray:
        return source.read(job[0], job[1], job[1] + 3)

    expected = {job: read(job) for job in set(jobs)}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for job, got in zip(jobs, pool.map(read, jobs), strict=True):
            np.testing.assert_array_equal(got, expected[job])


def test_dask_workers_of_several_threads(videos: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    spec = parse({"source": str(videos), "pipeline": ["dust", "noise"], "clips": {"length": 6}})
    generate(spec, tmp_path / "one")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=4, dashboard_address=None) as cluster:
        generate(spec, tmp_path / "four", scheduler=cluster.scheduler_address)
    assert contents(tmp_path / "four") == contents(tmp_path / "one")
