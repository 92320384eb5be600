"""Camera raw, developed by LibRaw: the camera's white balance, sRGB, nothing brightened, upright."""

import importlib.util
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from degrade.core.types import Array
from degrade.sources.stream import StreamInfo

SUFFIXES = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf",
    ".pef", ".raf", ".rw2", ".srw", ".x3f",
})  # fmt: skip
"""Which alone tell camera raw: most is TIFF by its first bytes."""

EXTRA = "camera raw needs the extra `raw`: pip install 'film-degrade[raw]'"

MOST_PIXELS = 2**28
"""Of a picture; headers that lie may ask for more."""

SIDEWAYS = (5, 6)
"""LibRaw's quarter turns."""


def is_raw(name: str) -> bool:
    """Whether a file is camera raw, by its name."""
    return Path(name).suffix.lower() in SUFFIXES


def installed() -> bool:
    """Whether the package that reads it is there."""
    return importlib.util.find_spec("rawpy") is not None


def describe(file: BinaryIO) -> StreamInfo:
    """What a picture is, by its header.

    Raises:
        ValueError: It is damaged or of a kind that LibRaw does not know, or the extra `raw` is missing.
    """
    with _open(file) as picture:
        sizes = picture.sizes
        height, width = sizes.iheight, sizes.iwidth
        if not 0 < sizes.raw_height * sizes.raw_width <= MOST_PIXELS or min(height, width) < 1:
            raise ValueError(f"claims {sizes.raw_width}×{sizes.raw_height} pixels, which is not read")
        if sizes.flip in SIDEWAYS:
            height, width = width, height
        return StreamInfo(height, width, depth=16)


def read(file: BinaryIO) -> Array:
    """A picture, upright, (H, W, 3) uint16; errors as of `describe`."""
    about = describe(file)
    import rawpy

    file.seek(0)
    with _open(file) as picture:
        try:
            values: Array = picture.postprocess(
                output_bps=16,
                use_camera_wb=True,
                no_auto_bright=True,
                gamma=(2.4, 12.92),  # sRGB's
                output_color=rawpy.ColorSpace.sRGB,
            )
        except rawpy.LibRawError as error:
            raise ValueError(_reason(error)) from error
    if values.shape != (about.height, about.width, 3):
        raise ValueError("camera raw whose pixels are not square is not read")
    return np.ascontiguousarray(values)


def _open(file: BinaryIO) -> Any:
    try:
        import rawpy
    except ImportError:
        raise ValueError(EXTRA) from None
    picture = rawpy.RawPy()
    try:
        picture.open_buffer(file)
    except rawpy.LibRawError as error:
        picture.close()
        raise ValueError(_reason(error)) from error
    return picture


def _reason(error: Exception) -> str:
    told = error.args[0] if error.args else b""
    text = told.decode(errors="replace") if isinstance(told, bytes) else told
    return f"damaged camera raw, or of a kind that LibRaw does not read ({text})"
