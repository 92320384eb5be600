"""Modulated deformable convolution (Zhu et al., "Deformable ConvNets v2", CVPR 2019), 3×3."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import deform_conv2d

Sampling = Callable[[slice], tuple[Tensor, Tensor]]
"""Of some of the groups: offsets (B, 18·groups, H, W), pixels, for each of the nine taps y, then x; and factors
(B, 9·groups, H, W)."""

AT_ONCE = 2**16
"""Pixels of groups that are sampled at once on the CPU, so that they stay in its cache."""


def deform(x: Tensor, sampling: Sampling, groups: int, weight: Tensor, bias: Tensor) -> Tensor:
    """torchvision's `deform_conv2d`. On the CPU, where that does one pixel after the other and its gradient takes
    seconds, the same by `grid_sample`, and offsets for all groups are never held at once.

    Args:
        x: (B, C, H, W), H and W from 2 on.
        sampling: Where to look, and how much to take.
        groups: Of channels that look at the same places.
        weight: (O, C, 3, 3).
        bias: (O,).
    """
    kind = torch.promote_types(x.dtype, torch.float32)  # half precision would move pixels
    features, kernel, shift = (part.to(kind) for part in (x, weight, bias))
    if x.device.type != "cpu":
        offset, factor = (part.to(kind) for part in sampling(slice(groups)))
        return deform_conv2d(features, offset, kernel, shift, padding=1, mask=factor).to(x.dtype)
    several = min(max(AT_ONCE // x[0, 0].numel(), 1), groups)
    width = x.shape[1] // groups
    total = shift.view(-1, 1, 1)
    for first in range(0, groups, several):
        some = slice(first, min(first + several, groups))
        offset, factor = (part.to(kind) for part in sampling(some))
        with torch.autocast("cpu", enabled=False):
            channels = slice(width * some.start, width * some.stop)
            total = total + _some_groups(features[:, channels], offset, factor, kernel[:, channels])
    return total.to(x.dtype)


def _some_groups(x: Tensor, offset: Tensor, factor: Tensor, weight: Tensor) -> Tensor:
    batch, _, height, width = x.shape
    groups = factor.shape[1] // 9
    taps, rows, columns = (torch.arange(n, dtype=x.dtype) for n in (3, height, width))
    home_y = (taps.view(3, 1, 1, 1) - 1 + rows[:, None]).expand(3, 3, height, width).flatten(0, 1)
    home_x = (taps.view(3, 1, 1) - 1 + columns).expand(3, 3, height, width).flatten(0, 1)
    to_x, to_y = (2 / (n - 1) for n in (width, height))
    ys, xs = offset.reshape(batch * groups, 9, 2, height, width).unbind(2)
    grid = torch.stack(((xs + home_x) * to_x - 1, (ys + home_y) * to_y - 1), -1).flatten(1, 2)
    sampled = F.grid_sample(x.reshape(batch * groups, -1, height, width), grid, align_corners=True)
    sampled = sampled.view(batch * groups, -1, 9, height * width) * factor.reshape(batch * groups, 1, 9, -1)
    return (weight.flatten(1) @ sampled.view(batch, -1, height * width)).view(batch, -1, height, width)
