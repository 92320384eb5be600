"""Restraint: how far a model may change a film is for both neighbours of each frame to say."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from degrade.models._chroma import between, highest, luma
from degrade.models._flow import aligned_neighbours, along, warp
from degrade.models.base import Flows

GAIN, SIDE = 5.0, 3
"""Change that is allowed for each unit that a frame stands out by; pixels of the square whose mean tells."""
BEGUN, SURE, PLAIN = 0.02, 0.04, 0.07
"""What stands out by the first (of 1) is no longer left to the model alone, by the second not to the model at all, and
what does by the last is a defect, and so are the pixels around it."""
RIM = 5
"""Pixels of the square around what is plainly a defect that belong to it."""
MOVING, LARGE = 0.06, 0.25
"""By how much (of 1) the neighbours differ around a pixel, in the mean, where something moves; share of what is around
it that no defect has."""
FREE, ALIKE, SMALL = 1.5, 0.5, 3
"""What any pixel may stand out by, in standard deviations of the frame's grain, and as a share of the most that the
neighbours differ by in the square around it; pixels of its side."""
BEFORE, TWIN, PATCH, CLOSE, ASTIR = 0.6, 0.9, 5, 3, 0.03
"""What stands out of both neighbours, too, close by, as a share of what does of the frame, where it begins to be taken
for something that moves, and where it surely is; pixels of the square whose mean tells, squares around that are close;
by how much (of 1) the neighbours differ around it, in the mean, where that is asked."""
SUSPECT, CALLED, TRUST = 0.8, 0.95, 0.1
"""The model's mask where it begins to count, and where it counts in full; what a pixel may then change by, of 1."""
BANDS, DEEP = 2, 0.1
"""Parts of a frame's height that a line is looked for in; the most (of 1) that a pixel says of it."""
CELL, CELLS = 8, 7
"""Pixels of a square, and squares of the square of them, that are "around a pixel"."""
UNEVEN = 0.06
"""By how much (of 1) the light on a part of a frame may have changed: what differs by more counts as no more."""


def restrained(restored: Tensor, frames: Tensor, flows: Flows, masks: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """The restored frames, none of whose pixels changes by more than it stands out, or leaves the range that it and
    both restored neighbours span; and a mask (B, T, 1, H, W) of what stands out.

    A defect is unlike both neighbours, which are like each other. Where they are not, something moves that the flow
    has missed, and what a model takes for a defect is the film. What is darker or lighter than all three is none of it.
    What lasts is in the neighbours, too. It is a defect if a model takes it out of all three, it is a line, and little
    moves around it: of a film that a model smears, columns keep their mean.
    What a neighbour has as well, elsewhere, has moved. What the model is sure of may change some more.
    What is plainly a defect, and not large, becomes the median of what the model, both neighbours and the frames beyond
    them have there, in luma, and so does its rim, which is faint, but shows. So does, by `share`, all that is still: a
    median takes grain.

    Args:
        restored: (B, T, C, H, W).
        frames: What they were restored from, (B, T, 3, H, W) in [0, 1].
        flows: Forward and backward.
        masks: What the model takes for damage, (B, T, 1, H, W) in [0, 1].
        share: Change that is allowed wherever it is, in standard deviations of the frame's grain; and, up to 1, how far
            what is still becomes the median.
    """
    length, grey, mended = frames.shape[1], luma(frames), luma(restored)
    if length == 1:
        return restored, torch.zeros_like(grey)
    both, steps = torch.cat((grey, mended), 2), along(flows)
    held, found = [], []
    for t in range(length):
        here = grey[:, t]
        noise = grain(here)
        near = aligned_neighbours(both, t, steps, "border", "bicubic")
        far = (warp(both[:, s], steps(t, s), "border", "bicubic") for s in (t - 2, t + 2) if 2 <= t < length - 2)
        given, clean = zip(*(lit_as(here, other).split(1, 1) for other in (*near, *far)), strict=True)
        a, b = clean[:2]
        motion = surroundings((given[0] - given[1]).abs())
        still = motion < MOVING
        lasting = torch.minimum(unlike(here, clean, noise), lines(here - nearer(here, a, b))) * still
        passing = unlike(here, given, noise) * (1 - moved(here, given[0], given[1], noise) * (motion > ASTIR))
        out = torch.maximum(passing, lasting)
        small = surroundings((out > BEGUN).float()) < LARGE
        rim = highest(between(PLAIN / 2, out, PLAIN), RIM)
        plain = torch.maximum(between(BEGUN, out, SURE), rim) * (still & small)
        median = torch.stack((mended[:, t], *clean)).median(0).values
        wanted = restored[:, t] + torch.maximum(plain, min(share, 1) * still) * (median - mended[:, t])
        allowed = share * noise + GAIN * out + plain + TRUST * between(SUSPECT, masks[:, t], CALLED)
        span = torch.stack((here, a, b)) - here
        least, most = torch.maximum(-allowed, span.amin(0)), torch.minimum(allowed, span.amax(0))
        held.append(frames[:, t] + (wanted - frames[:, t]).clamp(least, most))
        found.append((out / PLAIN).clamp_max(1))
    return torch.stack(held, 1), torch.stack(found, 1)


def either(a: Tensor, b: Tensor) -> Tensor:
    """The probability of one or the other, which are independent."""
    return a + b - a * b


def unlike(frame: Tensor, others: Sequence[Tensor], noise: Tensor) -> Tensor:
    """By how much each pixel of a frame (B, 1, H, W) is unlike both aligned neighbours, which are alike; or 0.

    Args:
        others: Both neighbours, and where there are such, the frames beyond them: on what a neighbour has uncovered,
            it need not be like the other one, but like the frame beyond it.
        noise: The frame's `grain`.
    """
    a, b, *beyond = others
    free, apart = FREE * noise, (a - b).abs()
    out = torch.maximum(standing_out(frame, a, b), alone(frame, others[:2], apart, free))
    if beyond:
        apart = torch.maximum((a - beyond[0]).abs(), (b - beyond[1]).abs())
        out = torch.maximum(out, alone(frame, others, apart, free))
    return out


def standing_out(frame: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """By how much the pixels around each one of a frame (B, 1, H, W) are further from the nearer of its aligned
    neighbours than these are from each other, in the mean; 0 where they are not."""
    out = torch.minimum((frame - a).abs(), (frame - b).abs())
    return (around(out, SIDE) - around((a - b).abs(), SIDE)).clamp_min(0)


def alone(frame: Tensor, others: Sequence[Tensor], apart: Tensor, free: Tensor) -> Tensor:
    """By how much each pixel of a frame is above or below all others, beyond what these are `apart` in it and around
    it, and what is `free`; 0 where it is not."""
    together = torch.stack(tuple(others))
    out = torch.maximum(frame - together.amax(0), together.amin(0) - frame)
    return (out - ALIKE * highest(apart, SMALL) - free).clamp_min(0)


def moved(frame: Tensor, a: Tensor, b: Tensor, noise: Tensor) -> Tensor:
    """How surely (0 to 1) what a pixel of a frame is part of is in both aligned neighbours, too, but elsewhere: each of
    the three then has as much, darker or lighter, that the other two lack."""
    three = torch.cat((frame, a, b), 1)
    alien = around(three - three.median(1, keepdim=True).values, PATCH)
    light, dark = (surroundings((signed - noise).clamp_min(0), CLOSE) for signed in (alien, -alien))
    here, before, after = torch.where(alien[:, :1] > 0, light, dark).split(1, 1)
    return between(BEFORE, torch.minimum(before, after) / here.clamp_min(1e-4), TWIN)


def nearer(frame: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """What is more like the frame, pixel by pixel."""
    return torch.where((frame - a).abs() < (frame - b).abs(), a, b)


def lines(x: Tensor) -> Tensor:
    """How far the columns of half a frame are from 0 in the mean: as lines are, and what is smeared is not."""
    columns = F.adaptive_avg_pool2d(x.clamp(-DEEP, DEEP), (BANDS, x.shape[-1])).abs()
    return F.interpolate(F.max_pool2d(columns, (1, 3), 1, (0, 1)), x.shape[-2:], mode="bilinear", align_corners=False)


def grain(frame: Tensor) -> Tensor:
    """Standard deviation of what is grain or noise in a frame, (B, 1, H, W) to (B, 1, 1, 1).

    Of its finest diagonal differences, which pictures have few of (Donoho and Johnstone, "Ideal spatial adaptation by
    wavelet shrinkage", 1994).
    """
    fours = F.pixel_unshuffle(frame[..., : frame.shape[-2] // 2 * 2, : frame.shape[-1] // 2 * 2], 2)
    diagonal = (fours[:, 0] - fours[:, 1] - fours[:, 2] + fours[:, 3]) / 2
    return diagonal.abs().flatten(1).median(1).values.reshape(-1, 1, 1, 1) / 0.6745


def around(x: Tensor, size: int) -> Tensor:
    """The mean of size × size pixels, an odd number; at the border of those that there are."""
    rows = F.avg_pool2d(x, (size, 1), 1, (size // 2, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, size), 1, (0, size // 2), count_include_pad=False)


def surroundings(x: Tensor, cells: int = CELLS) -> Tensor:
    """The mean of what is around each pixel, smooth."""
    coarse = around(F.avg_pool2d(x, CELL, ceil_mode=True, count_include_pad=False), cells)
    return F.interpolate(coarse, x.shape[-2:], mode="bilinear", align_corners=False)


def lit_as(frame: Tensor, x: Tensor) -> Tensor:
    """`x` as bright as `frame`, in the whole and around each pixel: flicker need not be even. Defects say little."""
    x = matched(x, frame)
    return x + surroundings((frame - x).clamp(-UNEVEN, UNEVEN))


def matched(x: Tensor, like: Tensor, weight: Tensor | None = None) -> Tensor:
    """`x` as bright as `like` in the mean, channel by channel: flicker is no damage."""
    if weight is None:
        return x + (like - x).mean((-2, -1), keepdim=True)
    total = weight.sum((-2, -1), keepdim=True)
    return x + ((like - x) * weight).sum((-2, -1), keepdim=True) / total.clamp_min(1)
