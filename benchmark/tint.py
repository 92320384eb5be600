"""Whether a film is grey, tinted or in colour."""

from typing import Literal

import cv2
import numpy as np
from skimage.color import rgb2lab

from degrade.core.types import Array

GREY, TINTED = 3.0, 4.0
"""Of a frame: chroma up to which it is grey; deviation from one colour for each lightness up to which it is tinted."""
LEVELS = 16
SMALL = 128


def color_of(frame: Array) -> Literal["grey", "tinted", "colour"]:
    """What colours a frame (H, W, 3) uint8 has.

    A tinted or toned one has one colour for each lightness, a photograph in colour has several.
    """
    scale = SMALL / max(frame.shape[:2])
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    lab = rgb2lab(small.reshape(1, -1, 3))[0]
    ab = lab[np.argsort(lab[:, 0]), 1:]
    if np.quantile(np.linalg.norm(ab, axis=1), 0.95) <= GREY:
        return "grey"
    spread = [np.square(part - part.mean(0)).sum(1) for part in np.array_split(ab, LEVELS) if len(part)]
    return "tinted" if float(np.sqrt(np.concatenate(spread).mean())) <= TINTED else "colour"
