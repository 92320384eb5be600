"""Where a film is cut, and whether it is grey, tinted or in colour."""

from collections.abc import Iterable
from typing import Literal

import cv2
import numpy as np
from skimage.color import rgb2lab

from degrade.core.types import Array

THUMB = (24, 32)
"""Height and width at which frames are compared."""
CUT, NEAR = 0.4, 6
"""Least distance of two frames with a cut between, and the frames around it whose distances it must stand out from."""
STANDS_OUT = 3.0
GREY, TINTED = 3.0, 4.0
"""Of a frame: chroma up to which it is grey; deviation from one colour for each lightness up to which it is tinted."""
LEVELS = 16
SMALL = 128


def thumbnail(frame: Array) -> Array:
    """A frame (H, W, 3) uint8 as `cuts` compares it."""
    small: Array = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), THUMB[::-1], interpolation=cv2.INTER_AREA)
    return small


def cuts(thumbnails: Iterable[Array]) -> list[int]:
    """The frames at which a new shot begins, without the first.

    Neighbours are compared by correlation, which flicker and fading leave as it is. At a cut it drops far below that of
    the neighbours around, and it is as low between the frames on either side: a flash, a burnt frame or a splice in
    passing is no cut. Slow dissolves are not found.

    Args:
        thumbnails: Of all frames, from `thumbnail`.
    """
    film = np.array([_normalised(picture) for picture in thumbnails])
    if len(film) < 2:
        return []
    steps = _distance(film[:-1], film[1:])
    # From the frame before to the one after next, on either side of each step.
    first, last = np.arange(len(steps)) - 1, np.arange(len(steps)) + 2
    across = _distance(film[first.clip(0)], film[last.clip(None, len(film) - 1)])
    found = []
    for i in np.flatnonzero((steps > CUT) & (across > CUT)):
        around = np.concatenate((steps[max(i - NEAR, 0) : i], steps[i + 1 : i + 1 + NEAR]))
        if not around.size or steps[i] > STANDS_OUT * np.median(around):
            found.append(int(i) + 1)
    return found


def _normalised(picture: Array) -> Array:
    centred = picture.astype(np.float64).ravel() - picture.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1.0), np.float32)


def _distance(here: Array, there: Array) -> Array:
    """1 less the correlation, (N,)."""
    return np.asarray(1 - (here * there).sum(1))


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
