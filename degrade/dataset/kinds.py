"""What is written of a clip, kind by kind, and how frames and kinds are named."""

from collections.abc import Iterator

from degrade.core.composition import Composition, flat
from degrade.core.op import Contaminant
from degrade.core.types import Array, Masks, mask_to_uint8, to_uint8, to_uint16
from degrade.dataset.pairs import Pair
from degrade.sources.base import Depth

DAMAGED, TARGET, MASK, TRACE, SHARD = "lq", "gt", "mask", "trace", "shards"
"""Folders of a split, and the keys of samples."""
LAYER = f"{MASK}."
"""Before the label of an op."""


def encode(pair: Pair, masks: Masks, depth: Depth = 8) -> Iterator[tuple[str, Array]]:
    """What is written of a pair: frames (N, H, W, C) by kind; uint8, or uint16 of depth 16, and masks uint8.

    Args:
        pair: From `make_pair`.
        masks: As `Output.masks` says: ``union``, ``layers`` or ``none``.
        depth: Bits of a value, 8 or 16; of masks 8.
    """
    whole = to_uint8 if depth == 8 else to_uint16
    yield DAMAGED, whole(pair.damaged)
    yield TARGET, whole(pair.target)
    if masks != "none":
        yield MASK, mask_to_uint8(pair.mask)
    if masks == "layers":
        for label, alpha in pair.masks.items():
            yield layer(label), mask_to_uint8(alpha)


def layer(label: str) -> str:
    """The kind of one op's mask: ``mask.lines.scratch`` for ``lines/scratch``."""
    return LAYER + flat(label)


def contaminants(ops: Composition, outer: str = "") -> Iterator[str]:
    """Labels of all ops that leave a mask, whether they fire or not."""
    for label, op in ops.labelled():
        if isinstance(op, Contaminant):
            yield f"{outer}{label}"
        elif isinstance(op, Composition):
            yield from contaminants(op, f"{outer}{label}/")


def is_mask(kind: str) -> bool:
    """Whether a kind is the mask, or that of one op."""
    return kind == MASK or kind.startswith(LAYER)


def frame_name(t: int, suffix: str = ".png") -> str:
    """The file of frame t in a folder of frames, or in a shard."""
    return f"{t:05d}{suffix}"


def member(clip: str, t: int, kind: str) -> str:
    """The name of a frame in a shard, ``<clip>/00000.lq.png``: WebDataset's sample ``<clip>/00000``, key ``lq.png``."""
    stem, _, end = frame_name(t).partition(".")
    return f"{clip}/{stem}.{kind}.{end}"


def parse_member(name: str) -> tuple[str, str]:
    """Kind, and `frame_name`, of a frame in a shard."""
    stem, _, rest = name.rpartition("/")[2].partition(".")
    kind, _, end = rest.rpartition(".")
    return kind, f"{stem}.{end}"


def is_member(name: str, clip: str, kind: str) -> bool:
    """Whether a name in a shard is that of a frame of the clip, of that kind."""
    return name.startswith(f"{clip}/") and parse_member(name)[0] == kind
