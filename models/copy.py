"""The key frame's colours, unmoved: the floor of propagation, and on a still shot nearly perfect."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from degrade.models._card import ModelCard
from degrade.models._colorization import ColorizationModel, nearest


class Copy(ColorizationModel):
    """Gives every frame a and b of the key frame nearest in time, each pixel where it is; grey without key frames."""

    card = ModelCard(
        summary="the colours of the nearest key frame, unmoved",
        source="a floor: what no motion would give",
        kind="colorization",
        min_size=1,
        key_frames=True,
    )

    def colorize(self, lightness: Tensor, keys: Mapping[int, Tensor], pictures: Sequence[Tensor]) -> Tensor:
        grey = lightness.new_zeros(lightness.shape[0], 3, *lightness.shape[3:])
        frames = [grey if (key := nearest(keys, t)) is None else key for t in range(lightness.shape[1])]
        return torch.stack(frames, 1)[:, :, 1:]
