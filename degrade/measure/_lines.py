"""Lines along the film: columns that stand out from what lies beside them over much of the height."""

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from degrade.core.types import Array

BESIDE = 4
"""Pixels between a line and what it is compared with, in a flat patch."""
BANDS = 12
"""Parts of a frame's height."""
STANDS_OUT = 2.5 / 255
"""What a line stands out by in a band, on both its sides; and so many deviations of what columns do by themselves: """
DEVIATIONS = 3.0
LONG = 5
"""Bands in which it must."""


class Columns(NamedTuple):
    """Lines of a frame, (N,) each."""

    x: Array
    """Frame heights from the left."""
    contrast: Array
    """Mean over the bands that show it; positive if light."""
    width: Array
    """At half its contrast, in frame heights."""
    whole: Array
    """Share of the bands that show it."""


def columns(grey: Array) -> Columns:
    """Lines of a frame (H, W), from head to foot or nearly so."""
    height, width = grey.shape
    beside = max(3, round(0.007 * height))
    if height < 4 * BANDS or width < 4 * beside:
        return Columns(*np.zeros((4, 0)))
    bands = cv2.resize(grey, (width, BANDS), interpolation=cv2.INTER_AREA)
    left, right = np.roll(bands, beside, axis=1), np.roll(bands, -beside, axis=1)
    light, dark = bands - np.maximum(left, right), np.minimum(left, right) - bands
    found = []
    for sign, ridge in ((1, light), (-1, dark)):
        usual = 1.4826 * np.median(abs(ridge - np.median(ridge)))
        shown = (ridge > max(STANDS_OUT, DEVIATIONS * usual)) & (abs(left - right) < ridge)  # no side of a post
        shown[:, :beside] = shown[:, -beside:] = False
        wide = ndimage.maximum_filter1d(shown, 3, axis=1)  # it leans by a pixel or so
        count = wide.sum(axis=0) + 0.01 * np.where(shown, ridge, 0).sum(axis=0)
        peaks = np.flatnonzero((count >= LONG) & (count == ndimage.maximum_filter1d(count, 2 * beside + 1)))
        for x in peaks:
            rows = wide[:, x]
            contrast = float(ridge[rows, max(0, x - 1) : x + 2].max(axis=1).mean())
            behind = (left + right)[rows, x][:, None] / 2
            profile = sign * (bands[rows, x - beside : x + beside + 1] - behind).mean(axis=0)
            wide_px = np.count_nonzero(profile > profile.max() / 2)
            found.append((x / height, sign * contrast, wide_px / height, rows.mean()))
    return Columns(*np.array(found).reshape(-1, 4).T)


def lines(residual: Array, axis: int = 1) -> Array:
    """Contrast of each line that runs along an axis of flat patches (N, PATCH, PATCH), in levels; 0 elsewhere.

    A line is a mean along the whole patch that stands out by a level from what lies `BESIDE` it, on both sides.
    Light lines are positive, dark ones negative; (N, PATCH).
    """
    means = 255 * residual.mean(axis=axis)
    middle, left, right = means[:, BESIDE:-BESIDE], means[:, : -2 * BESIDE], means[:, 2 * BESIDE :]
    light, dark = middle - np.maximum(left, right), np.minimum(left, right) - middle
    contrast = np.pad(np.where(light > dark, light, -dark), ((0, 0), (BESIDE, BESIDE)))
    strength = np.maximum(np.pad(np.maximum(light, dark), ((0, 0), (BESIDE, BESIDE))), 0)
    peak = (strength > 1) & (strength == ndimage.maximum_filter1d(strength, 5, axis=1))
    return np.where(peak, contrast, 0)


def stay(first: Array, later: Array) -> Array:
    """Of each line of `first`, whether `later` has one of its sign within a pixel, half as strong at least."""
    patch, x = np.nonzero(first)
    line, beside = first[patch, x], np.pad(later, ((0, 0), (1, 1)))
    near = np.max([np.sign(line) * beside[patch, x + step] for step in (0, 1, 2)], axis=0, initial=0)
    return np.asarray(near >= abs(line) / 2)
