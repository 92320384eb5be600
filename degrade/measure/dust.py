"""Dust and dirt: specks that one frame shows, and its neighbours do not."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.rng import Stream
from degrade.core.types import Array
from degrade.measure import _spikes
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values
from degrade.ops._compositing import Sprite, lay_sprites

EVERY = 2
"""Frames from one that is looked at to the next."""
TESTED = 3
"""Frames that are looked at from one on which specks are laid to the next."""
SIZES = np.array([0.002, 0.0032, 0.0045, 0.0064, 0.009, 0.0128, 0.018, 0.036])
"""Bounds of the classes of size, frame heights."""
SEEN_SIZES = np.array([0, 0.0032, 0.0045, 0.0064, 0.009, 0.0128, 0.018, 1])
OPACITIES = np.array([0.1, 0.3, 0.5, 0.75, 1.0])
"""Of opacity."""
SEEN_OPACITIES = np.array([0, 0.2, 0.3, 0.45, 0.65, 0.85, 100])
TONES = (0.07, 0.9)
"""Of dark and light specks, as `dust` draws them in the mean."""
ROUNDS = 30
"""Of the unfolding."""
SMALLEST = 120
"""Height of a frame in pixels, below which specks are too small to be told."""
FEWEST = 10
"""Specks for a size."""
CLEAR = 5
"""Pixels of the longest side from which on a speck has a shape."""
KINDS = 2, len(SIZES) - 1, len(OPACITIES) - 1
SEEN = len(SEEN_SIZES) - 1, len(SEEN_OPACITIES) - 1


class Dust(Instrument):
    """Specks a frame, of 0.2 to 3.6% of the height and 10% opacity or more; their size, opacity and tone.

    A speck stands out from both neighbours of its frame, moved onto it by optical flow, and these agree. What the
    detector misses, and how it misjudges size and opacity, is found by laying specks of known size and opacity on
    some of the frames themselves; the counts are unfolded by that (Richardson and Lucy). So they are estimates of
    the true number, with those that are too faint or small to be seen. Fooled by glints, sparks, rain and snow, by
    movement too fast for the flow, and by specks on consecutive frames in one place, which are not counted.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "per_frame": Quantity("specks", "mean number on a frame: dust.per_frame"),
        "seen": Quantity("specks", "of them found by the detector"),
        "size": Quantity("frame heights", "median of the longest side: dust.size"),
        "spread": Quantity("", "standard deviation of the sizes' logarithm: dust.spread"),
        "opacity": Quantity("", "median opacity: middle of dust.opacity"),
        "light": Quantity("", "share of light specks: dust.light"),
        "bursts": Quantity("", "how the number varies over the frames beyond chance: dust.bursts"),
        "elongation": Quantity("", "median of the longest side by the shorter one, of specks of five pixels or more"),
        "stretch": Quantity("", "median of their height over their breadth: dust.stretch"),
        "out_of_focus": Quantity("", "share of large specks that are soft all over: dust.texture, mote"),
    }
    nothing: ClassVar[str] = f"no three frames in a row of {SMALLEST} lines or more that show anything"

    def __init__(self) -> None:
        self.last: list[View] = []
        self.counts = np.zeros((2, *SEEN))
        self.laid = np.zeros(KINDS)
        self.found = np.zeros((*KINDS, *SEEN))
        self.numbers: list[int] = []
        self.shapes: list[float] = []
        self.stretch: list[float] = []
        self.soft: list[float] = []

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        self.last = [*self.last[-2:], view]
        if len(self.last) < 3 or view.t % EVERY or view.height < SMALLEST or any(v.blank for v in self.last):
            return
        seen = _spikes.scene(*self.last)
        specks = _spikes.spikes(seen)
        short = specks.ratio < _spikes.LONG
        np.add.at(self.counts, _classes(specks, short), 1)
        self.numbers.append(int(short.sum()))
        clear = short & (specks.size * len(seen.frame) > CLEAR)
        self.shapes += specks.ratio[clear].tolist()
        self.stretch += specks.stretch[clear].tolist()
        self.soft += specks.soft[short & (specks.size > SIZES[-4])].tolist()
        if len(self.numbers) % TESTED == 1:
            self._test(seen, specks, view.t)

    def _test(self, seen: _spikes.Scene, there: _spikes.Spikes, t: int) -> None:
        """Lays specks on the frame, one in each cell of a grid, and looks which are found."""
        draw = Stream(0, "measure", "dust").generator(t, int(seen.frame.sum()))
        height, width = seen.frame.shape
        frame = seen.frame[..., None].copy()
        rows, columns = 7, max(1, round(7 * width / height))
        mask = np.zeros_like(frame)
        placed = []
        for cell in range(rows * columns):
            size = float(np.exp(draw.uniform(*np.log(SIZES[[0, -1]]))))
            opacity, light = float(draw.uniform(*OPACITIES[[0, -1]])), int(draw.integers(2))
            x = (cell % columns + draw.uniform(0.25, 0.75)) * width / columns
            y = (cell // columns + draw.uniform(0.25, 0.75)) * height / rows
            shape, degrees = int(draw.integers(256)), float(draw.uniform(0, 360))
            if _near(there, x, y, 2 * size * height).any():
                continue
            lay_sprites(frame, mask, [Sprite("dust", shape, x, y, size * height, degrees, opacity, TONES[light])])
            kind = light, int(np.searchsorted(SIZES, size)) - 1, int(np.searchsorted(OPACITIES, opacity)) - 1
            self.laid[kind] += 1
            placed.append((x, y, size * height, kind))
        again = _spikes.spikes(_spikes.scene(self.last[0], View(frame), self.last[2]))
        for x, y, size, kind in placed:
            hits = np.flatnonzero(_near(again, x, y, size / 2 + 1.5))
            if hits.size:
                best = hits[np.argmax(abs(again.contrast[hits]))]
                light, *seen_as = (index[0] for index in _classes(again, np.array([best])))
                if light == kind[0] and again.ratio[best] < _spikes.LONG:
                    self.found[(*kind, *seen_as)] += 1

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if not self.numbers:
            return None
        return {
            "counts": self.counts,
            "frames": np.array(len(self.numbers)),
            "laid": self.laid,
            "found": self.found,
            "numbers": np.array([np.sum(self.numbers), np.sum(np.square(self.numbers))]),
            "shapes": np.array([*(np.median(of or [0]) for of in (self.shapes, self.stretch)), len(self.shapes)]),
            "soft": np.array([np.sum(np.array(self.soft) > SOFT), len(self.soft)]),
        }

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        counts, laid, found, numbers, soft, frames = (
            np.sum([shot[name] for shot in shots], axis=0)
            for name in ("counts", "laid", "found", "numbers", "soft", "frames")
        )
        true = np.stack([_unfolded(counts[i], laid[i], found[i]) for i in range(2)])
        total, few = float(true.sum()), f"fewer than {FEWEST} specks"
        mean = numbers[0] / frames
        excess = (numbers[1] / frames - mean**2 - mean) / max(mean, 1e-9) ** 2
        shape = [shot["shapes"] for shot in shots]
        out: dict[str, float | str] = {"per_frame": total / float(frames), "seen": float(mean)}
        if counts.sum() < FEWEST:
            return dict.fromkeys(cls.quantities, few) | out
        by_size, by_opacity = true.sum(axis=(0, 2)), true.sum(axis=(0, 1))
        middle = np.log(np.sqrt(SIZES[1:] * SIZES[:-1]))
        average = by_size @ middle / total
        weights = np.array([s[2] for s in shape])
        elongation, stretch = (
            float(weights @ [s[i] for s in shape] / weights.sum()) if weights.sum() >= FEWEST else few for i in range(2)
        )
        return out | {
            "size": float(np.exp(_median(by_size, np.log(SIZES)))),
            "spread": float(np.sqrt(by_size @ (middle - average) ** 2 / total)),
            "opacity": _median(by_opacity, OPACITIES),
            "light": float(true[1].sum() / total),
            "bursts": float(np.sqrt(np.log1p(max(excess, 0)))),
            "elongation": elongation,
            "stretch": stretch,
            "out_of_focus": float(soft[0] / soft[1]) if soft[1] >= FEWEST else "fewer than 10 large specks",
        }


SOFT = 4.0
"""Of `Spikes.soft`, above which a speck is out of focus."""


def _near(specks: _spikes.Spikes, x: float, y: float, reach: float) -> Array:
    return np.asarray(np.hypot(specks.x - x, specks.y - y) < reach)


def _classes(specks: _spikes.Spikes, which: Array) -> tuple[Array, Array, Array]:
    """Light or not, class of size and of opacity of some specks."""
    contrast, behind, size = specks.contrast[which], specks.behind[which], specks.size[which]
    light = (contrast > 0).astype(int)
    opacity = abs(contrast) / np.maximum(abs(np.array(TONES)[light] - behind), 0.05)
    return light, np.digitize(size, SEEN_SIZES) - 1, np.digitize(opacity, SEEN_OPACITIES) - 1


def _unfolded(counts: Array, laid: Array, found: Array) -> Array:
    """True numbers by size and opacity, from those counted and from what became of those laid."""
    response = found.reshape(laid.size, -1) / np.maximum(laid.reshape(-1, 1), 1)
    seen = response.sum(axis=1)
    told = seen > LEAST_SEEN
    true = np.where(told, counts.sum() / max(told.sum(), 1) / np.maximum(seen, LEAST_SEEN), 0.0)
    flat = counts.ravel()
    for _ in range(ROUNDS):
        expected = true @ response
        ratio = np.where(expected > 1e-9, flat / np.maximum(expected, 1e-9), 0.0)
        true = np.where(told, true * (response @ ratio) / np.maximum(seen, LEAST_SEEN), 0.0)
    return np.asarray(true.reshape(laid.shape))


LEAST_SEEN = 0.1
"""Classes of which less is found are left out."""


def _median(weights: Array, bounds: Array) -> float:
    """Of what lies in classes, evenly within each."""
    share = np.concatenate([[0], np.cumsum(weights)]) / weights.sum()
    return float(np.interp(0.5, share, bounds))
