"""Gates of RTN, which mix what a pass carries along with the frame that it comes to; each after its paper.

Sources: Wan et al., "Bringing Old Films Back to Life", CVPR 2022 (`Residual`); RRTN, WACV 2024 (`TwoSided`);
WaveletMask, Applied Sciences 16(13), 2026 (`Wavelet`); MambaOFR, CVPR 2025 (`Carried`).
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.models._flow import FlowBetween, aligned_neighbours, along, warp
from degrade.models.base import Flows


class Before(NamedTuple):
    """What a pass brings from the frame before, not aligned yet."""

    frame: Tensor
    """(B, 3, H, W), in [−1, 1]."""
    state: Tensor
    """(B, C, H, W)."""
    mask: Tensor | None
    """(B, 1, H, W), of that frame's gate; None if it was the first, which has none."""
    flow: Tensor
    """(B, 2, H, W), pixels, from this frame to that one."""


class Residual(nn.Module):
    """RTN's: m·state + (1 − m)·P, P being a projection of the frame, where m sees both and how far the frame is from
    the aligned one before. The variants differ in what else m sees, and start as it does: m is 1/2.

    Args:
        channels: Of the state.
    """

    clues: ClassVar[int] = 1
    """Channels that m sees besides the state and P."""
    padding = "zeros"
    """What is brought in from outside the frame, as `warp` has it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, channels, 3, padding=1)
        self.first = nn.Conv2d(2 * channels + self.clues, channels // 2, 3, padding=1)
        self.last = nn.Conv2d(channels // 2, 1, 3, padding=1)

    def hidden(self) -> list[nn.Conv2d]:
        """The convolutions before the last, each followed by LeakyReLU 0.2."""
        return [self.first]

    @staticmethod
    def survey(x: Tensor, flows: Flows) -> Sequence[Tensor | None]:
        """What is to be known of each frame of a clip (B, T, 3, H, W) before the passes begin, for both of them."""
        return [None] * x.shape[1]

    def brought(self, before: Before) -> tuple[Tensor, ...]:
        """What is aligned together with the state."""
        return (before.frame[:, :1],)

    def seen(self, frame: Tensor, aligned: Tensor, known: Tensor | None) -> list[Tensor]:
        """The clues, (B, 1, H, W) each: from what was brought, and from the survey."""
        return [(aligned - frame[:, :1]).abs()]

    def forward(self, frame: Tensor, before: Before | None, known: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The mixed state, and m; the first frame of a pass gives P, and no m."""
        new = self.project(frame)
        if before is None:
            return new, None
        size, kind = before.state.shape[1], before.state.dtype
        brought = torch.cat((before.state, *(x.to(kind) for x in self.brought(before))), 1)
        warped = warp(brought, before.flow, self.padding)
        state = warped[:, :size].contiguous(memory_format=torch.channels_last)
        seen = (state, new, *self.seen(frame, warped[:, size:], known))
        # Joined along the last axis of (B, H, W, C), so that the convolution need not rearrange them.
        x = torch.cat([part.permute(0, 2, 3, 1) for part in seen], 3).permute(0, 3, 1, 2)
        for conv in self.hidden():
            x = F.leaky_relu(conv(x), 0.2)
        mask = torch.sigmoid(self.last(x))
        return torch.lerp(new, state, mask), mask


class TwoSided(Residual):
    """m sees, in place of RTN's residual, the geometric mean of the differences from both neighbours, which is large
    only where the frame disagrees with both: motion that the flow misses on one side is no defect. No parameters.
    """

    @staticmethod
    def survey(x: Tensor, flows: Flows) -> Sequence[Tensor | None]:
        return list(noise_masks(x[:, :, :1], along(flows)).unbind(1))

    def brought(self, before: Before) -> tuple[Tensor, ...]:
        return ()

    def seen(self, frame: Tensor, aligned: Tensor, known: Tensor | None) -> list[Tensor]:
        assert known is not None
        return [known]


class Wavelet(Residual):
    """m sees, beside RTN's residual, how the Haar bands of the frame differ from those of both aligned neighbours:
    the three bands of detail by geometric mean (specks, lines), the coarse one by the lesser (flicker).

    What is published does not say how these become a mask. Here each goes through a convolution to 8 channels,
    their maximum through another to one, at half size; which adds the 898 parameters that its authors count.
    """

    clues = 2

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.detail = nn.Conv2d(3, 8, 3, padding=1)
        self.coarse = nn.Conv2d(1, 8, 3, padding=1)
        self.fuse = nn.Conv2d(8, 1, 3, padding=1)

    @staticmethod
    def survey(x: Tensor, flows: Flows) -> Sequence[Tensor | None]:
        """(B, 4, H/2, W/2) for each frame: of the coarse band, and of the three of detail."""
        grey = x[:, :, :1].detach()
        known: list[Tensor | None] = []
        for t in range(x.shape[1]):
            here = haar(grey[:, t])
            before, after = ((haar(near) - here).abs() for near in aligned_neighbours(grey, t, along(flows)))
            coarse = torch.minimum(before[:, :1], after[:, :1])
            known.append(torch.cat((coarse, (before[:, 1:] * after[:, 1:]).sqrt()), 1))
        return known

    def seen(self, frame: Tensor, aligned: Tensor, known: Tensor | None) -> list[Tensor]:
        assert known is not None
        detail, coarse = F.leaky_relu(self.detail(known[:, 1:]), 0.2), F.leaky_relu(self.coarse(known[:, :1]), 0.2)
        clue = F.interpolate(self.fuse(torch.maximum(detail, coarse)), scale_factor=2, mode="bilinear")
        return [*super().seen(frame, aligned, known), clue]


class Carried(Residual):
    """m sees, beside RTN's residual, the m of the frame before, aligned (1 at the start of a pass), through one more
    convolution. The deformable alignment of the state that goes with it in MambaOFR is not part of the gate.
    """

    clues = 2

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        width = 2 * channels + self.clues
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, channels // 2, 3, padding=1)

    def hidden(self) -> list[nn.Conv2d]:
        return [self.first, self.second]

    def brought(self, before: Before) -> tuple[Tensor, ...]:
        grey = before.frame[:, :1]
        return (grey, torch.ones_like(grey) if before.mask is None else before.mask)

    def seen(self, frame: Tensor, aligned: Tensor, known: Tensor | None) -> list[Tensor]:
        return [*super().seen(frame, aligned[:, :1], known), aligned[:, 1:]]


GATES: dict[str, type[Residual]] = {
    "residual": Residual,
    "two_sided": TwoSided,
    "wavelet": Wavelet,
    "carried": Carried,
}


@torch.no_grad()
def noise_masks(grey: Tensor, flow: FlowBetween) -> Tensor:
    """RRTN's: how far each frame of a clip (B, T, 1, H, W) is from both aligned neighbours, their geometric mean."""
    masks = []
    for t in range(grey.shape[1]):
        before, after = ((near - grey[:, t]).abs() for near in aligned_neighbours(grey, t, flow))
        masks.append((before * after).sqrt())
    return torch.stack(masks, 1)


def haar(x: Tensor) -> Tensor:
    """One level of the Haar transform: (B, 1, H, W) -> (B, 4, H/2, W/2), coarse, across, down, diagonal."""
    a, b, c, d = F.pixel_unshuffle(x, 2).chunk(4, 1)
    return torch.cat((a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d), 1) / 2
