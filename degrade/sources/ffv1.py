"""Checksums of FFV1's slices: FFmpeg's decoder fills damaged slices with the frame before, and does not say so."""

import zlib

REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""zlib's CRC takes each byte's bits from the other end."""

SIZE, CHECKED = 3, 8
"""Bytes at the end of a slice: its size, and this with an error status and a checksum."""


def intact(packet: bytes) -> bool:
    """Whether the slices of a frame are whole, of version 3 on; where there are no checksums, whether they add up."""
    if slices := _slices(packet, CHECKED):
        return all(one[-5] == 0 and _checks(one) for one in slices)
    return bool(_slices(packet, SIZE))


def _slices(packet: bytes, trailer: int) -> list[bytes]:
    """The slices with their trailers; nothing if their sizes do not add up to the packet's."""
    found, end = [], len(packet)
    while end >= trailer:
        size = int.from_bytes(packet[end - trailer : end - trailer + SIZE]) + trailer
        found.append(packet[max(0, end - size) : end])
        end -= size
    return found if end == 0 else []


def _checks(one: bytes) -> bool:
    """The checksum of all with the checksum is 0; version 4 begins it at all ones."""
    turned = one.translate(REVERSED)
    return any(zlib.crc32(turned, first) ^ 0xFFFFFFFF == 0 for first in (0xFFFFFFFF, 0))
