"""Temporal convolutions over the whole clip.

Source: Iizuka and Simo-Serra, "DeepRemaster: Temporal Source-Reference Attention Networks for Comprehensive
Video Enhancement", SIGGRAPH Asia 2019 (arXiv 2009.08692); its restoration half, in colour.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.models._card import ModelCard
from degrade.models.base import Flows, RestorationModel, Restored


class DeepRemaster(RestorationModel):
    """3D convolutions down to a quarter of the size and back, added to the frames.

    Args:
        channels: Of the first layer (the paper has 64; the default is a quarter, as large as RTN).
    """

    card = ModelCard(
        summary="temporal convolutions, restoration half",
        source="Iizuka and Simo-Serra, DeepRemaster, SIGGRAPH Asia 2019 (arXiv 2009.08692)",
        parameters=626115,
        multiple=4,
        window=24,
        overlap=12,
    )

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        c = channels
        self.encode = nn.Sequential(
            layer(3, c, stride=2),
            layer(c, 2 * c),
            layer(2 * c, 2 * c),
            layer(2 * c, 4 * c, stride=2),
            *[layer(4 * c, 4 * c) for _ in range(4)],
        )
        self.middle = nn.Sequential(layer(4 * c, 2 * c), layer(2 * c, c), layer(c, c))
        self.last = nn.Sequential(layer(c, 16), nn.Conv3d(16, 3, 3, padding=1))

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        x = frames.transpose(1, 2)
        y = self.middle(double(self.encode(x - 0.5)))
        y = self.last(double(y))
        return Restored((x + torch.tanh(y)).transpose(1, 2))


def layer(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3×3×3 convolution, batch normalisation, ELU; `stride` in space."""
    conv = nn.Conv3d(inputs, outputs, 3, stride=(1, stride, stride), padding=1, padding_mode="replicate")
    return nn.Sequential(conv, nn.BatchNorm3d(outputs), nn.ELU())


def double(x: Tensor) -> Tensor:
    """(B, C, T, H, W) twice as high and wide, trilinear."""
    return F.interpolate(x, scale_factor=(1, 2, 2), mode="trilinear", align_corners=False)
