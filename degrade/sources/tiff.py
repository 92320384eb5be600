"""TIFF, page by page: values as the tags say what they are, or a refusal that names what is not read."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import tifffile

from degrade.core.types import Array
from degrade.sources.planes import scaled
from degrade.sources.stream import StreamInfo, picture_info

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

MOST_PIXELS = 2**28
"""Of a page; headers that lie may ask for more."""

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what it has to say is in its errors

WHITE_IS_ZERO, GREY, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
READ = {WHITE_IS_ZERO, GREY, RGB, PALETTE, CMYK, YCBCR}
"""Of the tag PhotometricInterpretation."""


class Tiff:
    """An open file. Pages of another size than the first, such as thumbnails, are passed over.

    Raises:
        ValueError: It is damaged, cut off, or of a kind that is not read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        with _one_reason():
            self._tiff = tifffile.TiffFile(file)
            pages: Any = self._tiff.pages
            whole = [page for page in pages if not page.subfiletype & 1]
            if not whole:
                raise ValueError("holds no page")
            first = whole[0]
            self.pages = [page.index for page in whole if page.shape == first.shape]
            images = (self._tiff.imagej_metadata or {}).get("images", 1)
            if images > len(self._tiff.pages):
                raise ValueError(f"a stack of {images} pictures behind one page, as ImageJ writes large ones")
            self.stream = _describe(first)

    def read(self, number: int) -> Array:
        """A page, (H, W, C), upright: uint8 or uint16 over their full range, C 1 or 3."""
        with _one_reason():
            page = self._tiff.pages[self.pages[number]].aspage()
            about = _describe(page)
            end = self.file.seek(0, 2)
            if any(at + count > end for at, count in zip(page.dataoffsets, page.databytecounts, strict=False)):
                raise ValueError("truncated TIFF")
            if page.photometric not in (CMYK, YCBCR):
                try:
                    values = page.asarray(maxworkers=1)
                except (ValueError, NotImplementedError) as error:
                    if not any(word in str(error) for word in ("imagecodecs", "not supported")):
                        raise
                else:
                    separate = page.planarconfig == 2 and page.samplesperpixel > 1
                    values = np.moveaxis(values, 0, -1) if separate else values.reshape(*values.shape[:2], -1)
                    return about.upright(_interpret(page, values))
            return self._unpacked_by_opencv(page)

    def _unpacked_by_opencv(self, page: Any) -> Array:
        """Of compressions that tifffile leaves to other packages; OpenCV turns it upright."""
        if page.bitspersample not in (1, 8, 10, 12, 14, 16) or (page.planarconfig == 2 and page.bitspersample > 8):
            what = f"{page.bitspersample} bits a value, {_name(page.compression)}, planes {_name(page.planarconfig)}"
            raise ValueError(f"TIFF of this kind ({what}) is not read without the package imagecodecs")
        self.file.seek(0)
        data = np.frombuffer(self.file.read(), np.uint8)
        done, found = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED, range=(page.index, page.index + 1))
        if not done or not found:
            raise ValueError("damaged TIFF")
        values = found[0].reshape(*found[0].shape[:2], -1)
        values = values[..., 2::-1] if values.shape[2] >= 3 else values[..., :1]
        if page.bitspersample in (10, 12, 14):  # whose values it shifts to 16 bits
            values = scaled(values >> (16 - page.bitspersample), page.bitspersample)
        inverted = page.photometric == WHITE_IS_ZERO and values.dtype == np.uint16  # 8 bits it inverts itself
        return 65535 - values if inverted else values


def _describe(page: Any) -> StreamInfo:
    _refuse(page)
    alpha = any(int(extra) in (1, 2) for extra in page.extrasamples)
    tag = page.tags.get(274)
    turn = tag.value if tag else 1
    return picture_info(page.imagelength, page.imagewidth, turn, depth=page.bitspersample, alpha=alpha)


def _refuse(page: Any) -> None:
    if page.sampleformat not in (1, 4):  # 4: not said
        raise ValueError(f"values that are {_name(page.sampleformat)}; TIFF is read with whole numbers from 0 on")
    if page.photometric not in READ:
        raise ValueError(f"TIFF with colours as {_name(page.photometric)} is not read")
    if not isinstance(page.bitspersample, int) or not 1 <= page.bitspersample <= 16:
        raise ValueError(f"TIFF with {page.bitspersample} bits a value is not read, up to 16 are")
    if page.imagedepth != 1 or page.imagelength < 1 or page.imagewidth < 1:
        raise ValueError("TIFF of volumes is not read")
    if page.imagelength * page.imagewidth > MOST_PIXELS:
        raise ValueError(f"claims {page.imagewidth}×{page.imagelength} pixels, more than are read")


def _interpret(page: Any, values: Array) -> Array:
    if page.photometric == PALETTE and values.shape[2] == 1:
        colours = np.moveaxis(np.asarray(page.colormap), 0, -1)
        colours = colours >> 8 if colours.max() > 255 else colours  # some write eight bits
        return colours.astype(np.uint8)[values[..., 0]]
    values = values[..., : 3 if values.shape[2] >= 3 else 1]
    if values.dtype == bool or page.bitspersample not in (8, 16):
        top, bits = (255, np.uint8) if page.bitspersample < 8 else (65535, np.uint16)
        values = np.round(values * (top / ((1 << page.bitspersample) - 1))).astype(bits)
    if values.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"TIFF with values of {values.dtype} is not read")
    return np.iinfo(values.dtype).max - values if page.photometric == WHITE_IS_ZERO else values


def _name(value: Any) -> str:
    return getattr(value, "name", str(value)).lower()


@contextmanager
def _one_reason() -> Iterator[None]:
    """Whatever a damaged file makes of tifffile becomes a ValueError."""
    try:
        yield
    except (ValueError, OSError):
        raise
    except Exception as error:
        raise ValueError("damaged TIFF") from error


def is_tiff(path: Path) -> bool:
    """Whether a file begins as a TIFF."""
    with path.open("rb") as file:
        return file.read(4) in SIGNATURES
