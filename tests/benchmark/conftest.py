from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from degrade.benchmark.task import Task, load_task

TINY: dict[str, Any] = {
    "about": "Tiny.",
    "data": {
        "seed": 3,
        "source": "builtin:stills?count=4&frames=6&height=32&width=48",
        "clips": {"length": 3},
        "color": "grey",
        "pipeline": [{"dust": {"per_frame": [5, 9], "size": [0.05, 0.1], "opacity": 1}}, {"noise": {"sigma": [5, 9]}}],
        "splits": {"val": ["*_chelsea", "*_camera"], "train": 1.0},
    },
    "metrics": ["psnr", "ssim", "psnr_inside"],
    "flow": "exact",
    "baselines": ["input", "median"],
    "weights": ["scratch"],
    "train": {
        "steps": 6, "frames": 2, "crop": [32, 32], "validate_every": 3, "checkpoint_every": 3, "warmup": 2, "ema": 0.5,
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # two threads wait on each other where the cores are shared


@pytest.fixture
def tiny_yaml() -> dict[str, Any]:
    """A task that takes seconds, as in its file."""
    return TINY


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Task]:
    def make(**train: object) -> Task:
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump({**TINY, "train": {**TINY["train"], **train}}))
        return load_task(str(path))

    return make
