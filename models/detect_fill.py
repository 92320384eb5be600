"""Detect, then fill, learnt: the class of E2FGVI and ProPainter, at a size for films on a CPU.

Sources: the detector sees what SDIp and ROD compare (Kokaram, "Motion Picture Restoration", Springer, 1998), as a
U-Net; propagation along the flow without parameters as in Zhou, Li, Chan, Loy, "ProPainter", ICCV 2023 (arXiv
2309.03897); holes in the flow and in single frames by push-pull (Gortler et al., "The Lumigraph", SIGGRAPH 1996).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from degrade.core.errors import SpecError
from degrade.models._card import ModelCard
from degrade.models._chroma import between, grown, highest, luma, push_pull
from degrade.models._flow import flow_between, make_flow, neighbours, warp, with_flow
from degrade.models._hourglass import Hourglass
from degrade.models._restraint import around, either, matched, standing_out
from degrade.models.base import Flows, RestorationModel, Restored


class DetectFill(RestorationModel):
    """Finds what is in one frame only, and lines that stay, and fills it from the frames before and after.

    A detector compares each frame with both aligned neighbours, where these agree; what they say nothing of, as a line
    that stays where it is, it tells by its shape, once it has learnt to. Sound pixels are then carried along the flow
    in both directions, over the defects, and a second network mixes what arrives with what lies around. The mixture is
    pasted through the mask: what the detector takes for sound stays as it is, bit for bit. Both networks see luma, and
    colour is mixed as luma is, so weights that were trained on grey films serve for colour.

    Args:
        widths: Channels of the detector on each level.
        fusion: Those of the network that mixes.
        flow: `dis` (needs no weights) or `raft`.
        flow_weights: Weights of RAFT.
        threshold: Probability of damage, above 0, up to 1, from which on a pixel is replaced altogether; up to 0.3 of
            it, the pixel stays as it is. Low by default: a defect that is missed costs far more than a sound pixel
            that is made anew from its neighbours.
    """

    card = ModelCard(
        summary="detector of defects, propagation along the flow, learnt fusion",
        source="after ProPainter (arXiv 2309.03897) and SDIp (Kokaram, 1998)",
        parameters=329863,
        multiple=8,
        window=20,
        overlap=8,
        flow=True,
        masks=True,
        fills=True,
        luma=True,
    )

    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 48, 64),
        fusion: tuple[int, ...] = (16, 32, 48),
        flow: str = "dis",
        flow_weights: str | Path | None = None,
        threshold: float = 0.1,
    ) -> None:
        super().__init__()
        if not 0 < threshold <= 1:
            raise SpecError(f"threshold must lie above 0 and be 1 at most, got {threshold}", "threshold")
        self.threshold = threshold
        self.flow = make_flow(flow, flow_weights)
        self.detector = Detector(tuple(widths))
        self.fusion = Hourglass(7, 5, tuple(fusion))
        self.to(memory_format=torch.channels_last)

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return with_flow(state, self.flow)

    def restore(self, frames: Tensor, flows: Flows | None, masks: Tensor | None = None) -> Restored:
        flows = self.flow(frames) if flows is None else flows
        found = self.find(frames, flows) if masks is None or self.training else masks
        # No gradient goes through the masks: the detector would learn to leave alone what cannot be filled yet.
        holes = found.detach()
        if masks is None or self.training:
            holes = torch.maximum(holes, self.threshold * (grown(holes) > SURE).to(holes))
        if masks is not None:
            holes = torch.maximum(holes, masks)
        return Restored(self.fill(frames, holes, flows), found)

    def find(self, frames: Tensor, flows: Flows) -> Tensor:
        """Where damage is, (B, T, 1, H, W): its probability."""
        length, grey = frames.shape[1], luma(frames)
        near = [neighbours(t, length) for t in range(length)]
        before, after = (grey[:, [pair[i] for pair in near]].flatten(0, 1) for i in range(2))
        to_before, to_after = (
            torch.stack([flow_between(t, pair[i], *flows) for t, pair in enumerate(near)], 1).flatten(0, 1)
            for i in range(2)
        )
        return self.detector(grey.flatten(0, 1), before, after, to_before, to_after).unflatten(0, frames.shape[:2])

    def fill(self, frames: Tensor, holes: Tensor, flows: Flows) -> Tensor:
        """The frames with the holes (B, T, 1, H, W) filled; nothing else changes."""
        length, (forward, backward) = frames.shape[1], flows
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
        sound = SOUND * self.threshold
        return torch.lerp(frames, mixed, between(sound, holes, self.threshold))


class Detector(nn.Module):
    """Where a frame is damaged, seen beside its neighbours; a part that others can use alone (`export_detector`).

    Args:
        widths: Channels on each level.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.net = Hourglass(len(CLUES), 2, widths)

    def forward(self, frame: Tensor, before: Tensor, after: Tensor, to_before: Tensor, to_after: Tensor) -> Tensor:
        """The probability of damage, (B, 1, H, W).

        Args:
            frame: (B, 1, H, W), luma in [0, 1]; the sides are multiples of 8.
            before: The frame before it.
            after: The frame after it.
            to_before: Flow (B, 2, H, W), pixels, x first: from each pixel to where it lies in the frame before.
            to_after: The same for the frame after.
        """
        near, inside = [], torch.ones_like(frame)
        for other, flow in ((before, to_before), (after, to_after)):
            near.append(matched(warp(other, flow, "border"), frame))
            inside = inside * warp(torch.ones_like(frame), flow)
        a, b = near
        above = (frame - torch.maximum(highest(a), highest(b))).clamp_min(0) * inside
        below = (torch.minimum(-highest(-a), -highest(-b)) - frame).clamp_min(0) * inside
        clues = torch.cat((frame, a, b, frame - a, frame - b, above, below), 1)
        spike, shape = self.net(clues.contiguous(memory_format=torch.channels_last)).split(1, 1)
        spike = spike + STEEPNESS * (torch.maximum(above, below).clamp_max(2 * THRESHOLD) - THRESHOLD)
        return either(torch.sigmoid(spike) * trusted(frame, a, b), torch.sigmoid(shape - UNLIKELY))


def trusted(frame: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Where both aligned neighbours (B, 1, H, W) of a frame agree well enough to speak against it, as bool.

    The frame must be further from either than these are from each other, in the mean of 3×3 pixels; and where they
    differ all around, something moves that the flow has missed, and nobody knows what was there.
    """
    apart = (a - b).abs()
    still = around(apart, 31) < MOVING + apart.mean((1, 2, 3), keepdim=True)
    return (standing_out(frame, a, b) > 0) & still


CLUES = ("frame", "before", "after", "frame - before", "frame - after", "above both", "below both")
"""What the detector sees, luma: the frame, its aligned neighbours, and how far it lies outside the range of both, where
both are inside the frame."""
MOVING = 0.03
"""By how much (of 1) neighbours that are trusted differ from each other at most, in the mean of 31×31 pixels, beyond
what they do in the whole frame."""
SOUND = 0.3
"""Share of the threshold up to which a pixel stays as it is."""
SURE = 0.6
"""Probability of damage from which on the pixels around go, too: the rim of a defect is faint, but shows."""
STEEPNESS, THRESHOLD = 60.0, 0.06
"""Of the mask over how far (of 1) a pixel stands out, up to twice the threshold, where the detector has nothing to add.
What stands out further may as well be motion that the flow has missed."""
UNLIKELY = 8.0
"""Of the logit of damage by its shape alone: a network that has learnt nothing sees none."""
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
