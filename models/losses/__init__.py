"""What models are trained with: pixel, mask, perceptual and adversarial losses, on clips (B, T, C, H, W)."""

from degrade.models.losses.adversarial import TemporalPatchGAN, discriminator_loss, generator_loss
from degrade.models.losses.detection import detection
from degrade.models.losses.gate import gate
from degrade.models.losses.perceptual import Perceptual
from degrade.models.losses.pixel import charbonnier, inside, l1

__all__ = [
    "Perceptual",
    "TemporalPatchGAN",
    "charbonnier",
    "detection",
    "discriminator_loss",
    "gate",
    "generator_loss",
    "inside",
    "l1",
]
