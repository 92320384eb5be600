"""Ops in random order."""

from collections.abc import Sequence
from typing import Any

from degrade.core.composition import Composition, OpLike, Steps
from degrade.core.rng import Stream
from degrade.core.steps import draw
from degrade.core.types import ClipInfo


class Shuffle(Composition[Steps]):
    """All inner ops, in an order drawn per clip."""

    def __init__(self, *ops: OpLike | Sequence[OpLike], **parameters: Any) -> None:
        super().__init__(*ops, **parameters)

    def sample(self, info: ClipInfo, rng: Stream) -> Steps:
        """Draws the order, then the ops."""
        order = rng.generator("order").permutation(len(self.ops))
        ops = self.labelled()
        return Steps(steps=draw([ops[i] for i in order], info, rng))
