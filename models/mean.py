"""One colour for all of a frame: the floor of colourisation with references."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from degrade.models._card import ModelCard
from degrade.models._colorization import ColorizationModel, nearest


class Mean(ColorizationModel):
    """Gives every pixel the mean a and b of the key frame nearest in time; without key frames, of all pictures."""

    card = ModelCard(
        summary="the mean colour of the nearest reference, on every pixel",
        source="a floor: what a tint would give",
        kind="colorization",
        min_size=1,
        key_frames=True,
        pictures=True,
    )

    def colorize(self, lightness: Tensor, keys: Mapping[int, Tensor], pictures: Sequence[Tensor]) -> Tensor:
        batch, length, _, height, width = lightness.shape
        means = {time: mean_color(lab) for time, lab in keys.items()}
        every = torch.stack([mean_color(lab) for lab in pictures] or [lightness.new_zeros(batch, 2)]).mean(0)
        frames = [every if (key := nearest(means, t)) is None else key for t in range(length)]
        return torch.stack(frames, 1)[..., None, None].expand(-1, -1, -1, height, width).contiguous()


def mean_color(lab: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, 2)."""
    return lab[:, 1:].mean((-2, -1))
