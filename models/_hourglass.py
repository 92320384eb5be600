"""U-Nets (Ronneberger, Fischer, Brox, MICCAI 2015): what a model of that form and the parts of others share."""

from itertools import pairwise

import torch
from torch import Tensor, nn


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
        self.down, self.rise, self.merge = levels(inputs, widths)
        self.last = nn.Conv2d(widths[0], outputs, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(down_and_up(x, self.down, self.rise, self.merge))


def levels(inputs: int, widths: tuple[int, ...]) -> tuple[nn.ModuleList, nn.ModuleList, nn.ModuleList]:
    """The parts that `down_and_up` takes."""
    return (
        nn.ModuleList(convolutions(a, b) for a, b in pairwise((inputs, *widths))),
        nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths)),
        nn.ModuleList(convolutions(2 * w, w) for w in widths[:-1]),
    )


def down_and_up(x: Tensor, down: nn.ModuleList, rise: nn.ModuleList, merge: nn.ModuleList) -> Tensor:
    """Features (B, C, H, W) of the first level's width."""
    skips = [down[0](x)]
    for block in down[1:]:
        skips.append(block(nn.functional.max_pool2d(skips[-1], 2)))
    y: Tensor = skips.pop()
    for skip, up, join in zip(skips[::-1], rise[::-1], merge[::-1], strict=True):
        y = join(torch.cat((skip, up(y)), 1))
    return y


def convolutions(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3×3 convolutions with LeakyReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.LeakyReLU(0.1),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.LeakyReLU(0.1),
    )
