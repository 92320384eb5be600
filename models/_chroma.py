"""Colour for models that have learnt grey film, and how holes are filled from around them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from degrade.core.color import LUMA

KEPT, LOST = 0.04, 0.12
"""Change of luma (of 1) up to which a pixel keeps its colour, and from which on it has that of its surroundings."""


def recoloured(frames: Tensor, restored: Tensor) -> Tensor:
    """Restored luma with the colour of the frames.

    Colour differences (R − Y, G − Y, B − Y) stay as they are. Where luma changes by more than the frame does as a
    whole, a defect has gone, and its colour goes with it: it is filled from around.

    Args:
        frames: (B, T, 3, H, W) in [0, 1], as they were.
        restored: (B, T, 1, H, W), their restored luma.
    """
    before = luma(frames)
    change = restored - before
    local = (change - change.flatten(-2).median(-1).values[..., None, None]).abs()
    sound = 1 - grown(between(KEPT, local, LOST))
    differences = push_pull((frames - before).flatten(0, 1), sound.flatten(0, 1)).view_as(frames)
    return restored + differences


def push_pull(x: Tensor, valid: Tensor) -> Tensor:
    """`x` (B, C, H, W), where it is not valid (B, 1, H, W) smoothly continued from where it is."""
    if min(x.shape[-2:]) < 2:
        return x
    weight = F.avg_pool2d(valid, 2, ceil_mode=True)
    coarse = F.avg_pool2d(x * valid, 2, ceil_mode=True) / weight.clamp_min(1e-6)
    coarse = push_pull(coarse, (4 * weight).clamp_max(1))
    return torch.lerp(F.interpolate(coarse, size=x.shape[-2:], mode="bilinear"), x, valid)


def luma(frames: Tensor) -> Tensor:
    """(..., 3, H, W) -> (..., 1, H, W), BT.601."""
    return (frames * frames.new_tensor(LUMA)[:, None, None]).sum(-3, keepdim=True)


def between(low: float, x: Tensor, high: float) -> Tensor:
    """0 up to `low`, 1 from `high` on."""
    return ((x - low) / (high - low)).clamp(0, 1)


def highest(x: Tensor, side: int = 3) -> Tensor:
    """The greatest of the side × side around each pixel, an odd number."""
    return F.max_pool2d(x, side, 1, side // 2)


def grown(masks: Tensor) -> Tensor:
    """Masks (..., 1, H, W) by one pixel larger."""
    return highest(masks.flatten(0, -4)).view_as(masks)
