"""A random choice among ops."""

from collections.abc import Sequence
from typing import Any

from pydantic import model_validator

from degrade.core.composition import Composition, OpLike, Steps
from degrade.core.rng import Stream
from degrade.core.steps import draw
from degrade.core.types import ClipInfo
from degrade.ops._weights import Weights, check_weights, probabilities


class OneOf(Composition[Steps]):
    """One of the inner ops, drawn per clip."""

    weights: Weights = ()
    """How often each is chosen, relative to the others; equally if not given."""

    def __init__(self, *ops: OpLike | Sequence[OpLike], **parameters: Any) -> None:
        super().__init__(*ops, **parameters)

    @model_validator(mode="after")
    def _check(self) -> "OneOf":
        check_weights(self.weights, len(self.ops), "ops")
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> Steps:
        """Draws the choice, then the chosen op."""
        if not self.ops:
            return Steps()
        chosen = rng.generator("choice").choice(len(self.ops), p=probabilities(self.weights, len(self.ops)))
        return Steps(steps=draw([self.labelled()[chosen]], info, rng))
