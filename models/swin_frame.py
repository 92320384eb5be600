"""RTN's spatial block on single frames, as in RTN's ablation: attention without time."""

import torch
from torch import Tensor, nn

from degrade.models._card import ModelCard
from degrade.models._swin import SpatialBlock
from degrade.models.base import Flows, RestorationModel, Restored


class SwinFrame(RestorationModel):
    """Projection, spatial block and decoder of RTN, on each frame by itself.

    Args:
        channels: Around the spatial block.
        dim: Of the attention, at half resolution.
        groups: Residual groups of two Swin blocks.
        heads: Of the attention.
    """

    card = ModelCard(
        summary="RTN's spatial transformer on single frames",
        source="Wan et al., CVPR 2022 (arXiv 2203.17276), without its recurrence; Liang et al., SwinIR, 2021",
        parameters=454891,
        multiple=16,
    )

    def __init__(self, channels: int = 16, dim: int = 64, groups: int = 3, heads: int = 4) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, channels, 3, padding=1)
        self.block = SpatialBlock(channels, dim, groups, heads)
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(channels, 3, 3, padding=1),
        )
        self.to(memory_format=torch.channels_last)

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        # One frame at a time: the block is made for that, and memory does not grow with the clip.
        restored = [x + self.decoder(self.block(self.project(x))) for x in (2 * frames - 1).unbind(1)]
        return Restored((torch.stack(restored, 1).tanh() + 1) / 2)
