"""A residual U-Net, frame by frame.

Source: Ronneberger, Fischer, Brox, "U-Net", MICCAI 2015 (arXiv 1505.04597); residual output as in DnCNN.
"""

import torch
from torch import Tensor, nn

from degrade.models._card import ModelCard
from degrade.models._hourglass import down_and_up, levels
from degrade.models.base import Flows, RestorationModel, Restored


class UNet(RestorationModel):
    """Each frame by itself.

    Args:
        channels: At full size; doubled at each of the three halvings.
    """

    card = ModelCard(
        summary="U-Net on single frames",
        source="Ronneberger et al., U-Net, MICCAI 2015 (arXiv 1505.04597)",
        parameters=1926435,
        multiple=8,
    )

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.down, self.rise, self.merge = levels(3, tuple(channels * 2**level for level in range(4)))
        self.last = nn.Conv2d(channels, 3, 3, padding=1)
        self.to(memory_format=torch.channels_last)

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        x = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        y = down_and_up(x, self.down, self.rise, self.merge)
        return Restored((x + self.last(y)).unflatten(0, frames.shape[:2]))
