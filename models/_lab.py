"""RGB and CIELAB, as scikit-image has them: D65, 2° observer, sRGB gamma; in floating point, with gradients.

L is 0 to 100; a and b of colours that a screen can show are within ±110.
"""

import torch
from torch import Tensor

WHITE = (0.95047, 1.0, 1.08883)
RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """(..., 3, H, W), RGB in [0, 1], to L, a and b. Grey is a = b = 0 to the last digit."""
    bent = torch.where(rgb > 0.04045, ((rgb.clamp_min(0.04) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    x, y, z = mixed(bent, torch.tensor(RGB_TO_XYZ) / torch.tensor(WHITE)[:, None]).unbind(-3)
    x, y, z = (torch.where(v > 0.008856, v.clamp_min(0.008) ** (1 / 3), 7.787 * v + 16 / 116) for v in (x, y, z))
    lab = torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), -3)
    # The matrix' rows add up to the white point to six digits only.
    grey = (rgb == rgb[..., :1, :, :]).all(-3, keepdim=True)
    return torch.cat((lab[..., :1, :, :], lab[..., 1:, :, :].masked_fill(grey, 0)), -3)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """(..., 3, H, W), L, a and b, to RGB: within [0, 1] where a screen can show the colour, not clipped elsewhere."""
    lightness, a, b = lab.unbind(-3)
    y = (lightness + 16) / 116
    bent = torch.stack((y + a / 500, y, y - b / 200), -3)
    xyz = torch.where(bent > 0.2068966, bent.clamp_min(0.2) ** 3, (bent - 16 / 116) / 7.787)
    rgb = mixed(xyz, torch.linalg.inv(torch.tensor(RGB_TO_XYZ, dtype=torch.float64)).float() * torch.tensor(WHITE))
    return torch.where(rgb > 0.0031308, 1.055 * rgb.clamp_min(0.003) ** (1 / 2.4) - 0.055, 12.92 * rgb)


def mixed(x: Tensor, matrix: Tensor) -> Tensor:
    """A matrix times the channels of (..., 3, H, W). Autocast would round a matrix product to half precision."""
    return (matrix.to(x)[:, :, None, None] * x.unsqueeze(-4)).sum(-3)
