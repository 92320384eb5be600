"""RRTN: recursive recurrent transformer network for old films, WACV 2024, after what its authors released."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.models._card import ModelCard
from degrade.models._chroma import luma
from degrade.models._deform import deform
from degrade.models._flow import flow_between, make_flow, warp, with_flow
from degrade.models._gates import noise_masks
from degrade.models._released import SPATIAL_BLOCK, ours
from degrade.models._swin import SpatialBlock
from degrade.models._weights import State, load, read_state
from degrade.models.base import Flows, RestorationModel, Restored

MOST_PASSES = 4
SETTLED = 43.0
"""dB between what the second network takes and gives, from which on it is not called again."""


class RRTN(RestorationModel):
    """States are carried through the clip four times, back and forth and again, each aligned by a deformable
    convolution with the two before it and refined by RTN's attention. In place of RTN's gate it is shown a mask that
    is computed: where a frame disagrees with both aligned neighbours.

    It runs on luma, as its authors' does on grey film; what changes there is added to every channel, so colour stays.

    Args:
        channels: Of a state; a multiple of 8.
        dim: Of the attention, at half resolution.
        groups: Residual groups of two Swin blocks.
        heads: Of the attention.
        recursive: A second network goes on with what the first has made, clip by clip, until it changes little
            (`SETTLED`), at most `MOST_PASSES` in all. Where it is trained, the first is not, and each works once; its
            authors' second network starts from the damage instead, and is also trained on its own result.
        flow: `dis` (needs no weights) or `raft` (as its authors; frozen).
        flow_weights: Weights of RAFT, where the checkpoint holds none.
        second_weights: Those of the second network; of the checkpoint's if it holds them.

    A checkpoint released by the authors is loaded as it is; its RAFT is used if `flow` is `raft`.
    """

    card = ModelCard(
        summary="recursive recurrent transformer with deformable alignment and a computed mask",
        source="RRTN, WACV 2024 (github.com/mountln/RRTN-old-film-restoration)",
        weights_licence="released weights: MIT (mountln, 2023)",
        parameters=2235809,
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
        recursive: bool = False,
        flow: str = "dis",
        flow_weights: str | Path | None = None,
        second_weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.flow, self.unshifted = make_flow(flow, flow_weights), flow == "raft"
        self.first = Network(channels, dim, groups, heads)
        self.second = Network(channels, dim, groups, heads) if recursive else None
        if self.second is not None:
            self.first.requires_grad_(False)
            if second_weights is not None:
                state = self.convert(read_state(second_weights)).items()
                own = {name.removeprefix("first."): value for name, value in state if name.startswith("first.")}
                load(self.second, own, second_weights)
        self.to(memory_format=torch.channels_last)

    def convert(self, state: State) -> State:
        """Weights of either network as the authors released them, under the names of our first."""
        return ours(state, "feat_extract.conv_resblock.0.weight", RELEASED)

    def adapt(self, state: State) -> State:
        own = {} if self.second is None else {f"second.{name}": v for name, v in self.second.state_dict().items()}
        if not own or not any(name.startswith("second.") for name in state):
            state = {**{name: value for name, value in state.items() if not name.startswith("second.")}, **own}
        return with_flow(state, self.flow)

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        grey = luma(frames)
        x = 2 * grey - 1
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.second is None):
            restored, masks = self.once(self.first, x, flows)
        if self.second is not None:
            restored = self.again(self.second, restored, flows)
        return Restored(frames + (restored - x) / 2, masks.clamp_max(2) / 2)

    def again(self, network: "Network", x: Tensor, flows: Flows | None) -> Tensor:
        """A clip (B, T, 1, H, W) in [−1, 1] through the second network, as often as each of the batch needs it."""
        going = x.new_ones(len(x), dtype=torch.bool)
        for _ in range(1 if self.training else MOST_PASSES - 1):
            x = x.clamp(-1, 1)
            made, _ = self.once(network, x, flows)
            error = ((made - x) / 2).square().mean((2, 3, 4)).clamp_min(1e-10)
            x = torch.where(going.view(-1, 1, 1, 1, 1), made, x)
            going = going & (-10 * error.log10().mean(1) < SETTLED)
            if not going.any():
                break
        return x

    def once(self, network: "Network", x: Tensor, flows: Flows | None) -> tuple[Tensor, Tensor]:
        """A clip (B, T, 1, H, W) in [−1, 1] through a network, and its noise masks, in [0, 2]."""
        ends: dict[tuple[int, int], Tensor] = {}
        length = x.shape[1]
        if flows is None:
            flows = self.estimate(x)
            if length > 2:
                # For the neighbour that is missing at either end: from the first frame to the third, and the mirror.
                forward, backward = self.estimate(torch.cat((x[:, [0, 2]], x[:, [-3, -1]])))
                ends = {(0, 2): backward[: len(x), 0], (length - 1, length - 3): forward[len(x) :, 0]}
        known = flows
        masks = noise_masks(x, lambda t, s: ends[t, s] if (t, s) in ends else flow_between(t, s, *known))
        return network(x, masks, flows), masks

    def estimate(self, x: Tensor) -> Flows:
        """Flow of a clip (B, T, 1, H, W) in [−1, 1]; the authors give RAFT these values times 255 as they are."""
        x = x.expand(-1, -1, 3, -1, -1)
        estimated: Flows = self.flow(x if self.unshifted else (x + 1) / 2)
        return estimated


PASSES = ("backward_1", "forward_1", "backward_2", "forward_2")


class Network(nn.Module):
    """A clip (B, T, 1, H, W), its masks and flows to the restored clip."""

    def __init__(self, channels: int, dim: int, groups: int, heads: int) -> None:
        super().__init__()
        self.features = residual_blocks(2, channels)
        self.align = nn.ModuleDict({name: Align(channels) for name in PASSES})
        self.blocks = nn.ModuleDict(
            {name: SpatialBlock((2 + i) * channels, dim, groups, heads, channels) for i, name in enumerate(PASSES)}
        )
        self.gather = residual_blocks(5 * channels, channels)
        layers = [part for _ in range(3) for part in (nn.Conv2d(channels, channels, 3, padding=1), nn.LeakyReLU(0.1))]
        self.decoder = nn.Sequential(*layers, nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, x: Tensor, masks: Tensor, flows: Flows) -> Tensor:
        forward, backward = flows
        # Of each frame: its feature, and its state after each pass.
        known = [[self.features(torch.cat(both, 1))] for both in zip(x.unbind(1), masks.unbind(1), strict=True)]
        for name in PASSES:
            back = name.startswith("backward")
            order = range(len(known))[::-1] if back else range(len(known))
            states = list(self.sweep(name, known, backward if back else forward, order))
            for i, state in zip(order, states, strict=True):
                known[i].append(state)
        changes = [self.decoder(self.gather(torch.cat(parts, 1))) for parts in known]
        return x + torch.stack(changes, 1)

    def sweep(self, name: str, known: list[list[Tensor]], flow: Tensor, order: Sequence[int]) -> Iterator[Tensor]:
        """State of each frame, in `order`."""
        align, block = self.align[name], self.blocks[name]
        nothing = torch.zeros_like(known[0][0])
        states: list[Tensor] = []
        step: Tensor | None = None  # flow from the frame before to that before it
        for i, previous in zip(order, (None, *order[:-1]), strict=True):
            state = nothing
            if previous is not None:
                near = flow[:, min(i, previous)]
                if step is None:
                    far, older, arrived = torch.zeros_like(near), nothing, nothing
                else:
                    far, older = near + warp(step, near), states[-2]
                    arrived = warp(older, far)
                clues = torch.cat((warp(states[-1], near), known[i][0], arrived), 1)
                state, step = align(torch.cat((states[-1], older), 1), clues, near, far), near
            state = state + block(torch.cat((*known[i], state), 1))
            states.append(state)
            yield state


class Align(nn.Module):
    """Brings the states of the two frames before to a frame: a deformable convolution along both flows."""

    GROUPS = 16
    REACH = 10.0
    """Greatest offset from the flow, pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        like = nn.Conv2d(2 * channels, channels, 3)
        assert like.bias is not None
        self.weight, self.bias = like.weight, like.bias
        last = nn.Conv2d(channels, 27 * self.GROUPS, 3, padding=1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        widths = (3 * channels + 4, channels, channels)
        layers = [part for n in widths for part in (nn.Conv2d(n, channels, 3, padding=1), nn.LeakyReLU(0.1))]
        self.conv_offset = nn.Sequential(*layers, last)

    def forward(self, states: Tensor, clues: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """`states` (B, 2C, H, W), not aligned, the nearer first; `clues` (B, 3C, H, W), aligned."""
        hidden = self.conv_offset[:-1](torch.cat((clues, near.to(clues), far.to(clues)), 1))
        last = self.conv_offset[-1]
        assert isinstance(last, nn.Conv2d)
        weight, bias = last.weight, last.bias
        assert bias is not None
        # Of each group, y first: half of them look along one flow, half along the other.
        flow = torch.stack((near, far), 1).flip(2).repeat_interleave(self.GROUPS // 2, 1)

        def said(first: int, stop: int) -> Tensor:
            # In order, as the sampling reads it, where channels last would cost a copy.
            return F.conv2d(hidden, weight[first:stop], bias[first:stop], padding=1).contiguous()

        def sampling(some: slice) -> tuple[Tensor, Tensor]:
            first, stop, _ = some.indices(self.GROUPS)
            offset = self.REACH * torch.tanh(said(18 * first, 18 * stop)).unflatten(1, (-1, 9, 2))
            factor = torch.sigmoid(said(9 * (2 * self.GROUPS + first), 9 * (2 * self.GROUPS + stop)))
            return (offset + flow[:, some, None]).flatten(1, 3), factor

        return deform(states.contiguous(), sampling, self.GROUPS, self.weight, self.bias)


class Residual(nn.Module):
    """Two convolutions, added to what comes in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


def residual_blocks(inputs: int, channels: int) -> nn.Sequential:
    """A convolution and five residual blocks."""
    blocks = nn.Sequential(*[Residual(channels) for _ in range(5)])
    return nn.Sequential(nn.Conv2d(inputs, channels, 3, padding=1), nn.LeakyReLU(0.1), blocks)


RELEASED = (
    (r"^feat_extract\.conv_resblock\.", "first.features."),
    (r"^deform_align\.", "first.align."),
    (r"^backbone\.", "first.blocks."),
    (r"^reconstruction\.conv_resblock\.", "first.gather."),
    (r"^upsample1\.up_conv\.", "first.decoder.0."),
    (r"^upsample2\.up_conv\.", "first.decoder.2."),
    (r"^conv_hr\.", "first.decoder.4."),
    (r"^conv_last\.", "first.decoder.6."),
    *SPATIAL_BLOCK,
)
