"""No colour at all: the floor of colourisation."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from degrade.models._card import ModelCard
from degrade.models._colorization import ColorizationModel


class Grey(ColorizationModel):
    """Leaves the film grey: a = b = 0."""

    card = ModelCard(
        summary="leaves the film grey: a = b = 0",
        source="the grey film as it is",
        kind="colorization",
        min_size=1,
    )

    def colorize(self, lightness: Tensor, keys: Mapping[int, Tensor], pictures: Sequence[Tensor]) -> Tensor:
        return lightness.new_zeros(*lightness.shape[:2], 2, *lightness.shape[3:])
