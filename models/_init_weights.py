"""Initial weights of RTN: untrained, it clips each frame's brightness to that of its two neighbours, aligned by flow.

From random weights a training has first to unlearn the tanh at the end, and takes many thousands of steps to find
that what a defect hides can be seen in the next frame. So the gates begin half open, but see how a frame differs from
the two before it, and a few channels carry brightness in line segments, exact in spite of leaky activations: each
signal passes as itself and as its negative. All of it may be trained away, and the other channels begin at random.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from degrade.models._swin import SpatialBlock

TOLERANCE = 0.03
"""How far outside its neighbours' range a brightness may be, on a scale from −1 to 1: grain is no defect."""

KNEES, SLOPES = (0.33, 0.67, 0.88), (0.34, 1.19, 6.25)
"""Of line segments f that take tanh(x + f(x)) to within 0.018 of x on [0, 1], and so on [−1, 0]."""


DIFFERENCE = 10.0
"""Gain of what the gates compare: a defect that shows differs by a tenth of the range, grain by a fifth of that."""


@torch.no_grad()
def init_pass(project: nn.Conv2d, compare: Sequence[nn.Conv2d], mask: nn.Conv2d, block: SpatialBlock) -> None:
    """One direction. Channel 0 of its states is the frame's brightness x, channel 3 that which the flow brings, w.

    So the state that reaches a frame holds the brightness of the frame before in channel 0 and of that before it in
    channel 3, and a defect in this frame differs from both.

    Mixed half and half, the first channels are (x + w)/2, x/2 and 1/2. In the first frame, to which the flow brings
    nothing, they are x, x and 1, and w becomes x.

    It holds for gates of every kind, since what else they see counts for nothing yet.
    """
    grey, nothing = torch.tensor([1 / 3, 1 / 3, 1 / 3]), torch.zeros(3)
    route(project, [grey, grey, nothing], [0, 0, 1])
    first, *others = compare
    given = torch.eye(first.in_channels)
    frame = given[project.out_channels]
    route(first, *signals([DIFFERENCE * (frame - given[0]), DIFFERENCE * (frame - given[3])]))
    pass_on(others, 2)
    route(mask, torch.zeros(1, mask.in_channels))
    both, own, one = torch.eye(block.first.in_channels)[:3]
    route(block.first, *signals([own, both - own, own + 3 * one, -own + 3 * one], [0, 0, -3, -3]))
    route(block.up, torch.zeros(8, block.up.in_channels))
    read = Read(block.last, leak=0.2**2)
    start = read.above(2) - read.above(3)  # x in the first frame, else 0
    zero = torch.zeros_like(start)
    route(block.last, [2 * read.whole(0) - start, zero, zero, 2 * read.whole(1) + start])


@torch.no_grad()
def init_decoder(decoder: nn.Sequential) -> None:
    """States of both directions to the change of x, and to what makes up for the tanh."""
    first, second, third, fourth, last = (layer for layer in decoder if isinstance(layer, nn.Conv2d))
    one, other = torch.eye(first.in_channels).chunk(2)
    route(first, *signals([one[3] - other[3], (one[3] + other[3]) / 2, (one[0] + other[0]) / 2]))
    read = Read(second, leak=0.1)
    spread, middle, x = read.size(0) / 2, read.whole(1), read.whole(2)
    route(second, *signals([middle - spread - x, x - middle - spread, x], [-TOLERANCE, -TOLERANCE, 0]))
    read = Read(third, leak=0.1)
    change = read.above(0) - read.above(1)
    clipped = read.whole(2) + change
    rows, bias = signals([change, clipped])
    route(third, [*rows, *[clipped, -clipped] * 3], [*bias, *[-knee for knee in KNEES for _ in range(2)]])
    route(fourth, torch.eye(fourth.in_channels)[:10])
    read = Read(last, leak=0.1**2)
    route(last, [read.whole(0) + read.made_up(1, 4)] * 3)


def pass_on(convs: Iterable[nn.Conv2d], count: int) -> None:
    """Leads so many signals through the later convolutions of a gate as they are."""
    for conv in convs:
        read = Read(conv, leak=0.2)
        route(conv, *signals([read.whole(i) for i in range(count)]))


def signals(rows: Sequence[Tensor], bias: Sequence[float] = ()) -> tuple[list[Tensor], list[float]]:
    """Rows and biases of channels 2i and 2i + 1 that hold a signal and its negative."""
    offsets = bias or [0] * len(rows)
    return (
        [signed for row in rows for signed in (row, -row)],
        [signed for offset in offsets for signed in (offset, -offset)],
    )


class Read:
    """Signals after leaky activations, as rows of the next convolution; `leak` is the slope below 0."""

    def __init__(self, conv: nn.Conv2d, leak: float) -> None:
        self.unit, self.leak = torch.eye(conv.in_channels), leak

    def whole(self, i: int) -> Tensor:
        """The signal."""
        return (self.unit[2 * i] - self.unit[2 * i + 1]) / (1 + self.leak)

    def above(self, i: int) -> Tensor:
        """The signal where it is greater than 0, else 0."""
        return (self.unit[2 * i] + self.leak * self.unit[2 * i + 1]) / (1 - self.leak**2)

    def size(self, i: int) -> Tensor:
        """Its absolute value."""
        return (self.unit[2 * i] + self.unit[2 * i + 1]) / (1 - self.leak)

    def made_up(self, i: int, start: int) -> Tensor:
        """What makes up for a tanh of the signal, of the units from `start` on: what of it lies above each of `KNEES`,
        and of its negative."""
        bent = [slope * (self.unit[start + 2 * j] - self.unit[start + 1 + 2 * j]) for j, slope in enumerate(SLOPES)]
        return (sum(bent) - 2 * self.leak * sum(SLOPES) * self.whole(i)) / (1 - self.leak)


def route(conv: nn.Conv2d, rows: Sequence[Tensor] | Tensor, bias: Sequence[float] = ()) -> None:
    """Makes the first outputs of a convolution sums of its inputs at the same place; the other outputs stay."""
    row, column = (side // 2 for side in conv.kernel_size)
    assert conv.bias is not None
    conv.weight[: len(rows)] = 0
    conv.weight[: len(rows), :, row, column] = torch.stack(list(rows))
    conv.bias[: len(rows)] = torch.tensor(bias or [0.0] * len(rows))
