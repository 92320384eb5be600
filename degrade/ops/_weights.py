"""Weights of random choices."""

from typing import Annotated

import numpy as np
from pydantic import Field

from degrade.core.errors import SpecError
from degrade.core.types import Array

Weights = tuple[Annotated[float, Field(ge=0)], ...]
"""Relative to each other; none: all are equally likely."""


def check_weights(weights: Weights, count: int, what: str) -> None:
    """Refuses weights that are not one for each of `count` choices, or all 0."""
    if weights and (len(weights) != count or not sum(weights)):
        raise SpecError(f"must be {count} numbers, one for each of `{what}`, not all 0; got {weights}", "weights")


def probabilities(weights: Weights, count: int) -> Array:
    """Weights as probabilities, (count,)."""
    given = np.array(weights or (1.0,) * count)
    return given / given.sum()
