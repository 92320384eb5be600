"""Compact storage of drawn numbers: rounded to keep traces short, packed to save memory."""

import itertools
from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from degrade.core.fields import Floats, Ints
from degrade.core.types import Array


def pack_floats(values: Array | Sequence[float], digits: int) -> Floats:
    """Numbers rounded to so many decimals."""
    return array("d", np.round(np.asarray(values, float), digits).tobytes())


def pack_ints(values: Array) -> Ints:
    """Whole numbers."""
    return array("q", values.astype(np.int64).tobytes())


def pack_tracks(rows: Iterable[Array], digits: int) -> tuple[Floats, ...]:
    """A run of numbers for each defect, rounded to so many decimals."""
    runs = list(rows)
    ends = [0, *itertools.accumulate(map(len, runs))]
    whole = pack_floats(np.concatenate(runs) if runs else (), digits)
    return tuple(whole[start:end] for start, end in itertools.pairwise(ends))


def short_floats(track: Iterable[float]) -> tuple[float, ...]:
    """One number per frame, to six significant digits."""
    return tuple(float(f"{value:.6g}") for value in track)
