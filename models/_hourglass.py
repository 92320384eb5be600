"""A U-Net on feature maps, as parts of models use it."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from degrade.models.unet import convolutions


class Hourglass(nn.Module):
    """Two convolutions on each level, halved by pooling and doubled by transposed convolutions, with skips.

    It starts by giving zeros, so that what it is added to is what the start gives.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        widths: Channels of each level, from the full size down; the sides must be multiples of 2^(levels − 1).
    """

    def __init__(self, inputs: int, outputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.down = nn.ModuleList(convolutions(a, b) for a, b in zip((inputs, *widths), widths, strict=False))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.merge = nn.ModuleList(convolutions(2 * w, w) for w in widths[:-1])
        self.last = nn.Conv2d(widths[0], outputs, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        levels = [self.down[0](x)]
        for block in self.down[1:]:
            levels.append(block(nn.functional.max_pool2d(levels[-1], 2)))
        y = levels.pop()
        for skip, rise, merge in zip(levels[::-1], self.rise[::-1], self.merge[::-1], strict=True):
            y = merge(torch.cat((skip, rise(y)), 1))
        return self.last(y)
