"""RTN: "Bringing Old Films Back to Life", Wan, Zhang, Chen, Liao, CVPR 2022 (arXiv 2203.17276)."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from degrade.core.errors import SpecError, unknown
from degrade.models import losses
from degrade.models._card import ModelCard
from degrade.models._concurrency import run_concurrently
from degrade.models._flow import make_flow, with_flow
from degrade.models._gates import GATES, Before, Residual
from degrade.models._init_weights import init_decoder, init_pass
from degrade.models._released import SPATIAL_BLOCK, ours
from degrade.models._restraint import either, restrained
from degrade.models._swin import SpatialBlock
from degrade.models._weights import State
from degrade.models.base import Flows, RestorationModel, Restored


class RTN(RestorationModel):
    """A state is carried backward and then forward through the clip, warped along the flow, mixed with each
    frame by a learned gate (which finds the defects without labels), and refined by attention in windows.

    Args:
        channels: Of the state.
        dim: Of the attention, at half resolution.
        groups: Residual groups of two Swin blocks.
        heads: Of the attention.
        gate: `residual` (as its authors), `two_sided`, `wavelet` or `carried`: what tells it a defect.
        flow: `dis` (needs no weights) or `raft` (as its authors; frozen).
        flow_weights: Weights of RAFT, where the checkpoint holds none.
        restrained: Whether it leaves alone what does not stand out from both neighbours, movement that the flow has
            missed and most of the grain, and takes away all of what plainly does; the mask of a trained model then
            covers what stands out, too. Not part of the paper.
        grain: Where it is restrained, by how many standard deviations of a frame's grain any pixel may change; up to 1,
            also how far what is still becomes its median over time.

    A checkpoint released by the authors is loaded as it is; its RAFT is used if `flow` is `raft`.
    """

    card = ModelCard(
        summary="recurrent transformer with a learned defect mask",
        source="Wan et al., Bringing Old Films Back to Life, CVPR 2022 (arXiv 2203.17276)",
        weights_licence="released weights: academic research use only",
        parameters=921205,
        multiple=16,
        window=20,
        overlap=8,
        flow=True,
        masks=True,
    )

    def __init__(
        self,
        channels: int = 16,
        dim: int = 64,
        groups: int = 3,
        heads: int = 4,
        gate: str = "residual",
        flow: str = "dis",
        flow_weights: str | Path | None = None,
        restrained: bool = False,
        grain: float = 0.1,
    ) -> None:
        super().__init__()
        if gate not in GATES:
            raise SpecError(unknown("gate", gate, GATES))
        if not 0 <= grain < math.inf:
            raise SpecError(f"{grain}: must be 0 or more", "grain")
        self.restrained, self.grain, self.flow = restrained, grain, make_flow(flow, flow_weights)
        self.backward_gate, self.forward_gate = (GATES[gate](channels) for _ in range(2))
        self.backward_block = SpatialBlock(channels, dim, groups, heads)
        self.forward_block = SpatialBlock(channels, dim, groups, heads)
        widths = (2 * channels, *[channels] * 4)
        layers = [nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths)]
        self.decoder = nn.Sequential(*[part for layer in layers for part in (layer, nn.LeakyReLU(0.1))])
        self.decoder.append(nn.Conv2d(channels, 3, 3, padding=1))
        for part, block in ((self.backward_gate, self.backward_block), (self.forward_gate, self.forward_block)):
            init_pass(part.project, part.hidden(), part.last, block)
        init_decoder(self.decoder)
        self.to(memory_format=torch.channels_last)  # twice as fast on the CPU

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        forward, backward = self.flow(frames) if flows is None else flows
        x = 2 * frames - 1
        length, known = x.shape[1], self.forward_gate.survey(x, (forward, backward))
        gates, blocks = (self.backward_gate, self.forward_gate), (self.backward_block, self.forward_block)
        later, earlier = run_concurrently(
            x.device,
            lambda: list(sweep(x, known, backward, range(length)[::-1], gates[0], blocks[0]))[::-1],
            lambda: list(sweep(x, known, forward, range(length), gates[1], blocks[1])),
        )
        pairs = list(zip(later, earlier, x.unbind(1), strict=True))

        def decode(part: slice) -> list[Tensor]:
            states = ((torch.cat((after, before), 1), frame) for (after, _), (before, _), frame in pairs[part])
            return [torch.tanh(self.decoder(both) + frame) for both, frame in states]

        half = length // 2
        halves = run_concurrently(x.device, lambda: decode(slice(half)), lambda: decode(slice(half, None)))
        masks = torch.stack([mean_mask(a, b, frame) for (_, a), (_, b), frame in pairs], 1)
        restored = (torch.stack([*halves[0], *halves[1]], 1) + 1) / 2
        if self.restrained:
            restored, standing = restrained(restored, frames, (forward, backward), masks, self.grain)
            masks = masks if self.training else either(masks, standing)
        return Restored(restored, masks)

    def mask_loss(self, found: Tensor, alpha: Tensor) -> Tensor:
        return losses.gate(found, alpha)

    def convert(self, state: State) -> State:
        """Weights as the authors released them, under our names."""
        return ours(state, "concate.weight", RELEASED)

    def adapt(self, state: State) -> State:
        return with_flow(state, self.flow)


def sweep(
    x: Tensor,
    known: Sequence[Tensor | None],
    flow: Tensor,
    order: Sequence[int],
    gate: Residual,
    block: SpatialBlock,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """State and mask of each frame of `x`, in `order`; the first frame has no mask."""
    before: Before | None = None
    for i, following in zip(order, (*order[1:], None), strict=True):
        mixed, mask = gate(x[:, i], before, known[i])
        state = block(mixed)
        yield state, mask
        if following is not None:
            before = Before(x[:, i], state, mask, flow[:, min(i, following)])


def mean_mask(a: Tensor | None, b: Tensor | None, like: Tensor) -> Tensor:
    """Mean of the masks of both passes; the first frame of a pass has none, a single frame none at all."""
    there = [mask for mask in (a, b) if mask is not None]
    return torch.stack(there).mean(0) if there else torch.zeros_like(like[:, :1])


RELEASED = (
    (r"^(forward|backward)_resblocks\.", r"\1_block."),
    (r"^Forward_Aggregation\.", "forward_gate."),
    (r"^Backward_Aggregation\.", "backward_gate."),
    (r"^concate\.", "decoder.0."),
    (r"^up1\.up_conv\.", "decoder.2."),
    (r"^up2\.up_conv\.", "decoder.4."),
    (r"^conv_hr\.", "decoder.6."),
    (r"^conv_last\.", "decoder.8."),
    (r"\.conv2d_projection_head\.", ".project."),
    (r"\.conv2d_1\.", ".first."),
    (r"\.conv2d_2\.", ".last."),
    *SPATIAL_BLOCK,
)
