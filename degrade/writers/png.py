"""PNG, compressed by ISA-L: several times as fast as by zlib, to the same size."""

import struct

import numpy as np
from isal import isal_zlib

from degrade.core.types import Array
from degrade.sources.stream import StreamInfo

SIGNATURE = b"\x89PNG\r\n\x1a\n"
UP = 2
"""The filter of all rows: the difference from the row above."""
LEVEL = 1
"""Level 0 is as fast and its files are larger; levels 2 and 3 save less than a hundredth."""


def encode(frame: Array, about: StreamInfo, number: int) -> bytes:
    """See `degrade.writers.frames.encode`."""
    height, width, channels = frame.shape
    values = frame.astype(frame.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    rows = np.empty((height, 1 + values.shape[1]), np.uint8)
    rows[:, 0] = UP
    rows[0, 1:] = values[0]
    np.subtract(values[1:], values[:-1], out=rows[1:, 1:])
    head = struct.pack(">IIBBBBB", width, height, 8 * frame.itemsize, 0 if channels == 1 else 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", isal_zlib.compress(rows, LEVEL)), (b"IEND", b"")
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(kind)))
