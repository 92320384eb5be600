"""Tint: the colour that a film is dyed in, or that it has faded to."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.types import Array
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

GREY = 0.01
"""Deviation of the channels from their mean below which a film has no colour."""


class Tint(Instrument):
    """Colour of the film as a whole: what white becomes, and how much colour varies within the picture.

    The ratio of each channel to luma, the median over all pixels that are neither dark nor clipped. In a tinted film
    all pixels share it, and `variety` is near 0; in a colour film it is the light's. Fooled by scenes of one colour,
    such as grass and sea.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "red": Quantity("", "red where luma is 1: tinting, of the dye's white over its luma"),
        "green": Quantity("", "the same of green"),
        "blue": Quantity("", "the same of blue"),
        "variety": Quantity("", "how much the ratios vary over the picture: median deviation"),
    }
    nothing: ClassVar[str] = "a grey film, or nothing between dark and white"

    def __init__(self) -> None:
        self.ratios: list[Array] = []

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.frame.shape[2] == 1 or view.blank:
            return
        seen = (view.grey > 0.15) & (view.frame.max(axis=2) < 0.98)
        if not seen.any():
            return
        ratios = view.frame[seen] / view.grey[seen][:, None]
        middle = np.median(ratios, axis=0)
        self.ratios.append(np.append(middle, np.median(abs(ratios - middle).max(axis=1))))

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if not self.ratios or np.ptp(np.median(self.ratios, axis=0)[:3]) + np.median(self.ratios, axis=0)[3] < GREY:
            return None
        return {"ratios": np.median(self.ratios, axis=0)}

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        return dict(zip(cls.quantities, np.median([shot["ratios"] for shot in shots], axis=0).tolist(), strict=True))
