"""RTN's colour branch: the network of `rtn`, unchanged, on scaled LAB.

Source: Wan, Zhang, Chen, Liao, "Bringing Old Films Back to Life", CVPR 2022 (arXiv 2203.17276). Its authors released
how clips are made for it, but no model, training or weights; the scales are those of DeepEnhancer, ICMR 2024.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from degrade.models._card import ModelCard
from degrade.models._colorization import ColorizationModel, resized
from degrade.models._init_color import init_color
from degrade.models._weights import State
from degrade.models.rtn import RTN


class RTNColor(ColorizationModel):
    """RTN sees (L − 50)/100, a/110 and b/110, the latter two 0 but in key frames, and gives them for every frame.

    The clip is followed by the nearest reference after it and by those without a time, and preceded by the nearest
    before it. What the network makes of L is dropped. Its gate compares L alone, and so does the flow. What comes into
    sight at the frame's border has the colours there, where RTN's states are 0, which would be grey.

    Args:
        channels: Of the state, 16 or more.
        dim: Of the attention, at half resolution.
        groups: Residual groups of two Swin blocks.
        heads: Of the attention.
        gate: `residual` (as its authors), `two_sided`, `wavelet` or `carried`.
        flow: `dis` (needs no weights) or `raft` (frozen).
        flow_weights: Weights of RAFT, where the checkpoint holds none.
    """

    card = ModelCard(
        summary="RTN on scaled LAB: key frames carried both ways by a recurrent transformer",
        source="Wan et al., Bringing Old Films Back to Life, CVPR 2022 (arXiv 2203.17276), colour branch",
        kind="colorization",
        parameters=921205,
        multiple=16,
        window=20,
        overlap=8,
        key_frames=True,
        pictures=True,
        carries=True,
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
    ) -> None:
        super().__init__()
        self.network = RTN(channels, dim, groups, heads, gate, flow, flow_weights)
        for part in (self.network.backward_gate, self.network.forward_gate):
            part.padding = "border"
        init_color(self.network)

    def colorize(self, lightness: Tensor, keys: Mapping[int, Tensor], pictures: Sequence[Tensor]) -> Tensor:
        length, size = lightness.shape[1], lightness.shape[-2:]
        grey = torch.zeros_like(lightness).expand(-1, -1, 2, -1, -1)
        inside = [torch.cat((lightness[:, t], keys[t][:, 1:] if t in keys else grey[:, t]), 1) for t in range(length)]
        before = [keys[time] for time in keys if time < 0][-1:]
        after = [keys[time] for time in keys if time >= length][:1]
        clip = torch.stack([*before, *inside, *after, *(resized(lab, size) for lab in pictures)], 1)
        brightness, ab = clip[:, :, :1] / 100, clip[:, :, 1:]
        x = torch.cat((brightness - 0.5, ab / 110), 2)
        made = self.network.restore((x + 1) / 2, self.network.flow(brightness.expand(-1, -1, 3, -1, -1)))
        return 110 * (2 * made.frames[:, len(before) : len(before) + length, 1:] - 1)

    def convert(self, state: State) -> State:
        """Weights of RTN, as others name them, under our names."""
        return {f"network.{name}": value for name, value in self.network.convert(state).items()}

    def adapt(self, state: State) -> State:
        own = {name.removeprefix("network."): value for name, value in state.items()}
        return {f"network.{name}": value for name, value in self.network.adapt(own).items()}
