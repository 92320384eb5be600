"""Checkpoints as others released them: what is common to RTN and what was built on its code."""

import re
from collections.abc import Iterable

from degrade.models._raft import to_torchvision
from degrade.models._weights import State

DERIVED = ("attn_mask", "relative_position_index")
"""Buffers that follow from the architecture."""

SPATIAL_BLOCK = (
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
"""Names of RTN's spatial block, as patterns, and those of `SpatialBlock`."""


def ours(state: State, mark: str, names: Iterable[tuple[str, str]]) -> State:
    """Weights under our names; those that do not hold the tensor `mark` are ours already.

    Args:
        state: With or without RAFT under `spynet.`.
        mark: A name that only the released weights have.
        names: Patterns and what takes their place, one after the other.
    """
    if mark not in state:
        return state
    raft = {name.removeprefix("spynet."): value for name, value in state.items() if name.startswith("spynet.")}
    renamed = {f"flow.net.{name}": value for name, value in to_torchvision(raft).items()}
    for name, value in state.items():
        if not name.startswith("spynet.") and not name.endswith(DERIVED):
            for pattern, replacement in names:
                name = re.sub(pattern, replacement, name)
            renamed[name] = value
    return renamed
