"""Optical flow between the frames of a clip, and warping by it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.core.errors import SourceError, SpecError, unknown
from degrade.core.flow import dis_flow
from degrade.models._chroma import luma
from degrade.models._weights import NO_FLOW_WEIGHTS, State
from degrade.models.base import Flows

ESTIMATORS = ("dis", "raft")


def make_flow(name: str, weights: str | Path | None = None) -> nn.Module:
    """An estimator: called with frames (B, T, 3, H, W) in [0, 1] it returns `Flows`.

    Args:
        name: `dis` (OpenCV, no weights) or `raft`.
        weights: Of RAFT, in the layout of its authors or of torchvision.
    """
    if name == "raft":
        from degrade.models._raft import Raft

        return Raft(weights)
    if name != "dis":
        raise SpecError(unknown("flow", name, ESTIMATORS))
    if weights is not None:
        raise SpecError("flow 'dis' takes no weights; did you mean flow 'raft'?")
    return DIS()


def with_flow(state: State, flow: nn.Module) -> State:
    """The weights of a model, with those of its part `flow` as that estimator needs them.

    A checkpoint made with another flow loses the weights of that; one without RAFT keeps the RAFT that the
    model was built with.
    """
    own = {f"flow.{name}": value for name, value in flow.state_dict().items()}
    if own and any(name.startswith("flow.") for name in state):
        return state
    if own and not flow.loaded:
        raise SourceError(NO_FLOW_WEIGHTS)
    return {**{name: value for name, value in state.items() if not name.startswith("flow.")}, **own}


class DIS(nn.Module):
    """`dis_flow` between all neighbours of a clip, on the CPU."""

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Flows:
        batch, length, _, height, width = frames.shape
        forward, backward = (frames.new_zeros(batch, length - 1, 2, height, width).float() for _ in range(2))
        for b, clip in enumerate(frames):
            grey = to_grey(clip)
            for i in range(length - 1):
                for flow, here, there in ((forward, i + 1, i), (backward, i, i + 1)):
                    flow[b, i] = torch.from_numpy(dis_flow(grey[here], grey[there])).permute(2, 0, 1)
        return forward, backward


def to_grey(frames: Tensor) -> np.ndarray:
    """(T, 3, H, W) in [0, 1] -> (T, H, W) uint8, the luma of BT.601."""
    return (luma(frames.float())[:, 0] * 255).round().clamp(0, 255).byte().cpu().numpy()


def neighbours(t: int, length: int) -> tuple[int, int]:
    """The frames before and after; at an end of the clip the nearest on the one side, as far as there are any."""
    before, after = (t - 1, t + 1) if 0 < t < length - 1 else ((1, 2) if t == 0 else (t - 1, t - 2))
    return max(min(before, length - 1), 0), max(min(after, length - 1), 0)


def flow_between(t: int, s: int, forward: Tensor, backward: Tensor) -> Tensor:
    """Flow (B, 2, H, W) from frame t to frame s, composed of the steps between."""
    step = 1 if s > t else -1
    flow = forward.new_zeros(forward.shape[0], *forward.shape[2:])
    for i in range(t, s, step):
        onward = backward[:, i] if step > 0 else forward[:, i - 1]
        flow = flow + (warp(onward, flow, "border") if i != t else onward)
    return flow


def warp(x: Tensor, flow: Tensor, padding: str = "zeros", mode: str = "bilinear") -> Tensor:
    """What `flow` (B, 2, H, W), pixels, points to in `x` (B, C, H, W); outside the frame: `padding`.

    `bilinear` softens what it moves by parts of a pixel; `bicubic` next to nothing, and may overshoot.
    """
    height, width = x.shape[-2:]
    dtype = torch.promote_types(x.dtype, torch.float32)  # half precision would move pixels
    ys = torch.arange(height, device=x.device, dtype=dtype)
    xs = torch.arange(width, device=x.device, dtype=dtype)
    flow = flow.to(dtype)
    grid = torch.stack(
        (
            2 * (xs + flow[:, 0]) / max(width - 1, 1) - 1,
            2 * (ys[:, None] + flow[:, 1]) / max(height - 1, 1) - 1,
        ),
        dim=-1,
    )
    return F.grid_sample(x.to(dtype), grid, mode, padding, align_corners=True).to(x.dtype)


FlowBetween = Callable[[int, int], Tensor]
"""Flow (B, 2, H, W), pixels, from one frame of a clip to another."""


def along(flows: Flows) -> FlowBetween:
    """From neighbour to neighbour."""
    return lambda t, s: flow_between(t, s, *flows)


def aligned_neighbours(
    grey: Tensor, t: int, flow: FlowBetween, padding: str = "zeros", mode: str = "bilinear"
) -> list[Tensor]:
    """Both neighbours of frame t, see `warp`; at an end of the clip the next but one stands in for what is missing."""
    return [warp(grey[:, s], flow(t, s), padding, mode) for s in neighbours(t, grey.shape[1])]
