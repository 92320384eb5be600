"""The identity: the damaged film itself, which every model must beat."""

from torch import Tensor

from degrade.models._card import ModelCard
from degrade.models.base import Flows, RestorationModel, Restored


class Input(RestorationModel):
    """Returns its input."""

    card = ModelCard(summary="does nothing", source="the damaged frames as they are", min_size=1)

    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        return Restored(frames)
