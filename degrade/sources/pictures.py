"""Sequences of picture files."""

import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources.base import check_range

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"


@dataclass(frozen=True)
class Pictures:
    """Picture files, one a frame, all of one size."""

    paths: tuple[Path, ...]
    height: int
    width: int
    fps: float = 24.0

    @classmethod
    def open(cls, paths: list[Path]) -> "Pictures":
        """Files in order; only the first one's header is read, the others' sizes are checked in `read`."""
        return cls(tuple(paths), *picture_size(paths[0]))

    @property
    def frames(self) -> int:
        """Number of files."""
        return len(self.paths)

    def names(self) -> list[str]:
        """See `Source.names`."""
        stems = [path.stem for path in self.paths]
        return stems if len({stem.lower() for stem in stems}) == len(stems) else [path.name for path in self.paths]

    def read(self, start: int, stop: int) -> Array:
        """See `Source.read`."""
        check_range(self.paths[0].parent, self.frames, start, stop)
        out = np.empty((stop - start, self.height, self.width, 3), np.uint8)
        for frame, path in zip(out, self.paths[start:stop], strict=True):
            picture = read_picture(path)
            if picture.shape != frame.shape:
                height, width = picture.shape[:2]
                raise SourceError(
                    f"{path}: {width}×{height} pixels, but {self.paths[0].name} of the same sequence "
                    f"has {self.width}×{self.height}"
                )
            frame[:] = picture
        return out

    def fingerprint(self) -> str:
        """SHA-256 over the hashes of all files, in order."""
        digest = hashlib.sha256()
        for path in self.paths:
            digest.update(hash_file(path))
        return digest.hexdigest()


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


def picture_size(path: Path) -> tuple[int, int]:
    """Height and width, from the header alone.

    Raises:
        SourceError: Not a picture.
    """
    try:
        with path.open("rb") as file:
            return stream_size(file, str(path))
    except OSError as error:
        raise SourceError(f"{path}: {_reason(error)}") from error


def stream_size(file: BinaryIO, name: str) -> tuple[int, int]:
    """The same of an open file, which `name` stands for in errors."""
    try:
        with Image.open(file) as picture:
            return picture.height, picture.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SourceError(f"{name}: {_reason(error)}") from error


def read_picture(path: Path) -> Array:
    """Decodes a picture; EXIF orientation is ignored, so that frames are what other tools see as pixels.

    Args:
        path: 8 or 16 bit (scaled to 8), grey (expanded) or RGB, alpha dropped.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        SourceError: The file cannot be read, is no picture, or is cut off or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {_reason(error)}") from error
    return decode_picture(data, str(path))


def decode_picture(data: bytes, name: str) -> Array:
    """Decodes the bytes of a file, which `name` stands for in errors; see `read_picture`."""
    try:
        _require_whole(data)
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, cv2.error) as error:
        raise SourceError(f"{name}: {_reason(error)}") from error
    if picture is None or picture.dtype not in (np.uint8, np.uint16):
        raise SourceError(f"{name}: {'damaged picture' if picture is None else f'pixels of {picture.dtype}'}")
    if picture.dtype == np.uint16:
        picture = ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if picture.ndim == 2 or picture.shape[2] < 3:  # grey, or grey with alpha
        return np.repeat(picture.reshape(*picture.shape[:2], -1)[..., :1], 3, axis=2)
    return np.ascontiguousarray(picture[..., 2::-1])


def _require_whole(data: bytes) -> None:
    """Raises ValueError or OSError if the file is cut off: OpenCV's decoders may return what there is.

    PNG and JPEG are checked by their structure, at a few percent of the time that decoding takes.
    """
    if data.startswith(PNG):
        _check_png(memoryview(data))
    elif data.startswith(JPEG):
        # Neither marker occurs within entropy-coded data, so the last scan must be followed by the end.
        if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
            raise ValueError("truncated JPEG")
    else:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()


def _check_png(data: memoryview) -> None:
    at = len(PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if end > len(data):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise ValueError("damaged PNG: wrong checksum")
        if data[at + 4 : at + 8] == b"IEND":
            return
        at = end
    raise ValueError("truncated PNG")


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0].rstrip(".") if str(error) else "damaged picture"
