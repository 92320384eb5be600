"""DPX, encoded by FFmpeg: one element of 8, 10, 12 or 16 bits."""

import struct
from typing import Any

import av
import numpy as np

from degrade.core.types import Array
from degrade.sources.scans import DPX, DPX_FIELDS, HEADER, PRINTING_DENSITY
from degrade.sources.stream import StreamInfo
from degrade.sources.tracks import timecode_after

START = 1664
"""Bytes of the header that FFmpeg writes, which ends before the parts for film and television."""

PACKED = {10: "gbrp10be", 12: "gbrp12be"}
"""FFmpeg's layouts of RGB between 8 and 16 bits, by these."""


def encode(frame: Array, about: StreamInfo, number: int) -> bytes:
    """See `degrade.writers.frames.encode`; RGB of 16 bits has 10 or 12 where these hold what the stream has."""
    picture = _picture(frame, next((bits for bits in PACKED if 8 < about.depth <= bits), 16))
    context: Any = av.CodecContext.create("dpx", "w")
    context.width, context.height, context.pix_fmt = picture.width, picture.height, picture.format.name
    context.time_base, context.sample_aspect_ratio = 1 / about.fps, about.aspect
    context.thread_count, context.options = 1, {"flags": "+bitexact"}
    data = b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)])
    return _headed(data, about, number)


def _picture(frame: Array, bits: int) -> av.VideoFrame:
    grey = frame.shape[2] == 1
    pixels = np.ascontiguousarray(frame[..., 0] if grey else frame)
    if frame.dtype == np.uint8:
        return av.VideoFrame.from_ndarray(pixels, "gray" if grey else "rgb24")
    if grey or bits == 16:
        return av.VideoFrame.from_ndarray(pixels, "gray16be" if grey else "rgb48be")
    top = (1 << bits) - 1
    codes = ((pixels.astype(np.uint32) * top + 32767) // 65535).astype(np.uint16)
    return av.VideoFrame.from_ndarray(codes, PACKED[bits])


def _headed(data: bytes, about: StreamInfo, number: int) -> bytes:
    """The file with what FFmpeg leaves out of the header: rate, timecode, and whether values are densities."""
    head = bytearray(data[:START] + bytes(HEADER - START))
    said: dict[str, float] = {
        "offset": HEADER,
        "size": HEADER + len(data) - START,
        "industry header": HEADER - START,
        "data": HEADER,
        "rate": float(about.fps),
        "TV rate": float(about.fps),
    }
    code = timecode_after(about.timecode, number, about.fps)
    if code:
        said["timecode"] = int("".join(filter(str.isdecimal, code)), 16)
    if about.logarithmic:
        said |= {"transfer": PRINTING_DENSITY, "colorimetry": PRINTING_DENSITY}
    for name, value in said.items():
        place, kind = DPX_FIELDS[name]
        struct.pack_into(DPX[data[:4]] + kind, head, place, value)
    return bytes(head) + data[START:]
