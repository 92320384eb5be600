"""A residual U-Net, frame by frame.

Source: Ronneberger, Fischer, Brox, "U-Net", MICCAI 2015 (arXiv 1505.04597); residual output as in DnCNN.
"""

import torch
from torch import Tensor, nn

from degrade.models._card import ModelCard
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
        widths = [channels * 2**level for level in range(4)]
        self.down = nn.ModuleList(convolutions(a, b) for a, b in zip([3, *widths], widths, strict=False))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in widths[:-1])
        self.merge = nn.ModuleList(convolutions(2 * w, w) for w in widths[:-1])
        self.last = nn.Conv2d(channels, 3, 3, padding=1)
        self.to(memory_format=torch.channels_last)

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        x = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        levels = []
        y = x
        for level, block in enumerate(self.down):
            y = block(nn.functional.max_pool2d(y, 2) if level else y)
            levels.append(y)
        for skip, rise, merge in zip(levels[-2::-1], self.rise[::-1], self.merge[::-1], strict=True):
            y = merge(torch.cat((skip, rise(y)), 1))
        return Restored((x + self.last(y)).unflatten(0, frames.shape[:2]))


def convolutions(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3×3 convolutions with LeakyReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.LeakyReLU(0.1),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.LeakyReLU(0.1),
    )
