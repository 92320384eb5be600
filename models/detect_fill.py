"""Detect, then fill, learnt: the class of E2FGVI and ProPainter, at a size for films on a CPU.

Sources: the detector sees what SDIp and ROD compare (Kokaram, "Motion Picture Restoration", Springer, 1998), as a
U-Net; propagation along the flow without parameters as in Zhou, Li, Chan, Loy, "ProPainter", ICCV 2023 (arXiv
2309.03897); holes in the flow and in single frames by push-pull (Gortler et al., "The Lumigraph", SIGGRAPH 1996).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from degrade.models._card import ModelCard
from degrade.models._flow import flow_between, make_flow, neighbours, warp, with_flow
from degrade.models._hourglass import Hourglass
from degrade.models.base import Flows, RestorationModel, Restored, luma


class DetectFill(RestorationModel):
    """Finds what is in one frame only, and fills it from the frames before and after along the flow.

    A detector compares each frame with both aligned neighbours. Sound pixels are then carried through the clip in both
    directions, over the defects, and a second network mixes what arrives with what lies around. The mixture is pasted
    through the mask: what the detector takes for sound stays as it is, bit for bit. Both networks see luma, and
    colour is mixed as luma is, so weights that were trained on grey films serve for colour.

    Args:
        widths: Channels of the detector on each level.
        fusion: Those of the network that mixes.
        flow: `dis` (needs no weights) or `raft`.
        flow_weights: Weights of RAFT.
    """

    card = ModelCard(
        summary="detector of defects, propagation along the flow, learnt fusion",
        source="after ProPainter (arXiv 2309.03897) and SDIp (Kokaram, 1998)",
        parameters=329718,
        multiple=8,
        window=20,
        overlap=8,
        flow=True,
        masks=True,
    )

    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 48, 64),
        fusion: tuple[int, ...] = (16, 32, 48),
        flow: str = "dis",
        flow_weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.flow = make_flow(flow, flow_weights)
        self.detector = Hourglass(len(CLUES), 1, tuple(widths))
        self.fusion = Hourglass(7, 5, tuple(fusion))
        self.to(memory_format=torch.channels_last)

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return with_flow(state, self.flow)

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        forward, backward = self.flow(frames) if flows is None else flows
        masks = self.find(frames, forward, backward)
        return Restored(self.fill(frames, masks, forward, backward), masks)

    def find(self, frames: Tensor, forward: Tensor, backward: Tensor) -> Tensor:
        """Where damage is, (B, T, 1, H, W): its probability."""
        grey = luma(frames)
        clues = torch.stack([self._clues(grey, t, forward, backward) for t in range(grey.shape[1])], 1)
        spike = clues[:, :, -2:].amax(2, keepdim=True)
        found = self.detector(clues.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        return torch.sigmoid(found.unflatten(0, frames.shape[:2]) + STEEPNESS * (spike - THRESHOLD))

    def _clues(self, grey: Tensor, t: int, forward: Tensor, backward: Tensor) -> Tensor:
        """What the detector sees of a frame, (B, 7, H, W), see `CLUES`."""
        here = grey[:, t]
        near, inside = [], torch.ones_like(here)
        for s in neighbours(t, grey.shape[1]):
            flow = flow_between(t, s, forward, backward)
            near.append(matched(warp(grey[:, s], flow, "border"), here))
            inside = inside * warp(torch.ones_like(here), flow)
        a, b = near
        above = (here - torch.maximum(highest(a), highest(b))).clamp_min(0) * inside
        below = (torch.minimum(-highest(-a), -highest(-b)) - here).clamp_min(0) * inside
        return torch.cat((here, a, b, here - a, here - b, above, below), 1)

    def fill(self, frames: Tensor, masks: Tensor, forward: Tensor, backward: Tensor) -> Tensor:
        """The frames with what `masks` (B, T, 1, H, W) mark replaced; nothing else changes.

        No gradient goes through the masks: the detector would learn to leave alone what cannot be filled yet.
        """
        length, holes = frames.shape[1], masks.detach()
        past = list(sweep(frames, holes, forward, range(length)))
        later = list(sweep(frames, holes, backward, range(length)[::-1]))[::-1]
        (a, sound_a), (b, sound_b) = (
            [torch.stack(parts, 1) for parts in zip(*way, strict=True)] for way in (past, later)
        )
        around = push_pull(frames.flatten(0, 1), (1 - grown(holes)).flatten(0, 1)).view_as(frames)
        seen = torch.cat([luma(x) for x in (frames, a, b, around)] + [holes, sound_a, sound_b], 2)
        said = self.fusion(seen.flatten(0, 1).contiguous(memory_format=torch.channels_last)).unflatten(
            0, frames.shape[:2]
        )
        trust = torch.cat((sound_a, sound_b, torch.full_like(holes, FAINT), torch.full_like(holes, FAINT)), 2)
        shares = torch.softmax(said[:, :, :4] + torch.log(trust + FAINT / 4), 2)
        mixed = sum(shares[:, :, i : i + 1] * x for i, x in enumerate((a, b, around, frames))) + said[:, :, 4:]
        return torch.lerp(frames, mixed, ((holes - SOUND) / (1 - SOUND)).clamp_min(0))


CLUES = ("frame", "before", "after", "frame - before", "frame - after", "above both", "below both")
"""What the detector sees, luma: the frame, its aligned neighbours, and how far it lies outside the range of both, where
both are inside the frame."""
SOUND = 0.1
"""Up to this probability of damage a pixel stays as it is."""
STEEPNESS, THRESHOLD = 60.0, 0.06
"""Of the mask over how far (of 1) a pixel stands out, where the detector has nothing to add."""
FAINT = 0.05
"""How much what lies around a defect, and the defect itself, are trusted at first; sound pixels are trusted by 1."""


def sweep(frames: Tensor, masks: Tensor, flow: Tensor, order: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """What arrives at each frame, in `order`, of those before it: pixels (B, 3, H, W), and how sound they are, 0 to 1.

    Sound pixels are carried on; what a mask covers is replaced by what has arrived.
    """
    carried: Tensor | None = None
    for i, previous in zip(order, (None, *order[:-1]), strict=True):
        frame, mask = frames[:, i], masks[:, i]
        if carried is None or previous is None:
            arrived, sound = frame, torch.zeros_like(mask)
        else:
            field = flow[:, min(i, previous)]
            onward = push_pull(field, 1 - grown(mask).to(field))
            arrived = warp(carried, onward, "border")
            arrived, sound = arrived[:, :-1], arrived[:, -1:] * warp(torch.ones_like(mask), onward)
            arrived = matched(arrived, frame, sound * (1 - mask))
        carried = torch.cat((torch.lerp(frame, arrived, mask), 1 - mask + FADE * mask * sound), 1)
        yield arrived, sound


FADE = 0.9
"""What is left of the trust in a pixel for each defect that it was carried over."""


def push_pull(x: Tensor, valid: Tensor) -> Tensor:
    """`x` (B, C, H, W), where it is not valid (B, 1, H, W) smoothly continued from where it is."""
    if min(x.shape[-2:]) < 2:
        return x
    weight = F.avg_pool2d(valid, 2, ceil_mode=True)
    coarse = F.avg_pool2d(x * valid, 2, ceil_mode=True) / weight.clamp_min(1e-6)
    coarse = push_pull(coarse, (4 * weight).clamp_max(1))
    return torch.lerp(F.interpolate(coarse, size=x.shape[-2:], mode="bilinear"), x, valid)


def matched(x: Tensor, like: Tensor, weight: Tensor | None = None) -> Tensor:
    """`x` as bright as `like` in the mean, channel by channel: flicker is no damage."""
    if weight is None:
        return x + (like - x).mean((-2, -1), keepdim=True)
    total = weight.sum((-2, -1), keepdim=True)
    return x + ((like - x) * weight).sum((-2, -1), keepdim=True) / total.clamp_min(1)


def highest(x: Tensor) -> Tensor:
    """The greatest of the 3×3 around each pixel."""
    return F.max_pool2d(x, 3, 1, 1)


def grown(masks: Tensor) -> Tensor:
    """Masks (..., 1, H, W) by one pixel larger."""
    return highest(masks.flatten(0, -4)).view_as(masks)
