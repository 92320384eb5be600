"""Pixel losses."""

import torch
import torch.nn.functional as F
from torch import Tensor


def l1(restored: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference."""
    return F.l1_loss(restored, target)


def charbonnier(restored: Tensor, target: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(difference² + epsilon²): L1, smooth at 0 (Charbonnier et al., ICIP 1994)."""
    return torch.sqrt((restored - target).square() + epsilon**2).mean()


def inside(restored: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference where `mask` (B, T, 1, H, W), an alpha, is; 0 without damage."""
    weight = mask.sum().clamp_min(1) * restored.shape[2]
    return (mask * (restored - target).abs()).sum() / weight
