"""Recurrence with residual convolutions and no gate.

Source: Chan, Wang, Yu, Dong, Loy, "BasicVSR", CVPR 2021 (arXiv 2012.02181), without its enlargement; features
at half the size of the frames, as its successor has them for tasks that keep the size.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.models._card import ModelCard
from degrade.models._concurrency import run_concurrently
from degrade.models._flow import make_flow, warp, with_flow
from degrade.models.base import Flows, RestorationModel, Restored


class BasicVSR(RestorationModel):
    """Features carried backward and forward through the clip along the flow.

    Args:
        channels: Of the features (the paper has 64).
        blocks: Residual blocks in each direction (the paper has 30; 5 make it about as large as RTN).
        flow: `dis` (needs no weights) or `raft`.
        flow_weights: Weights of RAFT.
    """

    card = ModelCard(
        summary="bidirectional recurrence of residual convolutions",
        source="Chan et al., BasicVSR, CVPR 2021 (arXiv 2012.02181)",
        parameters=970915,
        multiple=2,
        window=20,
        overlap=8,
        flow=True,
    )

    def __init__(
        self, channels: int = 64, blocks: int = 5, flow: str = "dis", flow_weights: str | Path | None = None
    ) -> None:
        super().__init__()
        self.flow = make_flow(flow, flow_weights)
        self.encode = nn.Conv2d(3, channels, 3, stride=2, padding=1)
        self.past, self.future = Trunk(channels, blocks), Trunk(channels, blocks)
        self.fuse = nn.Conv2d(2 * channels, channels, 1)
        self.up = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.last = nn.Conv2d(channels // 2, 3, 3, padding=1)
        self.to(memory_format=torch.channels_last)

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return with_flow(state, self.flow)

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        forward, backward = (
            F.avg_pool2d(flow.flatten(0, 1), 2).unflatten(0, flow.shape[:2]) / 2 if flow.shape[1] else flow
            for flow in (self.flow(frames) if flows is None else flows)
        )
        features = [F.leaky_relu(self.encode(frame), 0.1) for frame in frames.unbind(1)]
        length = len(features)
        later, earlier = run_concurrently(
            frames.device,
            lambda: list(self.sweep(features, backward, range(length)[::-1], self.future))[::-1],
            lambda: list(self.sweep(features, forward, range(length), self.past)),
        )
        restored = []
        for i, states in enumerate(zip(later, earlier, strict=True)):
            y = F.leaky_relu(self.fuse(torch.cat(states, 1)), 0.1)
            y = F.leaky_relu(F.pixel_shuffle(self.up(y), 2), 0.1)
            restored.append(frames[:, i] + self.last(y))
        return Restored(torch.stack(restored, 1))

    def sweep(self, features: list[Tensor], flow: Tensor, order: Sequence[int], trunk: "Trunk") -> Iterator[Tensor]:
        """The state at each frame, in `order`."""
        state, previous = torch.zeros_like(features[0]), order[0]
        for i in order:
            if i != previous:
                state = warp(state, flow[:, min(i, previous)])
            state, previous = trunk(torch.cat((features[i], state), 1)), i
            yield state


class Trunk(nn.Module):
    """A convolution and residual blocks: (B, 2C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(channels, channels, 3, padding=1),
            )
            for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(x), 0.1)
        for block in self.blocks:
            x = x + block(x)
        return x
