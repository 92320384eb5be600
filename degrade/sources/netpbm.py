"""PGM and PPM, whose headers name the value of white; OpenCV passes it over (format: netpbm.sourceforge.net)."""

import re

import numpy as np

from degrade.core.types import Array
from degrade.sources.planes import stretched

_HEADER = re.compile(rb"P([2356])" + 3 * rb"(?:\s|#[^\r\n]*[\r\n])+(\d{1,5})")
"""Kind, width, height, white; comments may stand between."""


def white(data: bytes) -> int:
    """The value of white, 1 to 65535; 0 of other pictures."""
    found = _HEADER.match(data)
    return min(int(found[4]), 65535) if found else 0


def full_range(values: Array, data: bytes) -> Array:
    """What OpenCV read of a picture, over the full range of its type; of other pictures as it is."""
    top, most = white(data), np.iinfo(values.dtype).max
    scaled = data[1:2] in b"23" and values.dtype == np.uint8  # OpenCV does so where numbers are text
    if top in (0, most) or scaled:
        return values
    return stretched(values, top, values.dtype)
