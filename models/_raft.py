"""RAFT (Teed and Deng, ECCV 2020), torchvision's large one, over whole clips."""

import re
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.optical_flow import raft_large
from torchvision.models.optical_flow._utils import make_coords_grid, upsample_flow

from degrade.core.errors import SourceError
from degrade.models._weights import NO_FLOW_WEIGHTS, State, load, read_state
from degrade.models.base import Flows, pad_frames

MIN_SIZE = 128  # below, the coarsest level of the correlation pyramid is a single pixel and yields NaN

# The authors' names, as patterns, and torchvision's.
NAMES = (
    (r"^fnet\.", "feature_encoder."),
    (r"^cnet\.", "context_encoder."),
    (r"(encoder)\.conv1\.", r"\1.convnormrelu.0."),
    (r"(encoder)\.norm1\.", r"\1.convnormrelu.1."),
    (r"(encoder)\.conv2\.", r"\1.conv."),
    (r"(layer\d\.\d)\.conv(\d)\.", r"\1.convnormrelu\2.0."),
    (r"(layer\d\.\d)\.norm([12])\.", r"\1.convnormrelu\2.1."),
    (r"^update_block\.encoder\.convc([12])\.", r"update_block.motion_encoder.convcorr\1.0."),
    (r"^update_block\.encoder\.convf([12])\.", r"update_block.motion_encoder.convflow\1.0."),
    (r"^update_block\.encoder\.conv\.", "update_block.motion_encoder.conv.0."),
    (r"^update_block\.gru\.conv([zrq])([12])\.", r"update_block.recurrent_block.convgru\2.conv\1."),
    (r"^update_block\.mask\.0\.", "mask_predictor.convrelu.0."),
    (r"^update_block\.mask\.2\.", "mask_predictor.conv."),
)


class Raft(nn.Module):
    """Flows of a clip by RAFT, without gradient.

    Args:
        weights: File of weights, in the layout of the authors or of torchvision. Without it the module
            waits for weights from a checkpoint of the model around it.
        updates: Iterations.
    """

    def __init__(self, weights: str | Path | None = None, updates: int = 24) -> None:
        super().__init__()
        self.updates, self.loaded = updates, False
        self.net = raft_large(weights=None, progress=False).requires_grad_(False).eval()
        self.net.register_load_state_dict_post_hook(self._mark_loaded)
        if weights is not None:
            load(self.net, read_state(weights), weights, to_torchvision)

    def _mark_loaded(self, *_: Any) -> None:
        self.loaded = True

    def train(self, mode: bool = True) -> "Raft":
        return super().train(False)  # frozen: its batch norms keep their statistics

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Flows:
        if not self.loaded:
            raise SourceError(NO_FLOW_WEIGHTS)
        batch, length, _, height, width = frames.shape
        right, bottom = (max(n + -n % 8, MIN_SIZE) - n for n in (width, height))
        x = pad_frames(frames, (0, right, 0, bottom)).float() * 2 - 1
        with torch.autocast(frames.device.type, enabled=False):
            # Each frame is encoded once, though it is in up to four pairs.
            features, context = (
                encoder(x.flatten(0, 1)).unflatten(0, (batch, length))
                for encoder in (self.net.feature_encoder, self.net.context_encoder)
            )
            earlier, later = slice(None, -1), slice(1, None)
            flows = [
                self._pairs(features[:, a].flatten(0, 1), features[:, b].flatten(0, 1), context[:, a].flatten(0, 1))
                for a, b in ((later, earlier), (earlier, later))
                if length > 1
            ] or [x.new_zeros(0, 2, *x.shape[-2:])] * 2
        forward, backward = (f[..., :height, :width].unflatten(0, (batch, length - 1)) for f in flows)
        return forward, backward

    def _pairs(self, here: Tensor, there: Tensor, context: Tensor) -> Tensor:
        """(N, 2, H, W) from features of both frames and the context of the first, at 1/8 of the size."""
        net = self.net
        net.corr_block.build_pyramid(here, there)
        width = net.update_block.hidden_state_size
        hidden, context = context[:, :width].tanh(), F.relu(context[:, width:])
        start = make_coords_grid(len(here), *here.shape[-2:]).to(here.device)
        coords = start
        for _ in range(self.updates):
            correlation = net.corr_block.index_pyramid(centroids_coords=coords)
            hidden, step = net.update_block(hidden, context, correlation, coords - start)
            coords = coords + step
        flow: Tensor = upsample_flow(flow=coords - start, up_mask=net.mask_predictor(hidden))
        return flow


def to_torchvision(state: State) -> State:
    """RAFT's weights under torchvision's names; those already so are left as they are."""
    state = {re.sub(r"^(module\.)+", "", name): value for name, value in state.items()}
    if not any(name.startswith("fnet.") for name in state):
        return state
    renamed = {}
    for name, value in state.items():
        if re.search(r"layer\d\.\d\.norm3\.", name):  # the same tensors again as downsample.1
            continue
        for pattern, replacement in NAMES:
            name = re.sub(pattern, replacement, name)
        renamed[name] = value
    return renamed
