"""The aspect of pixels in Matroska, which PyAV does not hand to FFmpeg's muxer."""

import zlib
from fractions import Fraction
from pathlib import Path

SEGMENT, TRACKS, TRACK, VIDEO = b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\xe0"
CRC, VOID, NO_BLOCKS = b"\xbf", b"\xec", b"\x55\xee\x81\x00"
WIDTH, HEIGHT, UNIT = b"\x54\xb0", b"\x54\xba", b"\x54\xb2\x81"
PIXELS, RATIO = 0, 3
HEAD = 2**20
"""Bytes at the start of a file that hold its tracks."""


def set_aspect(path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    """Writes how wide pixels are into a file with one video track, as this project writes them; no byte moves.

    Args:
        path: The file.
        aspect: Width of a pixel over its height.
        size: Height and width of a frame in pixels.

    Raises:
        ValueError: The file is not laid out as FFmpeg does.
    """
    with path.open("r+b") as file:
        head = bytearray(file.read(HEAD))
        segment = _find(head, (0, len(head)), SEGMENT)
        tracks = _find(head, segment, TRACKS)
        start, stop = _find(head, _find(head, tracks, TRACK), VIDEO)
        video = bytes(head[start:stop])
        # FFmpeg says that the unit is unknown, and leaves eleven bytes free behind.
        free = NO_BLOCKS + VOID + b"\x01" + bytes(5) + b"\0\x02\0\0"
        if stop - start > 100 or UNIT not in video or head[stop : stop + len(free)] != free:
            raise ValueError(f"{path}: has no place for the aspect of pixels")
        width, height, unit = _display(aspect, size)
        video = video.replace(UNIT + b"\x04", UNIT + bytes([unit]))
        video += WIDTH + b"\x82" + width.to_bytes(2) + HEIGHT + b"\x83" + height.to_bytes(3)
        head[start - 1 : stop + len(free)] = bytes([0x80 | len(video)]) + video + NO_BLOCKS
        first, last = tracks
        if head[first : first + 1] == CRC:
            head[first + 2 : first + 6] = zlib.crc32(head[first + 6 : last]).to_bytes(4, "little")
        file.seek(0)
        file.write(head)


def _display(aspect: Fraction, size: tuple[int, int]) -> tuple[int, int, int]:
    """Width and height of what is shown, and their unit: pixels, or just their ratio if pixels would be broken."""
    shown = size[1] * aspect
    if shown.denominator == 1 and shown < 2**16:
        return int(shown), size[0], PIXELS
    ratio = (shown / size[0]).limit_denominator(2**12)
    return ratio.numerator, ratio.denominator, RATIO


def _find(data: bytearray, within: tuple[int, int], name: bytes) -> tuple[int, int]:
    """Where the content of an element of that name lies among those of another."""
    at, end = within
    while at < min(end, len(data)):
        found = bytes(data[at : at + 9 - data[at].bit_length()])
        at += len(found)
        length = 9 - data[at].bit_length()
        content = at + length
        at = content + int.from_bytes(data[at:content]) - (1 << 7 * length)
        if found == name:
            return content, min(at, len(data))
    raise ValueError("has no tracks")
