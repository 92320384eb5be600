"""Pictures of film scanners and studios, decoded by FFmpeg: DPX, and EXR, whose linear light becomes sRGB."""

import math
import struct
from dataclasses import replace
from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np

from degrade.core.types import Array, to_uint16
from degrade.sources.curves import srgb
from degrade.sources.planes import WHOLE, scaled
from degrade.sources.stream import StreamInfo, picture_info, rate_of

DPX = {b"SDPX": ">", b"XPDS": "<"}
"""Magic numbers, and the byte order that they stand for."""

EXR = b"\x76\x2f\x31\x01"

SIGNATURES = (*DPX, EXR)

HEADER, LONGEST_HEADER = 2048, 1 << 16
"""Bytes: of DPX, and at most of EXR."""

MOST_PIXELS = 2**28
"""Of a picture; headers that lie may ask for more."""

DPX_FIELDS = {
    "offset": (4, "I"), "size": (16, "I"), "industry header": (28, "I"), "orientation": (768, "H"),
    "elements": (770, "H"), "width": (772, "I"), "height": (776, "I"), "descriptor": (800, "B"),
    "transfer": (801, "B"), "colorimetry": (802, "B"), "bits": (803, "B"), "data": (808, "I"), "across": (1628, "I"),
    "down": (1632, "I"), "rate": (1724, "f"), "timecode": (1920, "I"), "TV rate": (1940, "f"),
}  # fmt: skip
"""What a DPX header says, where, and as which type of `struct`."""

SHORTEST_HEADER = 1664
"""Bytes of a DPX without the parts for film and television."""

DESCRIPTORS = {6: 0, 50: 0, 51: 1, 52: 1}
"""What a DPX element holds that is read, grey, RGB, RGBA, ABGR; and whether alpha is in it."""

PRINTING_DENSITY, LOGARITHMIC = 1, 3
"""DPX's transfers whose values are densities."""

TURNS = (1, 4, 2, 3, 5, 6, 8, 7)
"""EXIF's numbers of DPX's orientations."""

TILED, DEEP_OR_PARTS = 0x200, 0x800 | 0x1000
"""Flags of an EXR's version."""

SQUARE = struct.pack("<f", 1)


def describe(file: BinaryIO) -> StreamInfo:
    """What a picture is, by its header.

    Raises:
        ValueError: It is damaged, or of a kind that is not read.
    """
    head = file.read(HEADER)
    about = _describe_dpx(head) if head[:4] in DPX else _describe_exr(head + file.read(LONGEST_HEADER - HEADER))
    if not 0 < about.height * about.width <= MOST_PIXELS:
        raise ValueError(f"claims {about.width}×{about.height} pixels, which is not read")
    return about


def read(file: BinaryIO) -> Array:
    """A picture, upright, (H, W, 1 or 3) uint16 over its full range.

    Raises:
        ValueError: See `describe`; or it is cut off.
    """
    about = describe(file)
    file.seek(0)
    data = file.read()
    if data.startswith(EXR):
        _check_exr(data)
    frame = _decode("dpx" if data[:4] in DPX else "exr", data)
    if {frame.height, frame.width} != {about.height, about.width}:
        raise ValueError("decodes to another size than it says")
    if WHOLE.fullmatch(frame.format.name):
        values = scaled(_channels(frame.to_ndarray()), frame.format.components[0].bits)
    else:
        values = to_uint16(srgb(np.nan_to_num(_channels(frame.to_ndarray()), nan=0.0)))
    return about.upright(values)


def _channels(values: Array) -> Array:
    return values.reshape(*values.shape[:2], -1)[..., :3]


def _decode(codec: str, data: bytes) -> av.VideoFrame:
    context: Any = av.CodecContext.create(codec, "r")
    context.thread_count, context.options = 1, {"err_detect": "explode"}
    try:
        frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    except av.FFmpegError as error:
        raise ValueError(f"damaged {codec.upper()}, or of a kind that FFmpeg does not decode") from error
    if len(frames) != 1 or frames[0].is_corrupt:
        raise ValueError(f"damaged {codec.upper()}")
    return frames[0]


def _describe_dpx(head: bytes) -> StreamInfo:
    order = DPX[head[:4]]
    if len(head) < SHORTEST_HEADER:
        raise ValueError("truncated DPX")
    (start,) = struct.unpack_from(f"{order}I", head, DPX_FIELDS["offset"][0])
    head = head[: max(start, SHORTEST_HEADER)].ljust(HEADER, b"\0")  # what is not there is not said

    def at(name: str) -> Any:
        place, kind = DPX_FIELDS[name]
        return struct.unpack_from(order + kind, head, place)[0]

    turn, descriptor, across, down = at("orientation"), at("descriptor"), at("across"), at("down")
    if descriptor not in DESCRIPTORS or at("elements") != 1:
        raise ValueError(f"DPX with elements of kind {descriptor} is not read; grey and RGB in one element are")
    known = 0 < across < 10_000 and 0 < down < 10_000
    turn = TURNS[turn] if turn < len(TURNS) else 1
    about = picture_info(at("height"), at("width"), turn, depth=at("bits"))
    aspect = Fraction(across, down) if known else Fraction(1)
    return replace(
        about,
        aspect=1 / aspect if about.rotation % 180 else aspect,
        rate=_rate(at("rate")) or _rate(at("TV rate")),
        alpha=bool(DESCRIPTORS[descriptor]),
        timecode=_timecode(at("timecode")),
        logarithmic=at("transfer") in (PRINTING_DENSITY, LOGARITHMIC),
    )


def _rate(value: float) -> Fraction | None:
    believed = math.isfinite(value) and 1 <= value <= 1000
    return rate_of(value) if believed else None


def _timecode(value: int) -> str:
    digits = f"{value:08x}"
    return ":".join(digits[i : i + 2] for i in range(0, 8, 2)) if value and digits.isdecimal() else ""


def _describe_exr(head: bytes) -> StreamInfo:
    if int.from_bytes(head[4:8], "little") & DEEP_OR_PARTS:
        raise ValueError("EXR with deep pixels or of several parts is not read")
    found, _ = _attributes(head)
    window, aspect = found.get("displayWindow", b""), found.get("pixelAspectRatio", SQUARE)
    if len(window) != 16 or len(aspect) != 4:
        raise ValueError("damaged EXR")
    left, top, right, bottom = struct.unpack("<4i", window)
    (ratio,) = struct.unpack("<f", aspect)
    about = StreamInfo(
        bottom - top + 1, right - left + 1, depth=16, alpha=b"\0A\0" in b"\0" + found.get("channels", b"")
    )
    known = math.isfinite(ratio) and 0.01 < ratio < 100
    return replace(about, aspect=Fraction(ratio).limit_denominator(1000)) if known else about


def _attributes(head: bytes) -> tuple[dict[str, bytes], int]:
    """What the header of an EXR says, and where it ends."""
    found: dict[str, bytes] = {}
    place = 8
    while head[place : place + 1] not in (b"", b"\0"):
        name = head.find(b"\0", place)
        kind = head.find(b"\0", name + 1)
        size = int.from_bytes(head[kind + 1 : kind + 5], "little")
        if min(name, kind) < 0 or kind + 5 + size > len(head):
            raise ValueError("damaged EXR")
        found[head[place:name].decode("latin-1")] = head[kind + 5 : kind + 5 + size]
        place = kind + 5 + size
    return found, place + 1


def _check_exr(data: bytes) -> None:
    """Raises ValueError if a chunk is missing, in whose place FFmpeg shows black; their table ends at the first one."""
    _, place = _attributes(data[:LONGEST_HEADER])
    before_size = 16 if int.from_bytes(data[4:8], "little") & TILED else 4
    first = len(data)
    while place < first:
        chunk = int.from_bytes(data[place : place + 8], "little")
        size = data[chunk + before_size : chunk + before_size + 4]
        if chunk < place or len(size) < 4 or chunk + before_size + 4 + int.from_bytes(size, "little") > len(data):
            raise ValueError("truncated EXR")
        place, first = place + 8, min(first, chunk)
