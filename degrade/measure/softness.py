"""Softness: the Gaussian that blurred the picture."""

import itertools
from collections.abc import Mapping, Sequence
from typing import ClassVar

import cv2
import numpy as np

from degrade.core.types import Array
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values

EVERY = 6
"""Frames from one that is looked at to the next."""
LARGEST = 720
"""Side of the square of which the spectrum is taken."""
BOUNDS = np.geomspace(0.03, 0.45, 15)
"""Of the rings of the spectrum, cycles per pixel."""
FLOOR = 0.46
"""Above it lies grain alone, about."""
FINE, COARSE = 1.0, 2.0
"""Blurs by which edges are compared, in pixels."""
STEEP = 0.012
"""Change of luma over a pixel, after the fine blur, that makes an edge."""
MOST, FEWEST = 2000, 50
"""Edges of a frame: the steepest ones, and how many it takes."""


class Softness(Instrument):
    """Standard deviation of the Gaussian that the picture looks blurred by, in pixels and thousandths of the height.

    Spectra of scenes fall as a power of the frequency; a Gaussian bends them down. Both are fitted to what stands
    above the grain. All that blurs adds up as squares: lens, print, scan, codec, and the footage's own, 0.6 pixels
    and more. Beside it the width of edges, by comparison with themselves after a further blur (S. Zhuo, T. Sim, Pattern
    Recognition 44 (2011), 1852). Fooled by sharpening, by footage that was enlarged, by shots out of focus, and by
    grain that is blurred itself. Motion blur counts.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "blur": Quantity("thousandths of the height", "by the spectrum: 1000 gaussian_blur.sigma"),
        "blur_px": Quantity("pixels", "the same"),
        "edge_px": Quantity("pixels", "by the upper quartile of the steepest edges"),
    }
    nothing: ClassVar[str] = "no frames of 32 pixels or more that show anything"

    def __init__(self) -> None:
        self.found: list[tuple[float, float]] = []
        self.height = 0

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.t % EVERY == 0 and not view.blank and min(view.grey.shape) >= 32:
            self.height = view.height
            self.found.append((_bend(view.grey), _edges(view.grey)))

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if not self.found:
            return None
        return {"squares": _middles(np.array(self.found)), "height": np.array(self.height)}

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        squares = np.array([shot["squares"] for shot in shots])
        heights = np.array([float(shot["height"]) for shot in shots])
        blur, edge = _middles(squares)
        relative = _middles(squares[:, :1] / heights[:, None] ** 2)[0]
        few = "too little detail"
        return {
            "blur": few if np.isnan(blur) else float(1000 * np.sqrt(max(relative, 0))),
            "blur_px": few if np.isnan(blur) else float(np.sqrt(max(blur, 0))),
            "edge_px": "too few edges" if np.isnan(edge) else float(np.sqrt(max(edge, 0))),
        }


def _middles(rows: Array) -> Array:
    """Median of each column without what is not known; NaN if nothing is."""
    columns = [column[~np.isnan(column)] for column in rows.T]
    return np.array([np.median(column) if column.size else np.nan for column in columns])


def _bend(grey: Array) -> float:
    """Variance in pixels of the Gaussian that bends the spectrum of a frame; NaN if too little of it is seen."""
    side = min(*grey.shape, LARGEST)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    window = np.hanning(side)
    part = grey[top : top + side, left : left + side]
    power = np.abs(np.fft.rfft2((part - part.mean()) * np.outer(window, window))) ** 2
    at = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    floor = power[at > FLOOR].mean()
    rings = [power[(at >= low) & (at < high)] for low, high in itertools.pairwise(BOUNDS)]
    mean = np.array([ring.mean() if ring.size else 0.0 for ring in rings])
    middle = np.sqrt(BOUNDS[1:] * BOUNDS[:-1])
    seen = mean > max(3 * floor, 1e-9)
    if seen.sum() < 6:
        return float("nan")
    base = np.stack([np.ones(seen.sum()), np.log(middle[seen]), middle[seen] ** 2], axis=1)
    return float(-np.linalg.lstsq(base, np.log(mean[seen] - floor), rcond=None)[0][2] / (4 * np.pi**2))


def _edges(grey: Array) -> float:
    """Variance in pixels of the upper quartile of the steepest edges; NaN if there are too few."""
    fine, coarse = (_steepness(grey, sigma) for sigma in (FINE, COARSE))
    ridge = (fine > STEEP) & (fine >= cv2.dilate(fine, np.ones((3, 3), np.uint8)))
    ridge[:4] = ridge[-4:] = False
    ridge[:, :4] = ridge[:, -4:] = False
    steep = fine[ridge]
    if steep.size < FEWEST:
        return float("nan")
    chosen = np.argsort(-steep, kind="stable")[:MOST]
    ratio = steep[chosen] / np.maximum(coarse[ridge][chosen], 1e-6)
    square = np.square(np.clip(ratio, 1.01, COARSE / FINE))
    return float(np.percentile((COARSE**2 - square * FINE**2) / (square - 1), 75))


def _steepness(grey: Array, sigma: float) -> Array:
    soft = cv2.GaussianBlur(grey, (0, 0), sigma)
    return np.hypot(*(cv2.filter2D(soft, -1, kernel) for kernel in (_HALF, _HALF.T)))


_HALF = np.array([[-0.5, 0, 0.5]], np.float32)
