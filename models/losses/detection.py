"""Detection loss: how far a mask that is a probability is from the true damage."""

import torch.nn.functional as F
from torch import Tensor

from degrade.core.types import VISIBLE


def detection(found: Tensor, alpha: Tensor) -> Tensor:
    """Cross-entropy of a mask, averaged over damage and sound pixels.

    Args:
        found: A model's mask, (B, T, 1, H, W) in [0, 1].
        alpha: Of the damage, the same shape; its faint rims may be found or not.
    """
    there, sound = (alpha > VISIBLE).float(), (alpha == 0).float()
    known = there + sound
    entropy = F.binary_cross_entropy_with_logits(found.float().logit(eps=1e-6), there, known, reduction="sum")
    return entropy / known.sum().clamp_min(1)
