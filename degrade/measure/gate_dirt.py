"""Gate dirt: grains and hairs at the border that stay where they are while the picture moves behind them."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import cv2
import numpy as np
from scipy import ndimage

from degrade.core.rng import Stream
from degrade.core.types import Array
from degrade.measure._motion import at_centre
from degrade.measure._shapes import outline_measures
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values
from degrade.ops._compositing import Sprite, lay_sprites

SMALLEST = 120
"""Height of a frame in pixels, below which grains are too small to be told."""
BORDER = 0.15
"""Frame heights from its edge that are looked at: in the middle, the camera follows things."""
WIDEST = 0.03
"""Frame heights: what is wider all over is content."""
LEAST, STEADY = 0.04, 2.0
"""Luma by which a thing stands out in the mean, and how many times the standard deviation that is."""
FRAMES, REACH = 12, 0.04
"""Frames in which the camera must have moved so far, in frame heights."""
WEIGHT = 0.1
"""Of the newest frame in the means, which forget."""
SHOWN, PASSES = 0.02, 0.3
"""Luma by which the picture stands out somewhere, and how steady that is in the middle where the picture stays, too."""
PIXELS = 4
"""That a thing has at least."""
LAID = 40
"""Grains and hairs laid around the border."""
SIZES, OPACITY, TONES = (0.008, 0.05), 0.9, (0.03, 0.95)
"""Of these."""
FEWEST = 20
"""Sightings for a size."""


class GateDirt(Instrument):
    """Things a frame that stay at its border while the camera moves; their size and tone.

    A thing is up to 3% of the height wide in one direction, 0.15 heights from the edge at most, and stands out by the
    same over a dozen frames in which the camera moved by 4% of the height. What stays for less is not seen. Shots of
    still cameras tell nothing, nor do rides along a street, whose border stays alike. What is missed, on dark grounds
    above all, is found by laying grains and hairs over the same frames; the number is the median over shots. Fooled by
    what the camera follows, by logos, and by wires along which it moves.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "per_frame": Quantity("things", "mean number on a frame: gate_dirt.per_frame"),
        "seen": Quantity("things", "of them found"),
        "size": Quantity("frame heights", "median of the longest side of those found: gate_dirt.size"),
        "light": Quantity("", "share of light ones: gate_dirt.light"),
    }
    nothing: ClassVar[str] = f"no {FRAMES} frames of {SMALLEST} lines in which the camera moved on"

    def __init__(self) -> None:
        self.path: list[Array] = []
        self.own: _Steady | None = None
        self.tested: _Steady | None = None
        self.frames = 0
        self.seen = np.zeros(2)
        self.known = np.zeros((2, 2))  # laid and found, of dark and light ones
        self.sizes: list[float] = []

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.blank or view.height < SMALLEST:
            return
        shape = view.small.shape
        if self.own is None or self.tested is None:
            self.own, self.tested, self.laid = _Steady(shape), _Steady(shape), _Laid(shape)
        step = np.zeros(2) if view.step is None else at_centre(view.step, shape)[:2]
        self.path = [*self.path[-FRAMES:], self.path[-1] + step if self.path else step]
        self.own.see(view.small)
        self.tested.see(self.laid.over(view.small))
        moved = float(np.hypot(*(self.path[-1] - self.path[0])))
        if len(self.path) <= FRAMES or moved < REACH or not self.own.passes():
            return
        self.frames += 1
        there, again = self.own.where(), self.tested.where()
        for light in range(2):
            things = _parts(there[light])
            self.seen[light] += len(things)
            self.sizes += [outline_measures(points)[0] / shape[0] for points in things]
        for place, light in self.laid.places:
            if not there[light][place].any():
                self.known[:, light] += [1, again[light][place].any()]

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if not self.frames:
            return None
        return {
            "frames": np.array(self.frames),
            "seen": self.seen,
            "known": self.known,
            "size": np.array([np.median(self.sizes or [0]), len(self.sizes)]),
        }

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        frames, sizes = (np.array([shot[name] for shot in shots]) for name in ("frames", "size"))
        seen = np.array([shot["seen"] for shot in shots]) / frames[:, None]
        laid, found = np.array([shot["known"] for shot in shots]).transpose(1, 0, 2)
        true = seen * (laid + 1) / (found + 1)
        out: dict[str, float | str] = dict.fromkeys(cls.quantities, f"fewer than {FEWEST} sightings")
        out |= {"per_frame": _middle(true.sum(axis=1), frames), "seen": _middle(seen.sum(axis=1), frames)}
        if sizes[:, 1].sum() < FEWEST:
            return out
        size = float(sizes[:, 0] @ sizes[:, 1] / sizes[:, 1].sum())
        return out | {"size": size, "light": float(frames @ true[:, 1] / (frames @ true).sum())}


def _middle(values: Array, weights: Array) -> float:
    """The weighted median."""
    order = np.argsort(values, kind="stable")
    share = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return float(np.interp(0.5, share, values[order]))


class _Steady:
    """What stands out of its surroundings by the same from frame to frame, dark and light."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.mean = np.zeros(shape, np.float32)
        self.square = np.zeros(shape, np.float32)
        self.weight = 1.0
        side = 2 * round(WIDEST * shape[0] / 2) + 1
        self.kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        border = round(BORDER * shape[0])
        self.border = np.ones(shape, bool)
        self.border[border:-border, border:-border] = False

    def see(self, picture: Array) -> None:
        """The next frame, (h, w)."""
        soft = cv2.GaussianBlur(picture, (0, 0), 1)
        light, dark = (cv2.morphologyEx(soft, way, self.kernel) for way in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT))
        out = light - dark
        self.mean += self.weight * (out - self.mean)
        self.square += self.weight * (out * out - self.square)
        self.weight = max(WEIGHT, self.weight / (1 + self.weight))

    def passes(self) -> bool:
        """Whether what there is at the border is not the same for long."""
        there = self.border & (self.square > SHOWN**2)
        steady = abs(self.mean[there]) / np.maximum(self._strays()[there], 1e-4)
        return bool(there.any() and np.median(steady) < PASSES)

    def where(self) -> tuple[Array, Array]:
        """Where there are dark and light things, (h, w) each."""
        least = np.maximum(LEAST, STEADY * self._strays())
        return self.border & (-self.mean > least), self.border & (self.mean > least)

    def _strays(self) -> Array:
        return np.sqrt(np.maximum(self.square - self.mean**2, 0))


class _Laid:
    """Grains and hairs around the border, dark and light, the same over every frame."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        height, width = shape
        draw = Stream(0, "measure", "gate_dirt").generator()
        over = [np.full((*shape, 1), tone, np.float32) for tone in (0, 1)]
        self.places: list[tuple[Array, int]] = []
        for i, along in enumerate(np.linspace(0, 2 * (width + height), LAID, endpoint=False).tolist()):
            size = height * float(np.exp(draw.uniform(*np.log(SIZES))))
            x, y = _beside(along, draw.uniform(0.02, BORDER - 0.03) * height, height, width)
            outline, degrees, light = int(draw.integers(256)), float(draw.uniform(0, 360)), i % 2
            sprite = Sprite(("dust", "fibre")[i // 2 % 2], outline, x, y, size, degrees, OPACITY, TONES[light])
            mask = np.zeros_like(over[0])
            for frame in over:
                lay_sprites(frame, mask, [sprite])
            self.places.append((mask[..., 0] > 0.3, light))
        self.black, self.white = (frame[..., 0] for frame in over)

    def over(self, picture: Array) -> Array:
        """A picture under them."""
        return np.asarray(self.black + picture * (self.white - self.black))


def _parts(mask: Array) -> list[Array]:
    """Pixels (N, 2) of each connected part, x and y."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    parts = ndimage.value_indices(np.asarray(labels, np.int32), ignore_value=0).values()
    return [np.stack([x, y], axis=1) for y, x in parts if len(y) >= PIXELS]


def _beside(along: float, inwards: float, height: int, width: int) -> tuple[float, float]:
    """A place so far along the frame's edge, clockwise, and inwards of it; x and y in pixels."""
    if along < width:
        return along, inwards
    if along < width + height:
        return width - inwards, along - width
    if along < 2 * width + height:
        return 2 * width + height - along, height - inwards
    return inwards, 2 * (width + height) - along
