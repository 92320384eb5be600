"""What models are trained with: pixel, mask, perceptual and adversarial losses, on clips (B, T, C, H, W)."""

from degrade.models.losses.adversarial import TemporalPatchGAN, discriminator_loss, generator_loss
from degrade.models.losses.mask import mask
from degrade.models.losses.perceptual import Perceptual
from degrade.models.losses.pixel import charbonnier, inside, l1

__all__ = [
    "Perceptual",
    "TemporalPatchGAN",
    "charbonnier",
    "discriminator_loss",
    "generator_loss",
    "inside",
    "l1",
    "mask",
]
