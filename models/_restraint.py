"""Restraint: how far a model may change a film is for both neighbours of each frame to say."""

import torch
import torch.nn.functional as F
from torch import Tensor

from degrade.models._chroma import luma
from degrade.models._flow import aligned_neighbours, along
from degrade.models.base import Flows

FREE, GAIN, SIDE = 0.015, 5.0, 3
"""Change (of 1) that is allowed within that range, since grain is below it; how much more is for each unit that a frame
stands out by; pixels of the square whose mean tells."""
PLAIN = 0.1
"""What stands out by so much (of 1) is a defect."""


@torch.no_grad()
def restrained(restored: Tensor, frames: Tensor, flows: Flows) -> tuple[Tensor, Tensor]:
    """The restored frames, none of whose pixels changes by more than it stands out, or leaves the range that it and
    both neighbours span; and a mask (B, T, 1, H, W) of what stands out.

    A defect is unlike both neighbours, which are like each other. Where they are not, something moves that the flow
    has missed, and what a model takes for a defect is the film. What is darker or lighter than all three is none of it.

    Args:
        restored: (B, T, C, H, W).
        frames: What they were restored from, (B, T, 3, H, W) in [0, 1].
        flows: Forward and backward.
    """
    length, grey = frames.shape[1], luma(frames)
    if length == 1:
        return restored, torch.zeros_like(grey)
    held, found = [], []
    for t in range(length):
        here = grey[:, t]
        near = [matched(other, here) for other in aligned_neighbours(grey, t, along(flows), "border")]
        out = standing_out(here, *near)
        allowed = FREE + GAIN * out
        span = torch.stack((here, *near)) - here
        least, most = torch.maximum(-allowed, span.amin(0)), torch.minimum(allowed, span.amax(0))
        held.append(frames[:, t] + (restored[:, t] - frames[:, t]).clamp(least, most))
        found.append((out / PLAIN).clamp_max(1))
    return torch.stack(held, 1), torch.stack(found, 1)


def either(a: Tensor, b: Tensor) -> Tensor:
    """The probability of one or the other, which are independent."""
    return a + b - a * b


def standing_out(frame: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """By how much a frame (B, 1, H, W) is further from either aligned neighbour than these are from each other; 0 where
    it is not."""
    out = torch.minimum((frame - a).abs(), (frame - b).abs())
    return (around(out, SIDE) - around((a - b).abs(), SIDE)).clamp_min(0)


def around(x: Tensor, size: int) -> Tensor:
    """The mean of size × size pixels, an odd number; at the border of those that there are."""
    return F.avg_pool2d(x, size, 1, size // 2, count_include_pad=False)


def matched(x: Tensor, like: Tensor, weight: Tensor | None = None) -> Tensor:
    """`x` as bright as `like` in the mean, channel by channel: flicker is no damage."""
    if weight is None:
        return x + (like - x).mean((-2, -1), keepdim=True)
    total = weight.sum((-2, -1), keepdim=True)
    return x + ((like - x) * weight).sum((-2, -1), keepdim=True) / total.clamp_min(1)
