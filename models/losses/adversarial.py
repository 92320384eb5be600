"""Adversarial loss with a discriminator that looks at patches in space and time.

Source: Chang, Liu, Lee, Hsu, "Free-form Video Inpainting with 3D Gated Convolution and Temporal PatchGAN",
ICCV 2019 (arXiv 1904.10247); hinge loss; widths as RTN has them.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class TemporalPatchGAN(nn.Module):
    """(B, T, C, H, W) in [0, 1] -> a score per patch, (B, 128, T, H/32, W/32, rounded up): high for real film.

    Args:
        channels: C.
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        widths = (channels, 64, 128, 128, 128, 128)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            conv = nn.Conv3d(inputs, outputs, (3, 5, 5), stride=(1, 2, 2), padding=(1, 2, 2))
            layers += [spectral_norm(conv), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, frames: Tensor) -> Tensor:
        scores: Tensor = self.layers(2 * frames.transpose(1, 2) - 1)
        return scores


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of the discriminator's scores of real and of restored film."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """What a restorer minimises: minus the mean score of its film."""
    return -fake.mean()
