"""Colours carried along the optical flow from key frames, and spread where the flow fails.

Sources: dense inverse search (Kroeger et al., ECCV 2016) for the flow; forward–backward consistency as Lai et al.,
ECCV 2018, have it; Levin, Lischinski, Weiss, "Colorization using Optimization", SIGGRAPH 2004, for what is left.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from degrade.core.flow import dis_flow
from degrade.models._card import ModelCard
from degrade.models._colorization import ColorizationModel
from degrade.models._flow import warp
from degrade.models._levin import spread


class Reached(NamedTuple):
    """What a key frame gives to another frame."""

    color: Tensor
    """(2, H, W)."""
    trust: Tensor
    """(H, W), 0 where the flow cannot be relied on."""


class Chain(NamedTuple):
    """The way from a frame back to a key frame, composed of the steps between."""

    flow: Tensor
    """(1, 2, H, W), pixels."""
    sound: Tensor
    """(1, 1, H, W), 1 where every step was consistent, 0 where one was not."""


class FlowPropagation(ColorizationModel):
    """From the nearest key frame before a frame and from the one after it, a and b along the flow between neighbours.

    The steps of the flow are composed and the key frame is sampled once: colours warped again and again wash out.
    Where a step is inconsistent with the way back, leaves the frame or ends at another lightness, nothing is carried;
    there, colours spread from around, along surfaces of like lightness. Grey without key frames.

    Args:
        tolerance: Difference of lightness at which a carried colour counts for exp(−1/2).
    """

    card = ModelCard(
        summary="key frames along composed flows both ways, spread by lightness where these fail",
        source="DIS (Kroeger et al., ECCV 2016), consistency (Lai et al., ECCV 2018), fill-in (Levin et al., 2004)",
        kind="colorization",
        window=48,
        overlap=16,
        key_frames=True,
        carries=True,
    )

    def __init__(self, tolerance: float = 8.0) -> None:
        super().__init__()
        self.tolerance = tolerance

    @torch.no_grad()
    def colorize(self, lightness: Tensor, keys: Mapping[int, Tensor], pictures: Sequence[Tensor]) -> Tensor:
        if not keys:
            return lightness.new_zeros(*lightness.shape[:2], 2, *lightness.shape[3:])
        clips = [self._clip(clip, {t: lab[b] for t, lab in keys.items()}) for b, clip in enumerate(lightness.cpu())]
        return torch.stack(clips).to(lightness)

    def _clip(self, clip: Tensor, keys: Mapping[int, Tensor]) -> Tensor:
        """(T, 1, H, W) to (T, 2, H, W)."""
        keys = {time: lab.cpu().float() for time, lab in keys.items()}
        length = len(clip)
        reached: list[list[tuple[int, Reached]]] = [[] for _ in range(length)]
        for order in (range(length), range(length)[::-1]):
            for t, (distance, found) in self._sweep(clip, keys, order).items():
                reached[t].append((distance, found))
        frames = [keys[t][1:] if t in keys else _blended(both, clip[t, 0]) for t, both in enumerate(reached)]
        return torch.stack(frames)

    def _sweep(self, clip: Tensor, keys: Mapping[int, Tensor], order: range) -> dict[int, tuple[int, Reached]]:
        """What each frame gets from the key frame last passed, and how many frames ago that was."""
        step = order.step
        outside = [time for time in keys if (order[0] - time) * step > 0]
        source = max(outside, key=lambda time: time * step, default=None)
        given: dict[int, tuple[int, Reached]] = {}
        chain: Chain | None = None
        for t in order:
            if t in keys:
                source, chain = t, None
                continue
            if source is None:
                continue
            key = keys[source]
            beyond = chain is None and source not in range(len(clip))
            chain = _longer(chain, clip[t], key[:1] if beyond else clip[t - step])
            lab = warp(key[None], chain.flow, "border")[0]
            match = torch.exp(-((lab[0] - clip[t, 0]) ** 2) / (2 * self.tolerance**2))
            given[t] = (abs(t - source), Reached(lab[1:], chain.sound[0, 0] * match))
        return given


def _longer(chain: Chain | None, here: Tensor, before: Tensor) -> Chain:
    """A chain that ended at the frame before, led on to this one."""
    onward, back = _flow(here, before), _flow(before, here)
    sound = 1 - _inconsistent(onward, warp(back, onward, "border"))
    if chain is None:
        return Chain(onward, sound)
    known = (warp(chain.sound, onward) > 0.99).to(sound)
    return Chain(onward + warp(chain.flow, onward, "border"), sound * known)


def _flow(here: Tensor, there: Tensor) -> Tensor:
    """(1, 2, H, W) from lightness (1, H, W) to lightness."""
    a, b = (np.rint(x[0].numpy() * 2.55).clip(0, 255).astype(np.uint8) for x in (here, there))
    return torch.from_numpy(dis_flow(a, b)).permute(2, 0, 1)[None]


def _inconsistent(onward: Tensor, back: Tensor) -> Tensor:
    """(1, 1, H, W): 1 where the way back does not end where the way there began, or lies outside the frame."""
    gap, size = (x.square().sum(1, keepdim=True) for x in (onward + back, torch.cat((onward, back), 1)))
    inside = warp(torch.ones_like(gap), onward)
    return ((gap > 0.01 * size + 0.5) | (inside < 0.99)).float()


def _blended(reached: Sequence[tuple[int, Reached]], lightness: Tensor) -> Tensor:
    """(2, H, W) of a frame from what reaches it: weighed by trust and nearness, spread where there is none."""
    if not reached:
        return lightness.new_zeros(2, *lightness.shape)
    near = [found.trust / distance for distance, found in reached]
    total = torch.stack(near).sum(0)
    color = sum(w * found.color for w, (_, found) in zip(near, reached, strict=True)) / total.clamp_min(1e-6)
    known = torch.stack([found.trust for _, found in reached]).amax(0) > 0.5
    if not known.any():
        return min(reached, key=lambda one: one[0])[1].color
    spread_out = spread(color.permute(1, 2, 0).numpy(), known.numpy(), lightness.numpy())
    return torch.from_numpy(spread_out).permute(2, 0, 1)
