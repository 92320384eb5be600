"""RTN: "Bringing Old Films Back to Life", Wan, Zhang, Chen, Liao, CVPR 2022 (arXiv 2203.17276)."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.models import losses
from degrade.models._card import ModelCard
from degrade.models._concurrency import run_concurrently
from degrade.models._flow import make_flow, warp, with_flow
from degrade.models._init_weights import init_decoder, init_pass
from degrade.models._raft import to_torchvision
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
        flow: `dis` (needs no weights) or `raft` (as its authors; frozen).
        flow_weights: Weights of RAFT, where the checkpoint holds none.

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
        flow: str = "dis",
        flow_weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.flow = make_flow(flow, flow_weights)
        self.backward_gate, self.forward_gate = Gate(channels), Gate(channels)
        self.backward_block = SpatialBlock(channels, dim, groups, heads)
        self.forward_block = SpatialBlock(channels, dim, groups, heads)
        widths = (2 * channels, *[channels] * 4)
        layers = [nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths)]
        self.decoder = nn.Sequential(*[part for layer in layers for part in (layer, nn.LeakyReLU(0.1))])
        self.decoder.append(nn.Conv2d(channels, 3, 3, padding=1))
        for gate, block in ((self.backward_gate, self.backward_block), (self.forward_gate, self.forward_block)):
            init_pass(gate.project, gate.first, gate.last, block)
        init_decoder(self.decoder)
        self.to(memory_format=torch.channels_last)  # twice as fast on the CPU

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        forward, backward = self.flow(frames) if flows is None else flows
        x = 2 * frames - 1
        length = x.shape[1]
        later, earlier = run_concurrently(
            x.device,
            lambda: list(self.sweep(x, backward, range(length)[::-1], self.backward_gate, self.backward_block))[::-1],
            lambda: list(self.sweep(x, forward, range(length), self.forward_gate, self.forward_block)),
        )
        pairs = list(zip(later, earlier, x.unbind(1), strict=True))

        def decode(part: slice) -> list[Tensor]:
            states = ((torch.cat((after, before), 1), frame) for (after, _), (before, _), frame in pairs[part])
            return [torch.tanh(self.decoder(both) + frame) for both, frame in states]

        half = length // 2
        halves = run_concurrently(x.device, lambda: decode(slice(half)), lambda: decode(slice(half, None)))
        masks = [mean_mask(a, b, frame) for (_, a), (_, b), frame in pairs]
        return Restored((torch.stack([*halves[0], *halves[1]], 1) + 1) / 2, torch.stack(masks, 1))

    def sweep(
        self, x: Tensor, flow: Tensor, order: Sequence[int], gate: "Gate", block: SpatialBlock
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """State and mask of each frame of `x`, in `order`; the first frame has no mask."""
        state, previous = None, order[0]
        for i in order:
            mixed, mask = gate(x[:, i], x[:, previous], state, flow[:, min(i, previous)] if i != previous else None)
            state, previous = block(mixed), i
            yield state, mask

    def mask_loss(self, found: Tensor, alpha: Tensor) -> Tensor:
        return losses.gate(found, alpha)

    def convert(self, state: State) -> State:
        """Weights as the authors released them, under our names."""
        if "concate.weight" in state:
            spynet = {n.removeprefix("spynet."): value for n, value in state.items() if n.startswith("spynet.")}
            flow = {f"flow.net.{name}": value for name, value in to_torchvision(spynet).items()}
            derived = ("attn_mask", "relative_position_index")
            rest = {n: v for n, v in state.items() if not n.startswith("spynet.") and not n.endswith(derived)}
            state = {**{ours(name): value for name, value in rest.items()}, **flow}
        return state

    def adapt(self, state: State) -> State:
        return with_flow(state, self.flow)


class Gate(nn.Module):
    """Mixes the warped state with the frame: where the frame disagrees with its neighbour, the state stays."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, channels, 3, padding=1)
        self.first = nn.Conv2d(2 * channels + 1, channels // 2, 3, padding=1)
        self.last = nn.Conv2d(channels // 2, 1, 3, padding=1)

    def forward(
        self, frame: Tensor, neighbour: Tensor, state: Tensor | None, flow: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        new = self.project(frame)
        if state is None or flow is None:
            return new, None
        warped = warp(torch.cat((state, neighbour[:, :1].to(state.dtype)), 1), flow)
        residual = (warped[:, -1:] - frame[:, :1]).abs()
        state = warped[:, :-1].contiguous(memory_format=torch.channels_last)
        # Joined along the last axis of (B, H, W, C), so that the convolution need not rearrange them.
        joined = torch.cat([part.permute(0, 2, 3, 1) for part in (state, new, residual)], 3).permute(0, 3, 1, 2)
        mask = torch.sigmoid(self.last(F.leaky_relu(self.first(joined), 0.2)))
        return torch.lerp(new, state, mask), mask


def mean_mask(a: Tensor | None, b: Tensor | None, like: Tensor) -> Tensor:
    """Mean of the masks of both passes; the first frame of a pass has none, a single frame none at all."""
    there = [mask for mask in (a, b) if mask is not None]
    return torch.stack(there).mean(0) if there else torch.zeros_like(like[:, :1])


def ours(name: str) -> str:
    """The name of a released tensor in this file."""
    for pattern, replacement in RELEASED:
        name = re.sub(pattern, replacement, name)
    return name


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
    (r"\.conv_first\.", ".first."),
    (r"\.conv_second\.", ".down."),
    (r"\.patch_embed\.norm\.", ".embed."),
    (r"\.layers\.(\d)\.", r".groups.\1."),
    (r"\.residual_group\.", "."),
    (r"\.attn\.relative_position", ".position.relative_position"),
    (r"\.attn\.", "."),
    (r"\.conv_after_body\.", ".after."),
    (r"\.conv_before_upsample\.0\.", ".before_up."),
    (r"\.conv_up1\.", ".up."),
    (r"\.conv_last\.", ".last."),
)
