"""Temporal median along the motion: the classic remedy for dust, which never falls twice in one place.

Source: Arce, "Multistage order statistic filters for image sequence processing", IEEE Trans. Signal
Processing 39(5), 1991; aligned by DIS flow (Kroeger et al., ECCV 2016).
"""

import torch
from torch import Tensor

from degrade.core.errors import SpecError
from degrade.core.flow import dis_flow
from degrade.models._card import ModelCard
from degrade.models._flow import to_grey, warp
from degrade.models.base import Flows, RestorationModel, Restored


class Median(RestorationModel):
    """Median of each frame and its neighbours, warped onto it.

    Args:
        radius: Neighbours on each side (fewer at the ends of the clip).
    """

    card = ModelCard(
        summary="temporal median of flow-aligned neighbours",
        source="Arce, Multistage order statistic filters, IEEE Trans. Signal Processing 39(5), 1991",
        window=20,
        overlap=8,
    )

    def __init__(self, radius: int = 2) -> None:
        super().__init__()
        if radius < 1:
            raise SpecError(f"radius must be at least 1, got {radius}", "radius")
        self.radius = radius

    @torch.no_grad()
    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        return Restored(torch.stack([self._clip(clip) for clip in frames]))

    def _clip(self, clip: Tensor) -> Tensor:
        grey, length = to_grey(clip), len(clip)
        restored = []
        for t in range(length):
            near = range(max(t - self.radius, 0), min(t + self.radius + 1, length))
            stack = []
            for s in near:
                flow = torch.from_numpy(dis_flow(grey[t], grey[s])).permute(2, 0, 1)
                stack.append(clip[t] if s == t else warp(clip[s][None], flow[None].to(clip), "border")[0])
            ranked = torch.stack(stack).sort(0).values
            restored.append((ranked[(len(near) - 1) // 2] + ranked[len(near) // 2]) / 2)
        return torch.stack(restored)
