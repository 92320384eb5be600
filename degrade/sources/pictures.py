"""Sequences of picture files."""

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

from degrade.core.errors import SourceError
from degrade.core.types import Array, as_8bit
from degrade.sources import netpbm, raw, scans, tiff, whole
from degrade.sources.base import Depth, Reader, check_range
from degrade.sources.planes import scaled
from degrade.sources.stream import StreamInfo, picture_info

ERRORS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError, cv2.error)
"""What decoders raise."""


@dataclass(frozen=True)
class Pictures(Reader):
    """Picture files, one a frame, all of one size."""

    paths: tuple[Path, ...]
    stream: StreamInfo

    @property
    def frames(self) -> int:
        """Number of files."""
        return len(self.paths)

    def names(self) -> list[str]:
        """See `Source.names`."""
        stems = [path.stem for path in self.paths]
        if all(stem.isdecimal() and stem == str(int(stem)) for stem in stems):
            return [stem.zfill(5) for stem in stems]  # so that all programs sort them by their numbers
        return stems if len({stem.lower() for stem in stems}) == len(stems) else [path.name for path in self.paths]

    def read(self, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Reader.read`."""
        check_range(self.paths[0].parent, self.frames, start, stop)
        shape = stop - start, self.stream.height, self.stream.width, 3
        out = np.empty(shape, np.uint8 if depth == 8 else np.uint16)
        for frame, path in zip(out, self.paths[start:stop], strict=True):
            picture = read_picture(path, depth)
            if picture.shape != frame.shape:
                height, width = picture.shape[:2]
                other = self.paths[0].name if path != self.paths[0] else "the rest"
                raise SourceError(
                    f"{path}: {width}×{height} pixels, but {other} of the same sequence "
                    f"has {self.stream.width}×{self.stream.height}"
                )
            frame[:] = picture
        return out

    def fingerprint(self) -> str:
        """SHA-256 over the hashes of all files, in order."""
        digest = hashlib.sha256()
        for path in self.paths:
            digest.update(hash_file(path))
        return digest.hexdigest()


@dataclass(frozen=True)
class Pages(Reader):
    """The pages of one file, a frame each: TIFF, or an animation that Pillow reads."""

    path: Path
    stream: StreamInfo
    count: int

    @classmethod
    def open(cls, path: Path) -> "Pages | Pictures":
        """A file of several pages; one of a single page is a sequence of one picture."""
        about, count = describe_picture(path)
        return cls(path, about, count) if count > 1 else Pictures((path,), about)

    @property
    def frames(self) -> int:
        """Number of pages."""
        return self.count

    def read(self, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Reader.read`."""
        check_range(self.path, self.frames, start, stop)
        shape = stop - start, self.stream.height, self.stream.width, 3
        out = np.empty(shape, np.uint8 if depth == 8 else np.uint16)
        for i, number in enumerate(range(start, stop)):
            try:
                with self.path.open("rb") as file:
                    if tiff.is_tiff(self.path):
                        stored = tiff.Tiff(file).read(number)
                    else:
                        with Image.open(file) as picture:
                            picture.seek(number)
                            stored = self.stream.upright(np.asarray(picture.convert("RGB")))
            except (*ERRORS, EOFError) as error:
                raise SourceError(f"{self.path}: page {number}: {_reason(error)}") from error
            if stored.shape[:2] != shape[1:3]:
                raise SourceError(
                    f"{self.path}: page {number} has {stored.shape[1]}×{stored.shape[0]} pixels, "
                    f"the first {self.stream.width}×{self.stream.height}"
                )
            out[i] = to_depth(stored, depth)
        return out

    def fingerprint(self) -> str:
        """SHA-256 of the file."""
        return hash_file(self.path).hex()


def hash_file(path: Path) -> bytes:
    """SHA-256 of a file, streamed.

    Raises:
        SourceError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def describe_picture(path: Path) -> tuple[StreamInfo, int]:
    """What a picture is and its number of pages, from the header alone.

    Raises:
        SourceError: Not a picture.
    """
    try:
        with path.open("rb") as file:
            return describe_file(file, str(path))
    except OSError as error:
        raise SourceError(f"{path}: {_reason(error)}") from error


def describe_file(file: BinaryIO, name: str) -> tuple[StreamInfo, int]:
    """The same of an open file, which `name` stands for in errors."""
    try:
        if raw.is_raw(name):
            return raw.describe(file), 1
        head = file.read(26)
        file.seek(0)
        if head.startswith(tiff.SIGNATURES):
            found = tiff.Tiff(file)
            return found.stream, len(found.pages)
        if head.startswith(scans.SIGNATURES):
            return scans.describe(file), 1
        with Image.open(file) as picture:
            depth, turn, alpha = _bits(picture, file, head), whole.orientation(picture), picture.has_transparency_data
            about = picture_info(picture.height, picture.width, turn, depth=depth, alpha=alpha)
            # What follows the picture of a camera, in its "multi-picture" JPEG, are previews of it.
            return about, 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    except ERRORS as error:
        raise SourceError(f"{name}: {_reason(error)}") from error


def _bits(picture: Image.Image, file: BinaryIO, head: bytes) -> int:
    """Of a value."""
    if picture.format == "JPEG2000":
        return jpeg2000_bits(file) or 8
    if picture.format == "PPM":
        file.seek(0)
        return max(netpbm.white(file.read(2**16)).bit_length(), 8)
    if head.startswith(whole.PNG):
        return head[24]
    return 16 if picture.mode.startswith("I") else 8


def read_picture(path: Path, depth: Depth = 8) -> Array:
    """Decodes a picture, upright as EXIF says.

    Args:
        path: Up to 16 bit, grey (expanded) or RGB, alpha dropped; of several pages the first.
        depth: Of the values given; others are scaled to it.

    Returns:
        (H, W, 3) RGB, uint8 or uint16.

    Raises:
        SourceError: The file cannot be read, is no picture, or is cut off or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {_reason(error)}") from error
    return decode_picture(data, str(path), depth)


def decode_picture(data: bytes, name: str, depth: Depth = 8) -> Array:
    """Decodes the bytes of a file, which `name` stands for in errors; see `read_picture`."""
    try:
        if raw.is_raw(name):
            return to_depth(raw.read(io.BytesIO(data)), depth)
        if data.startswith(tiff.SIGNATURES):
            return to_depth(tiff.Tiff(io.BytesIO(data)).read(0), depth)
        if data.startswith(scans.SIGNATURES):
            return to_depth(scans.read(io.BytesIO(data)), depth)
        turn = whole.check(data)
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None:
            with Image.open(io.BytesIO(data)) as opened:
                picture = np.asarray(opened.convert("RGB"))[..., ::-1]
        else:
            picture = netpbm.full_range(picture, data) if data.startswith(b"P") else picture
    except ERRORS as error:
        raise SourceError(f"{name}: {_reason(error)}") from error
    if picture.dtype not in (np.uint8, np.uint16):
        raise SourceError(f"{name}: pixels of {picture.dtype}")
    if picture.dtype == np.uint16 and (bits := jpeg2000_bits(io.BytesIO(data))):
        picture = scaled(picture, bits)
    picture = picture.reshape(*picture.shape[:2], -1)
    picture = picture[..., 2::-1] if picture.shape[2] >= 3 else picture[..., :1]  # grey, or grey with alpha
    return picture_info(picture.shape[0], picture.shape[1], turn).upright(to_depth(picture, depth))


JPEG2000 = re.compile(rb"\xff\x4f\xff\x51.{38}(.)", re.DOTALL)
"""The start of a codestream: its size, and behind it a value's bits less one, with the sign on top."""


def jpeg2000_bits(file: BinaryIO) -> int:
    """Bits of a value of JPEG 2000; 0 of other pictures."""
    file.seek(0)
    found = JPEG2000.search(file.read(2**16))
    return (found[1][0] & 0x7F) + 1 if found else 0


def to_depth(values: Array, depth: Depth) -> Array:
    """Values (…, 1 or 3) over the full range of their type, as RGB of so many bits."""
    if depth == 8:
        values = as_8bit(values)
    elif depth == 16 and values.dtype == np.uint8:
        values = values.astype(np.uint16) * 257
    return np.repeat(values, 3, axis=-1) if values.shape[-1] == 1 else np.ascontiguousarray(values)


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0].rstrip(".") if str(error) else "damaged picture"
