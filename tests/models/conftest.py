import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from degrade.models import build
from degrade.models.base import Model


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.set_num_threads(1)  # two threads wait on each other where the cores are shared
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def network() -> Callable[[str], Model]:
    """`network(name)`: the model with random weights, made once."""
    made: dict[str, Model] = {}

    def make(name: str) -> Model:
        if name not in made:
            torch.manual_seed(0)
            made[name] = build(name).eval()
        return made[name]

    return make


@pytest.fixture(scope="session")
def oracle():
    """The plain formulation of RTN, `reference_rtn.py`."""
    spec = importlib.util.spec_from_file_location("reference_rtn", Path(__file__).parent / "reference_rtn.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def moving() -> Callable[..., Tensor]:
    """`moving(T, H, W)`: a clean clip (1, T, 3, H, W), a smooth picture that moves by (0.7, 1.2) pixels a frame."""

    def make(length: int, height: int, width: int, seed: int = 0) -> Tensor:
        noise = np.random.default_rng(seed).normal(size=(3, height + 2 * length, width + 2 * length))
        scene = ndimage.gaussian_filter(noise, (0, 3, 3))
        scene = 0.5 + 0.3 * scene / np.abs(scene).max()
        frames = [ndimage.shift(scene, (0, 0.7 * t, 1.2 * t), order=1, mode="nearest") for t in range(length)]
        margin = slice(length, length + height), slice(length, length + width)
        return torch.from_numpy(np.stack([frame[:, *margin] for frame in frames]).astype(np.float32))[None]

    return make


@pytest.fixture(scope="session")
def dusty() -> Callable[..., tuple[Tensor, Tensor]]:
    """`dusty(clean)`: blobs of dust, bright or dark, new in every frame, on (B, T, C, H, W); and their mask."""

    def make(clean: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng(seed)
        damaged, mask = clean.clone(), torch.zeros_like(clean[:, :, :1])
        batch, length, _, height, width = clean.shape
        ys, xs = np.mgrid[:height, :width]
        for b, t, _ in np.ndindex(batch, length, 5):
            y, x, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(1, 2.5)
            blob = torch.from_numpy((ys - y) ** 2 + (xs - x) ** 2 <= radius**2)
            damaged[b, t, :, blob] = float(rng.choice([0.02, 0.98]))
            mask[b, t, :, blob] = 1
        return damaged, mask

    return make


@pytest.fixture(scope="session")
def psnr() -> Callable[[Tensor, Tensor], float]:
    """Of values in [0, 1], dB."""
    return lambda a, b: float(-10 * (a - b).square().mean().log10())
