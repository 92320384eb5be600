"""Non-local means over neighbouring frames.

Source: Buades, Coll, Morel, "Nonlocal image and movie denoising", IJCV 76, 2008 (OpenCV's implementation).
"""

import cv2
import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from degrade.core.errors import SpecError
from degrade.models._card import ModelCard
from degrade.models.base import Flows, RestorationModel, Restored


class NLMeans(RestorationModel):
    """Averages each pixel with those whose surroundings look alike, in this frame and its neighbours.

    Args:
        strength: Filter strength over the standard deviation of the noise, which is estimated per frame.
        radius: Neighbouring frames on each side.
        search: Side of the square that is searched, pixels, odd.
    """

    card = ModelCard(
        summary="non-local means over three frames",
        source="Buades, Coll, Morel, Nonlocal image and movie denoising, IJCV 76, 2008",
        window=20,
        overlap=4,
    )

    def __init__(self, strength: float = 1.0, radius: int = 1, search: int = 15) -> None:
        super().__init__()
        if strength <= 0 or radius < 0 or search < 3 or search % 2 == 0:
            raise SpecError(
                f"strength > 0, radius ≥ 0 and an odd search ≥ 3 are allowed, got {strength}, {radius}, {search}"
            )
        self.strength, self.radius, self.search = strength, radius, search

    @torch.no_grad()
    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        clips = (frames.float() * 255).round().clamp(0, 255).byte().permute(0, 1, 3, 4, 2).cpu().numpy()
        out = torch.from_numpy(np.stack([self._clip(clip) for clip in clips]))
        return Restored(out.permute(0, 1, 4, 2, 3).to(frames) / 255)

    def _clip(self, clip: np.ndarray) -> np.ndarray:
        edge = np.pad(clip, ((self.radius, self.radius), (0, 0), (0, 0), (0, 0)), "edge")
        return np.stack([self._frame(edge[t : t + 2 * self.radius + 1]) for t in range(len(clip))])

    def _frame(self, near: np.ndarray) -> np.ndarray:
        channels = near[self.radius].transpose(2, 0, 1).astype(float)
        strength = self.strength * float(np.mean([noise_level(channel) for channel in channels]))
        if strength < 0.1:  # no noise; OpenCV divides by the strength
            return near[self.radius]
        size = len(near)
        return cv2.fastNlMeansDenoisingMulti(list(near), self.radius, size, None, strength, 7, self.search)


def noise_level(image: np.ndarray) -> float:
    """Standard deviation of the noise in (H, W), in its unit (Immerkær, CVIU 64(2), 1996)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], float)
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(ndimage.convolve(image, kernel)[1:-1, 1:-1]).mean())
