"""TIFF, not compressed, as archives keep it."""

import io

import numpy as np
import tifffile

from degrade.core.types import Array
from degrade.sources.stream import StreamInfo


def encode(frame: Array, about: StreamInfo, number: int) -> bytes:
    """See `degrade.writers.frames.encode`."""
    grey = frame.shape[2] == 1
    data = io.BytesIO()
    tifffile.imwrite(
        data,
        np.ascontiguousarray(frame[..., 0] if grey else frame),
        byteorder="<",
        photometric="minisblack" if grey else "rgb",
        metadata=None,
        software=False,
    )
    return data.getvalue()
