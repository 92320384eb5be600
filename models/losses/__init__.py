"""What models are trained with: pixel, perceptual and adversarial losses, on clips (B, T, C, H, W)."""

from degrade.models.losses.adversarial import TemporalPatchGAN, discriminator_loss, generator_loss
from degrade.models.losses.perceptual import Perceptual
from degrade.models.losses.pixel import charbonnier, l1

__all__ = ["Perceptual", "TemporalPatchGAN", "charbonnier", "discriminator_loss", "generator_loss", "l1"]
