"""Temporal convolutions over the whole clip.

Source: Iizuka and Simo-Serra, "DeepRemaster: Temporal Source-Reference Attention Networks for Comprehensive
Video Enhancement", SIGGRAPH Asia 2019 (arXiv 2009.08692); its restoration half.
"""

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.core.errors import SpecError, unknown
from degrade.models._card import ModelCard
from degrade.models._chroma import luma
from degrade.models._weights import State
from degrade.models.base import Flows, RestorationModel, Restored


class DeepRemaster(RestorationModel):
    """3D convolutions down to a quarter of the size and back, added to the frames.

    The published network, `channels=64, colors=1, norm="batch", full_size=False`, loads a released checkpoint
    (`modelR`). Trained for some hundreds of steps it gives back its input: at a quarter of the size defects of a few
    pixels hardly show. So by default it has a path at full size as well and no batch normalisation, is a quarter as
    wide, and sees colour. Its output is not clipped while it is trained.

    Args:
        channels: Of the first layer.
        colors: 3, or 1: luma, whose change is added to every channel.
        norm: `none` or `batch`.
        full_size: Adds a convolution of the frames to what comes back from a quarter of their size.
    """

    card = ModelCard(
        summary="temporal convolutions, restoration half; as published but for a path at full size and no batch norm",
        source="Iizuka and Simo-Serra, DeepRemaster, SIGGRAPH Asia 2019 (arXiv 2009.08692)",
        weights_licence="released weights: CC BY-NC-SA 4.0",
        parameters=626467,
        multiple=4,
        window=24,
        overlap=12,
    )

    def __init__(self, channels: int = 16, colors: int = 3, norm: str = "none", full_size: bool = True) -> None:
        super().__init__()
        if norm not in NORMS:
            raise SpecError(unknown("norm", norm, NORMS))
        if colors not in (1, 3):
            raise SpecError(f"colors must be 1 or 3, got {colors!r}")
        c, self.colors = channels, colors

        def layer(inputs: int, outputs: int, stride: int = 1, first: bool = False) -> nn.Sequential:
            """3×3×3 convolution, norm, ELU; `stride` in space."""
            padding: Literal["replicate", "zeros"] = "replicate" if first else "zeros"
            conv = nn.Conv3d(inputs, outputs, 3, stride=(1, stride, stride), padding=1, padding_mode=padding)
            return nn.Sequential(conv, NORMS[norm](outputs), nn.ELU())

        self.encode = nn.Sequential(
            layer(colors, c, stride=2, first=True),
            layer(c, 2 * c),
            layer(2 * c, 2 * c),
            layer(2 * c, 4 * c, stride=2),
            *[layer(4 * c, 4 * c) for _ in range(4)],
        )
        self.middle = nn.Sequential(layer(4 * c, 2 * c), layer(2 * c, c), layer(c, c))
        self.up = layer(c, 16)
        self.full_size = nn.Sequential(nn.Conv3d(colors, 16, 3, padding=1), nn.ELU()) if full_size else None
        self.last = nn.Conv3d(16, colors, 3, padding=1)

    def convert(self, state: State) -> State:
        """`modelR` of a checkpoint as its authors released it, under our names."""
        renamed = {}
        for name, value in state.items():
            theirs = next((start for start in RELEASED if name.startswith(start)), "")
            renamed[RELEASED.get(theirs, "") + name.removeprefix(theirs)] = value
        return renamed

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        x = (frames if self.colors == 3 else luma(frames)).transpose(1, 2)
        centred = x - MEAN
        y = self.up(double(self.middle(double(self.encode(centred)))))
        if self.full_size is not None:
            y = y + self.full_size(centred)
        return Restored(frames + torch.tanh(self.last(y)).transpose(1, 2))


NORMS: Mapping[str, type[nn.Module]] = {"none": nn.Identity, "batch": nn.BatchNorm3d}
MEAN = 0.4462414
"""What its authors take from every frame."""

PLACES = (*(f"encode.{i}" for i in range(8)), *(f"middle.{i}" for i in range(3)), "up")
RELEASED = {
    **{f"layers.{i}.conv3d.": f"{place}.0." for i, place in enumerate(PLACES, 1)},
    **{f"layers.{i}.bn.": f"{place}.1." for i, place in enumerate(PLACES, 1)},
    "layers.13.": "last.",
}
"""How the authors' names begin, and how ours do."""


def double(x: Tensor) -> Tensor:
    """(B, C, T, H, W) twice as high and wide, trilinear."""
    return F.interpolate(x, scale_factor=(1, 2, 2), mode="trilinear", align_corners=False)
