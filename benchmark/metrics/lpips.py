"""Learned perceptual image patch similarity."""

import functools
import importlib.util
from pathlib import Path
from typing import Any, ClassVar

from degrade.benchmark.metrics.base import Frame, FrameMetric
from degrade.core.errors import SourceError
from degrade.core.types import Array

SMALLEST = 31
"""Pixels; AlexNet's third block would have none left of less."""


class LPIPS(FrameMetric):
    """Perceptual distance, version 0.1, AlexNet; the mean over frames.

    AlexNet's convolutions are bundled, all but the first in half precision, and computed in single, which
    differs by less than 1e-4; the weights of its channels come from the authors' package.

    Source: Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a
    Perceptual Metric", CVPR 2018.
    """

    label: ClassVar[str] = "LPIPS"
    reference: ClassVar[str] = "the authors' package `lpips`"
    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 4
    packages: ClassVar[tuple[str, ...]] = ("lpips", "torch", "safetensors")

    def measure(self, frame: Frame) -> float:
        """0 for identical pictures. Raises SourceError if a side is under 31 pixels."""
        height, width, _ = frame.prediction.shape
        if min(height, width) < SMALLEST:
            raise SourceError(f"LPIPS needs frames of {SMALLEST}×{SMALLEST} pixels or more, got {width}×{height}")
        (target,) = frame.get("target")
        network = _network(self.device)
        features = frame.once("lpips", lambda: network.features(target))
        return float(network.distance(network.features(frame.prediction), features))


@functools.lru_cache(maxsize=2)
def _network(device: str) -> "_Network":
    return _Network(device)


class _Network:
    """AlexNet up to each of its five ReLUs, and the weights of their channels."""

    def __init__(self, device: str) -> None:
        import torch
        from torch import nn

        from degrade.models._weights import load, read_state

        def conv(*sizes: int, **options: Any) -> nn.Conv2d:
            return nn.utils.skip_init(nn.Conv2d, *sizes, **options)  # draws no random numbers

        # torchvision's `alexnet().features` but for its last pooling, so the positions are the weights' names.
        trunk = nn.Sequential(
            conv(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            conv(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            conv(192, 384, 3, padding=1), nn.ReLU(),
            conv(384, 256, 3, padding=1), nn.ReLU(),
            conv(256, 256, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        path = Path(__file__).parents[1] / "weights" / "lpips_alexnet.safetensors"
        load(trunk, read_state(path), path)
        self.trunk = trunk.eval().requires_grad_(False).to(device)
        heads = read_state(_heads())
        self.heads = [heads[f"lin{i}.model.1.weight"].float().to(device) for i in range(5)]
        # LPIPS' own means and deviations, of values in [-1, 1].
        self.shift = torch.tensor([-0.030, -0.088, -0.188], device=device).view(3, 1, 1)
        self.scale = torch.tensor([0.458, 0.448, 0.450], device=device).view(3, 1, 1)

    def features(self, picture: Array) -> list[Any]:
        """Unit vectors over channels after each ReLU, five tensors (1, C, H, W)."""
        import torch

        x = torch.tensor(picture, device=self.shift.device).permute(2, 0, 1).expand(3, -1, -1)
        x = ((2 * x - 1 - self.shift) / self.scale)[None]
        found = []
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for layer in self.trunk:
                x = layer(x)
                if isinstance(layer, torch.nn.ReLU):
                    found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def distance(self, one: list[Any], other: list[Any]) -> Any:
        """Squared differences, weighted by channel, averaged over space and added over layers."""
        pairs = zip(self.heads, one, other, strict=True)
        return sum((head * (a - b).square()).sum(1).mean() for head, a, b in pairs)


def _heads() -> Path:
    """The channel weights in the lpips package, found without importing it."""
    spec = importlib.util.find_spec("lpips")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "weights" / "v0.1" / "alex.pth"
