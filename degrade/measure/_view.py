"""A frame as instruments see it: what several of them want of it is computed once, when it is first asked for."""

import functools
from typing import Optional

import cv2
import numpy as np

from degrade.core.color import luma
from degrade.core.types import Array, to_uint8
from degrade.measure import _motion, _pairs

WORKING = 368
"""Height at which motion is estimated; larger frames are reduced to it."""
CELLS = (24, 32)
"""Rows and columns of the coarse picture."""
BLANK = 1.5 / 255
"""A frame whose standard deviation is below this shows nothing."""


class View:
    """One frame of a shot.

    Args:
        frame: (H, W, C) float32 in [0, 1].
        t: Its index in the shot.
        before: The frame before it in the shot; forgets its own as the next is seen, so that two stay in memory.
    """

    def __init__(self, frame: Array, t: int = 0, before: Optional["View"] = None) -> None:
        self.frame, self.t, self.before = frame, t, before
        if before is not None:
            before.before = None

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.frame.shape[0])

    @functools.cached_property
    def grey(self) -> Array:
        """Luma, (H, W)."""
        return luma(self.frame)

    @functools.cached_property
    def small(self) -> Array:
        """Luma for motion: (h, w), at most `WORKING` high."""
        scale = WORKING / self.height
        if scale >= 1:
            return self.grey
        size = max(1, round(scale * self.frame.shape[1])), WORKING
        return cv2.resize(self.grey, size, interpolation=cv2.INTER_AREA)

    @functools.cached_property
    def levels(self) -> Array:
        """The same as uint8."""
        return to_uint8(self.small)

    @functools.cached_property
    def blank(self) -> bool:
        """Whether it shows nothing: black, or one tone."""
        return bool(self.small.std() < BLANK)

    @functools.cached_property
    def step(self) -> Array | None:
        """Movement of most of the picture since the frame before, a 2 × 3 matrix in pixels of `small`, or none."""
        if self.before is None or self.blank or self.before.blank:
            return None
        return _motion.affine(self.before.levels, self.levels)

    @functools.cached_property
    def difference(self) -> float | None:
        """Mean levels of 255 by which this frame differs from the one before; none if either shows nothing."""
        if self.before is None or self.blank or self.before.blank:
            return None
        return 255 * float(cv2.absdiff(self.small, self.before.small).mean())

    @functools.cached_property
    def pairs(self) -> _pairs.Pairs | None:
        """Flat patches of the frame before and what is new in them; none if there are none, or either shows nothing."""
        if self.before is None or self.blank or self.before.blank:
            return None
        found = _pairs.pairs(self.before.grey, self.grey, self.step, self.height / self.small.shape[0])
        return found if found.places else None

    @functools.cached_property
    def change(self) -> Array | None:
        """Stops from the frame before, whose movement is made good, to this one, (24, 32); NaN where not both show
        anything; none for the first frame and where either is blank."""
        if self.before is None or self.blank or self.before.blank:
            return None
        earlier = self.before.small
        if self.step is not None:
            size = self.small.shape[::-1]
            earlier = cv2.warpAffine(earlier, self.step, size, flags=cv2.INTER_LINEAR, borderValue=np.nan)
        one, other = (cv2.resize(p, CELLS[::-1], interpolation=cv2.INTER_AREA) for p in (earlier, self.small))
        one[(one < 0.04) | (one > 0.92) | (other < 0.04) | (other > 0.92)] = np.nan
        return np.log2(other / one)
