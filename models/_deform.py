"""Modulated deformable convolution (Zhu et al., "Deformable ConvNets v2", CVPR 2019), 3×3."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import deform_conv2d

AT_ONCE = 2**16
"""Pixels of groups that are sampled at once on the CPU, so that they stay in its cache."""


def deform(x: Tensor, offset: Tensor, modulation: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """torchvision's `deform_conv2d`. On the CPU, where that does one pixel after the other and its gradient takes
    seconds, the same by `grid_sample`.

    Args:
        x: (B, C, H, W), H and W from 2 on.
        offset: (B, 18·groups, H, W), pixels, for each of the nine taps y, then x.
        modulation: (B, 9·groups, H, W), factors.
        weight: (O, C, 3, 3).
        bias: (O,).
    """
    kind = torch.promote_types(x.dtype, torch.float32)  # half precision would move pixels
    given = (part.to(kind).contiguous() for part in (x, offset, weight, bias, modulation))
    with torch.autocast(x.device.type, enabled=False):
        if x.device.type != "cpu":
            features, *rest, factors = given
            return deform_conv2d(features, *rest, padding=1, mask=factors).to(x.dtype)
        return _by_groups(*given).to(x.dtype)


def _by_groups(x: Tensor, offset: Tensor, weight: Tensor, bias: Tensor, modulation: Tensor) -> Tensor:
    batch, _, height, width = x.shape
    groups, pixels = modulation.shape[1] // 9, height * width
    taps, rows, columns = (torch.arange(n, dtype=x.dtype, device=x.device) for n in (3, height, width))
    home_y = (taps.view(3, 1, 1, 1) - 1 + rows[:, None]).expand(3, 3, height, width).flatten(0, 1)
    home_x = (taps.view(3, 1, 1) - 1 + columns).expand(3, 3, height, width).flatten(0, 1)
    to_x, to_y = (2 / (n - 1) for n in (width, height))
    total = bias.view(-1, 1)
    several = max(AT_ONCE // pixels, 1)
    split = (y.split(y.shape[1] // groups * several, 1) for y in (x, offset, modulation, weight))
    for part, moved, factor, kernel in zip(*split, strict=True):
        count = factor.shape[1] // 9
        ys, xs = moved.reshape(batch * count, 9, 2, height, width).unbind(2)
        grid = torch.stack(((xs + home_x) * to_x - 1, (ys + home_y) * to_y - 1), -1).flatten(1, 2)
        sampled = F.grid_sample(part.reshape(batch * count, -1, height, width), grid, align_corners=True)
        sampled = sampled.view(batch * count, -1, 9, pixels) * factor.reshape(batch * count, 1, 9, pixels)
        total = total + kernel.flatten(1) @ sampled.view(batch, -1, pixels)
    return total.view(batch, -1, height, width)
