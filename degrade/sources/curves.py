"""Curves between what film scanners store and what displays show."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from degrade.core.types import Array, as_8bit, to_uint16
from degrade.sources.base import Depth, Derived, Reader
from degrade.sources.stream import StreamInfo

Curve = Literal["cineon"]
"""Names of curves."""

CURVES = get_args(Curve)

BLACK, WHITE, TOP = 95, 685, 1023
"""Cineon's 10-bit codes of black and of 90 % white."""

DENSITY, GAMMA = 0.002, 0.6
"""Of the negative: a code's step, and the slope of its curve."""

LIGHT_OF_BLACK = 10 ** ((BLACK - WHITE) * DENSITY / GAMMA)


def srgb(light: Array) -> Array:
    """Linear light as sRGB's display values; both in [0, 1], to which others are clipped."""
    light = np.clip(light, 0, 1, dtype=np.float64)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def srgb_to_light(shown: Array) -> Array:
    """The inverse of `srgb`."""
    shown = np.clip(shown, 0, 1, dtype=np.float64)
    return np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)


def to_display(values: Array, curve: Curve) -> Array:
    """Densities, as a scanner stores them, as a display shows them.

    Args:
        values: Codes over their full range, in [0, 1].
        curve: ``cineon``: Kodak's, black at code 95 of 1023 and white at 685; what is beyond these is clipped.

    Returns:
        sRGB in [0, 1], float64.
    """
    light = 10 ** ((np.asarray(values, np.float64) * TOP - WHITE) * DENSITY / GAMMA)
    return srgb((light - LIGHT_OF_BLACK) / (1 - LIGHT_OF_BLACK))


def from_display(shown: Array, curve: Curve) -> Array:
    """The inverse of `to_display`: codes between those of black and white."""
    light = srgb_to_light(shown) * (1 - LIGHT_OF_BLACK) + LIGHT_OF_BLACK
    return (WHITE + np.log10(light) * GAMMA / DENSITY) / TOP


@dataclass(frozen=True)
class Developed(Derived):
    """A sequence of densities, as a display shows it."""

    reader: Reader
    stream: StreamInfo
    curve: Curve

    def read(self, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Reader.read`."""
        shown = self._table[self.reader.read(start, stop, 16)]
        return as_8bit(shown) if depth == 8 else shown

    @cached_property
    def _table(self) -> Array:
        return to_uint16(to_display(np.arange(65536) / 65535, self.curve))


def develop(reader: Reader, curve: Curve | None) -> Reader:
    """The same sequence by a curve, if one is named."""
    return Developed(reader, replace(reader.stream, logarithmic=False), curve) if curve else reader
