"""Decoded frames as RGB of 16 bits. FFmpeg's scaler shifts values there, which leaves white short of white."""

import re
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from degrade.core.types import Array
from degrade.sources.stream import BT601, BT2020

Reformat = Callable[..., av.VideoFrame]
"""As of a `VideoReformatter`."""

WHOLE = re.compile(r"gray\d*(le|be)?|gbra?p\d*(le|be)?|rgb24|rgb48(le|be)|rgba64(le|be)|rgba")
"""FFmpeg's names of whole numbers in grey and RGB that PyAV hands out."""

LIMITED, FULL_RANGE = 1, 2
"""FFmpeg's numbers of ranges."""

FULL = 65535

WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), BT601: (0.299, 0.114), 7: (0.212, 0.087),
           BT2020: (0.2627, 0.0593)}  # fmt: skip
"""Of red and blue in luma, by the matrix's code point."""


def rgb16(frame: av.VideoFrame, matrix: int, reformat: Reformat, options: dict[str, Any]) -> Array:
    """A frame, (H, W, 1 or 3) uint16 over its full range.

    Args:
        frame: As decoded.
        matrix: That of its YUV.
        reformat: What converts it.
        options: For that: how chroma is interpolated.
    """
    if WHOLE.fullmatch(frame.format.name):
        values, bits = frame.to_ndarray(), frame.format.components[0].bits
        values = values.reshape(*values.shape[:2], -1)[..., :3]
        if values.shape[2] == 1 and frame.color_range == LIMITED:
            unit = 1 << (bits - 8)
            return _rounded((values.astype(np.float32) - 16 * unit) / (219 * unit))
        return scaled(values, bits)
    if frame.format.is_rgb:  # packed in some way
        return scaled(reformat(frame, format="rgb24", **options).to_ndarray(), 8)
    return _of_yuv(frame, matrix, reformat, options)


def _of_yuv(frame: av.VideoFrame, matrix: int, reformat: Reformat, options: dict[str, Any]) -> Array:
    bits = frame.format.components[0].bits
    of_jpeg = frame.format.name.startswith("yuvj")
    full = of_jpeg or frame.color_range == FULL_RANGE
    # Where both are said to be of one limited range, values are shifted to 16 bits and else left alone. JPEG's layouts
    # are of full range whatever is said.
    same = dict.fromkeys(("src_color_range", "dst_color_range"), FULL_RANGE if of_jpeg else LIMITED)
    yuv = reformat(frame, format="yuv444p16le", **options, **same).to_ndarray().astype(np.float32)
    top = ((1 << bits) - 1) << (16 - bits)
    low, luma, chroma = (0, top, top) if full else (16 << 8, 219 << 8, 224 << 8)
    if frame.format.name == "yuvj444p":  # of which the scaler stretches luma
        luma = FULL
    y, cb, cr = (yuv[..., 0] - low) / luma, (yuv[..., 1] - 32768) / chroma, (yuv[..., 2] - 32768) / chroma
    of_red, of_blue = WEIGHTS.get(matrix, WEIGHTS[BT601])
    red, blue = y + 2 * (1 - of_red) * cr, y + 2 * (1 - of_blue) * cb
    green = (y - of_red * red - of_blue * blue) / (1 - of_red - of_blue)
    return _rounded(np.stack([red, green, blue], axis=-1))


def scaled(values: Array, bits: int) -> Array:
    """Whole numbers of so many bits, up to 16, as uint16 over its full range."""
    top = (1 << bits) - 1
    if top == FULL:
        return values.astype(np.uint16)  # in this machine's byte order
    return stretched(values, top, np.uint16)


def stretched(values: Array, top: int, dtype: npt.DTypeLike) -> Array:
    """Whole numbers from 0 to `top`, up to 65535, over the full range of a type."""
    return ((values.astype(np.uint32).clip(0, top) * np.iinfo(dtype).max + top // 2) // top).astype(dtype)


def _rounded(values: Array) -> Array:
    return (np.clip(values, 0, 1) * FULL + 0.5).astype(np.uint16)
