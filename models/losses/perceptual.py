"""Perceptual loss: distance between VGG features.

Source: Johnson, Alahi, Fei-Fei, "Perceptual Losses", ECCV 2016; layers and weights as RTN uses them.
"""

from pathlib import Path

import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from degrade.core.errors import SourceError, SpecError, unknown
from degrade.models._weights import load, read_state

# Position of relu1_1, relu2_1 ... relu5_1 in torchvision's `features`.
RELU = {"vgg19": (1, 6, 11, 20, 29), "vgg16": (1, 6, 11, 18, 25)}
WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


class Perceptual(nn.Module):
    """L1 between VGG features at relu1_1 to relu5_1, weighted 1/32, 1/16, 1/8, 1/4, 1.

    Args:
        weights: The network's convolutions under torchvision's names, with or without `features.` before
            them, in any precision.
        network: `vgg19` (as RTN was trained) or `vgg16`.
    """

    def __init__(self, weights: str | Path, network: str = "vgg19") -> None:
        super().__init__()
        if network not in RELU:
            raise SpecError(unknown("network", network, RELU))
        self.taps = RELU[network]
        features = getattr(torchvision.models, network)(weights=None).features[: self.taps[-1] + 1]
        own = features.state_dict()

        def wanted(state: dict[str, Tensor]) -> dict[str, Tensor]:
            if not own.keys() & state.keys():
                raise SourceError(f"{weights}: holds no convolutions of {network}")
            return {name: value for name, value in state.items() if name in own}

        load(features, read_state(weights), weights, wanted)
        for layer in features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # the tapped values are still to be compared
        self.mean: Tensor
        self.std: Tensor
        self.features = features.eval().requires_grad_(False)
        self.register_buffer("mean", features[0].weight.new_tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
        self.register_buffer("std", features[0].weight.new_tensor([0.229, 0.224, 0.225]).view(3, 1, 1))

    def forward(self, restored: Tensor, target: Tensor) -> Tensor:
        """The loss of clips (B, T, 1 or 3, H, W) in [0, 1], H and W from 16 on."""
        x, y = ((clip.flatten(0, 1).expand(-1, 3, -1, -1) - self.mean) / self.std for clip in (restored, target))
        loss = x.new_zeros(())
        for position, layer in enumerate(self.features):
            x, y = layer(x), layer(y.detach())
            if position in self.taps:
                loss = loss + WEIGHTS[self.taps.index(position)] * F.l1_loss(x, y)
        return loss
