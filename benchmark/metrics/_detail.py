"""What became of the fine detail of a picture."""

import functools
import math
from abc import abstractmethod
from typing import ClassVar, NamedTuple

import cv2
import numpy as np

from degrade.benchmark.flow import luma
from degrade.benchmark.metrics.base import Frame, FrameMetric, Need
from degrade.core.types import Array

COARSE, AROUND = 2.0, 8.0
"""Sigmas, pixels: of the blur whose difference from the picture is its detail, and of the window that it is compared
in."""
LEAST = (1 / 255) ** 2
"""Mean energy under which a picture has no detail to speak of."""
STEP = (0.3 / 255) ** 2
"""Energy of what rounding to 8 bits adds: of less damage nothing can be said."""


class Detail(NamedTuple):
    """Shares of the target's energy."""

    lost: float
    """Of what the target has and the prediction lacks."""
    invented: float
    """Of what the prediction has of its own, neither from the target nor from the damage."""


class DetailMetric(FrameMetric):
    """A share of the energy of the target's detail, percent."""

    reference: ClassVar[str] = "least squares in every window; blurs, textures and noise of known share"
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 1
    needs: ClassVar[tuple[Need, ...]] = ("target", "input")

    @staticmethod
    @abstractmethod
    def share(of: Detail) -> float:
        """Which of the shares it is."""

    def measure(self, frame: Frame) -> float:
        """In percent, or NaN."""
        return 100 * self.share(detail(frame))


@functools.lru_cache(maxsize=1)  # both metrics ask for the same frame, one after the other
def detail(frame: Frame) -> Detail:
    """Splits the prediction's detail p in every window into a·t + b·n + rest by least squares, where t is the target's
    and n what the damage has added to the input: 1 − a of t is lost, and the rest is invented.

    NaN of a target without detail.
    """
    prediction, target, given = (luma(picture) for picture in (frame.prediction, *frame.get("target", "input")))
    t, tt = frame.once("detail", lambda: _band_and_energy(target))
    if tt.mean() < LEAST:
        return Detail(math.nan, math.nan)
    n, nn, tn = frame.once("detail of the damage", lambda: _damage(given, target, t))
    p = _band(prediction)
    pp, pt, pn = (_window(p * other) for other in (p, t, n))
    both = (tt * (nn + STEP) - tn * tn).clip(1e-20)
    a, b = (pt * (nn + STEP) - pn * tn) / both, (pn * tt - pt * tn) / both
    rest = pp - 2 * (a * pt + b * pn) + a * a * tt + 2 * a * b * tn + b * b * nn
    whole = tt.sum()
    lost = (tt * (1 - a).clip(0)).sum() / whole
    return Detail(float(lost), float(rest.clip(0).sum() / whole))


def _damage(given: Array, target: Array, t: Array) -> tuple[Array, Array, Array]:
    n = _band(given - target)
    return n, _window(n * n), _window(t * n)


def _band_and_energy(picture: Array) -> tuple[Array, Array]:
    band = _band(picture)
    return band, _window(band * band)


def _band(picture: Array) -> Array:
    """The detail of a picture (H, W)."""
    whole = picture.astype(np.float64)
    return np.asarray(whole - cv2.GaussianBlur(whole, (0, 0), COARSE))


def _window(product: Array) -> Array:
    return np.asarray(cv2.GaussianBlur(product, (0, 0), AROUND))
