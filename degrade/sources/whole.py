"""Whether the file of a picture is whole: OpenCV's decoders may return what there is of a cut one.

PNG and JPEG are walked by their structure, at a few percent of the time that decoding takes. What follows the end of
the picture is no part of it, as the film of a motion photo.
"""

import io
import re
import zlib

from PIL import Image

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
ORIENTATION = 0x0112
"""EXIF's tag."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends the entropy-coded data of a JPEG scan: no marker occurs within, but those of restarts."""


def check(data: bytes) -> int:
    """Walks a picture other than TIFF.

    Returns:
        How it is turned, as EXIF says: 1 to 8, 1 where it does not say.

    Raises:
        ValueError, OSError: It is cut off, or its checksums do not hold.
    """
    if data.startswith(PNG):
        return _check_png(memoryview(data))
    if data.startswith(JPEG):
        return _check_jpeg(data)
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return orientation(picture)


def orientation(picture: Image.Image) -> int:
    """How an opened picture is turned, without reading past its header."""
    return _orientation(picture.info.get("exif", b""))


def _orientation(exif: bytes) -> int:
    if not exif:
        return 1
    tags = Image.Exif()
    try:
        tags.load(exif)
        found = tags.get(ORIENTATION)
    except Exception:  # Pillow raises whatever comes of nonsense, and no pixel depends on other tags
        return 1
    return found if isinstance(found, int) else 1


def _check_png(data: memoryview) -> int:
    at, turn = len(PNG), 1
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if end > len(data):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise ValueError("damaged PNG: wrong checksum")
        if data[at + 4 : at + 8] == b"eXIf":
            turn = _orientation(bytes(data[at + 8 : end - 4]))
        if data[at + 4 : at + 8] == b"IEND":
            return turn
        at = end
    raise ValueError("truncated PNG")


def _check_jpeg(data: bytes) -> int:
    at, turn, scans = 2, 1, 0
    while found := _MARKER.search(data, at):
        marker, at = data[found.start() + 1], found.end()
        if marker == 0xD9 and scans:
            return turn
        if marker in (0x01, 0xD8, 0xD9):
            continue
        length = int.from_bytes(data[at : at + 2])
        if marker == 0xE1 and data[at + 2 : at + 8] == b"Exif\0\0":
            turn = _orientation(data[at + 2 : at + length])
        scans += marker == 0xDA
        at += length
    raise ValueError("truncated JPEG")
