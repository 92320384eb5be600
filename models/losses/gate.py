"""Gate loss: how far a recurrent gate, as a mask, is from the true damage."""

import math

from torch import Tensor

from degrade.core.types import VISIBLE

SOUND, DAMAGED = 0.55, 0.75
"""What a mask may reach on sound pixels, and must reach on damage, at no cost."""


def gate(found: Tensor, alpha: Tensor) -> Tensor:
    """How far a mask's logit falls short of that of `DAMAGED` on damage, plus how far it exceeds that of `SOUND`
    elsewhere, each averaged over its pixels.

    A gate needs the room: half open it averages grain over time, and wholly closed it
    lets nothing through by which the damage could be told and taken away.

    Args:
        found: The gate's mask, (B, T, 1, H, W) in [0, 1].
        alpha: Of the damage, the same shape; its faint rims may be found or not.
    """
    logit = found.float().logit(eps=1e-6)
    there, sound = (alpha > VISIBLE).float(), (alpha == 0).float()
    missed = ((math.log(DAMAGED / (1 - DAMAGED)) - logit).clamp_min(0) * there).sum() / there.sum().clamp_min(1)
    false = ((logit - math.log(SOUND / (1 - SOUND))).clamp_min(0) * sound).sum() / sound.sum().clamp_min(1)
    return missed + false
