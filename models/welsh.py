"""Colours by brightness and texture, from pictures of any time or place.

Source: Welsh, Ashikhmin, Mueller, "Transferring Color to Greyscale Images", SIGGRAPH 2002.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from degrade.core.errors import SpecError
from degrade.core.types import Array
from degrade.models._card import ModelCard
from degrade.models._colorization import ColorizationModel


class Welsh(ColorizationModel):
    """Each pixel takes the a and b of the reference's sample that is most like it in L and in its deviation over 5×5.

    Each reference's L is first mapped to the mean and deviation of the frame. Samples lie on a jittered grid, the same
    for every frame. All references count alike, whatever their time. Beyond the paper, the colours of the `nearest`
    samples are averaged, and the result is smoothed along surfaces of like lightness (He et al., guided filter, 2013):
    single samples leave speckles. Every frame by itself; grey without references.

    Args:
        samples: Of each reference, about (the paper has 200).
        nearest: Samples whose mean a pixel takes (the paper has 1).
        smooth: Radius of the smoothing, relative to the frame's height; 0 for none (as the paper).
    """

    card = ModelCard(
        summary="the colours of samples of like brightness and texture, from any picture",
        source="Welsh, Ashikhmin, Mueller, Transferring Color to Greyscale Images, SIGGRAPH 2002",
        kind="colorization",
        key_frames=True,
        pictures=True,
    )

    def __init__(self, samples: int = 200, nearest: int = 5, smooth: float = 0.03) -> None:
        super().__init__()
        if not 1 <= nearest <= samples:
            raise SpecError(f"must lie between 1 and samples ({samples}), got {nearest}", "nearest")
        if smooth < 0:
            raise SpecError(f"must be at least 0, got {smooth}", "smooth")
        self.samples, self.nearest, self.smooth = samples, nearest, smooth

    @torch.no_grad()
    def colorize(self, lightness: Tensor, keys: Mapping[int, Tensor], pictures: Sequence[Tensor]) -> Tensor:
        references = [*keys.values(), *pictures]
        if not references:
            return lightness.new_zeros(*lightness.shape[:2], 2, *lightness.shape[3:])
        batch = range(lightness.shape[0])
        drawn = [[_samples(lab[b].cpu().numpy(), self.samples) for lab in references] for b in batch]
        frames = [[self._frame(frame[0], drawn[b]) for frame in lightness[b].cpu().numpy()] for b in batch]
        return torch.from_numpy(np.array(frames)).to(lightness)

    def _frame(self, lightness: Array, drawn: Sequence[tuple[Array, Array]]) -> Array:
        """(H, W) and samples of each reference to (2, H, W)."""
        mean, deviation = lightness.mean(), lightness.std()
        features, colors = [], []
        for found, ab in drawn:
            scale = deviation / max(found[:, 0].std(), 1e-3)
            features.append(np.stack(((found[:, 0] - found[:, 0].mean()) * scale + mean, found[:, 1] * scale), 1))
            colors.append(ab)
        wanted = np.stack((lightness, local_deviation(lightness)), -1).reshape(-1, 2)
        count = min(self.nearest, sum(map(len, colors)))
        _, which = cKDTree(np.concatenate(features)).query(wanted, k=[*range(1, count + 1)])
        ab = np.concatenate(colors)[which].mean(1).reshape(*lightness.shape, 2)
        radius = round(self.smooth * lightness.shape[0])
        if radius:
            ab = np.stack([guided(ab[..., c], lightness, radius) for c in (0, 1)], -1)
        return np.ascontiguousarray(ab.transpose(2, 0, 1), np.float32)


def _samples(lab: Array, count: int) -> tuple[Array, Array]:
    """L and its deviation (N, 2), and a and b (N, 2), at the places of a jittered grid of about `count`."""
    height, width = lab.shape[1:]
    rows = max(round((count * height / width) ** 0.5), 1)
    columns = max(round(count / rows), 1)
    jitter = np.random.default_rng(0).random((2, rows, columns))  # the same for every reference and frame
    y = ((np.arange(rows)[:, None] + jitter[0]) * height / rows).astype(int)
    x = ((np.arange(columns) + jitter[1]) * width / columns).astype(int)
    lightness = np.ascontiguousarray(lab[0])
    return np.stack((lightness, local_deviation(lightness)), -1)[y, x].reshape(-1, 2), lab[1:, y, x].reshape(2, -1).T


def local_deviation(x: Array) -> Array:
    """Standard deviation over 5×5 of (H, W)."""
    mean = cv2.blur(x, (5, 5))
    return np.sqrt(np.maximum(cv2.blur(x * x, (5, 5)) - mean * mean, 0))


def guided(x: Array, guide: Array, radius: int, noise: float = 4.0) -> Array:
    """`x` (H, W) smoothed, but for edges of `guide` that are steeper than `noise`."""

    def mean(picture: Array) -> Array:
        return cv2.blur(picture.astype(np.float64), (2 * radius + 1, 2 * radius + 1))

    g, m = mean(guide), mean(x)
    slope = (mean(guide * x.astype(np.float64)) - g * m) / (mean(np.square(guide, dtype=np.float64)) - g * g + noise**2)
    return mean(slope) * guide + mean(m - slope * g)
