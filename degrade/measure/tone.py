"""Tone: black, white, contrast and the curve between."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.types import Array
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

BINS = 256


class Tone(Instrument):
    """Distribution of luma over the frames, in coded values from 0 to 1.

    Black and white are what one pixel in two hundred lies below and above. They are the scene's as much as the
    film's: a shot without shadows has no black. Over many shots the darkest ones tell the print's black
    (`base_fog`, `fading`). Fooled by borders that are darker than the picture, and by titles.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "black": Quantity("", "luma that 0.5% of the pixels lie below"),
        "white": Quantity("", "luma that 0.5% of the pixels lie above"),
        "level": Quantity("", "mean luma"),
        "contrast": Quantity("", "standard deviation of luma"),
        "quarter": Quantity("", "luma of the lower quarter, from 0 at black to 1 at white: the curve's foot"),
        "three_quarters": Quantity("", "the same of the upper quarter: its shoulder"),
        "clipped": Quantity("", "share of pixels at white, 254 of 255 or more"),
    }

    def __init__(self) -> None:
        self.counts = np.zeros(BINS)
        self.frames = 0

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if not view.blank:
            self.counts += np.bincount((view.grey * 255 + 0.5).astype(np.uint8).ravel(), minlength=BINS)[:BINS]
            self.frames += 1

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        return {"counts": self.counts / self.counts.sum()} if self.frames else None

    nothing: ClassVar[str] = "all frames are blank"

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        share = np.mean([shot["counts"] for shot in shots], axis=0)
        at = np.arange(BINS) / (BINS - 1)
        level = float(share @ at)
        black, white, quarter, upper = (_quantile(share, q) for q in (0.005, 0.995, 0.25, 0.75))
        spread = max(white - black, 1e-6)
        return {
            "black": black,
            "white": white,
            "level": level,
            "contrast": float(np.sqrt(share @ (at - level) ** 2)),
            "quarter": (quarter - black) / spread,
            "three_quarters": (upper - black) / spread,
            "clipped": float(share[254:].sum()),
        }


def _quantile(share: Array, q: float) -> float:
    """Of a histogram, from 0 to 1, linear within its bins."""
    at = np.clip(np.arange(BINS + 1) - 0.5, 0, BINS - 1) / (BINS - 1)
    return float(np.interp(q, np.concatenate([[0], np.cumsum(share)]), at))
