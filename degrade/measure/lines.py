"""Lines along the film: scratches, and rain."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from degrade.core.rng import Stream
from degrade.core.types import Array
from degrade.measure import _lines
from degrade.measure._motion import at_centre
from degrade.measure._pairs import shown_twice
from degrade.measure._spikes import reduced
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Stats, Values
from degrade.ops.scratch import Scratch

TESTED = 8
"""Frames from one on which lines are laid to the next."""
EVERY = 3
"""Frames from one whose flat patches are looked at to the next."""
LAID = Scratch(per_frame=6, lifetime=(200, 200), fade=0, drift=0)
PLACE, OFTEN = 0.008, 4
"""Frame heights within which lines share a place, and frames in which they must for it to be the scene's."""
REACH = 0.012
"""Frame heights within which a line is the same in the next frame."""
GAP = 2
"""Frames that a line may be out of sight."""
FEWEST = 5
"""Lines for a width."""
SURPLUS = 0.25
"""Share by which thin lines along the film must outnumber those across it, for their contrast."""


class Lines(Instrument):
    """Lines a frame that run over nearly half of the height or more; their contrast, width, lifetime and breaks.

    A line stands out from both its sides in bands of a twelfth of the height, in five of them at least. What is seen in
    one place of the scene over more than half of the shot is the scene's: so a line that stays for long before a steady
    camera is lost. Lines across the film are found in the same way and taken off: what the scene has, it has either
    way, and a shot that has many tells little. What is missed is found by laying lines, as `scratch` draws them, on
    some of the frames. Thin faint lines, rain, are counted in flat patches alone, in what is new there in a frame, so
    that the grain of wood is none; frames shown twice are passed over. Fooled by posts, trunks and fences in short
    shots and among movers, by the frame's own border, and by text.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "per_frame": Quantity("lines", "mean number on a frame, misses corrected for: scratch.per_frame"),
        "along": Quantity("lines", "those found along the film"),
        "across": Quantity("lines", "those found across it, the control"),
        "contrast": Quantity("", "median contrast in luma"),
        "light": Quantity("", "share of light lines: scratch.light"),
        "width": Quantity("frame heights", "median at half the contrast: half of scratch.width, and the blur"),
        "lifetime": Quantity("frames", "mean number of frames that a line stays: middle of scratch.lifetime"),
        "broken": Quantity("", "share of the height where a line is not seen: scratch.broken"),
        "wander": Quantity("thousandths of the height", "median step sideways from frame to frame"),
        "rain": Quantity("lines", "thin new lines a flat patch of 32 pixels, those across it taken off"),
        "rain_contrast": Quantity("levels of 255", "mean by which these are above the least that is told, 1 level"),
    }

    def __init__(self) -> None:
        self.frames = 0
        self.found: list[Array] = []
        self.across: list[Array] = []
        self.path = [np.zeros(2)]  # of the scene, in frame heights
        self.laid = np.zeros(2)
        self.rain: list[Array] = []  # of a pair of frames: patches, and of lines along and across number and sum
        self.differences: list[float] = []
        self.at: list[int] = []  # of these, those of the pairs
        self.open: list[tuple[float, float, int, int]] = []  # place, sign, age, frames out of sight
        self.ends = np.zeros(2)  # lines that ended, and frames of all
        self.steps: list[float] = []

    def see(self, view: View) -> None:
        """See `Instrument.see`."""
        if view.blank:
            return
        grey = reduced(view)
        here = _lines.columns(grey)
        over = _lines.columns(np.ascontiguousarray(grey.T)).x * grey.shape[1] / grey.shape[0]
        step = np.zeros(2) if view.step is None else at_centre(view.step, view.small.shape)[:2]
        self.path += [self.path[-1] + step] if self.frames else []
        self.frames += 1
        self.found.append(np.stack(here, axis=1))
        self.across.append(over)
        if view.t % TESTED == 0:
            self._test(grey, here)
        if view.difference is not None:
            self.differences.append(view.difference)
        if view.t % EVERY == 1 and view.pairs is not None:
            self.at.append(len(self.differences) - 1)
            off = view.pairs.off
            ways = [abs(_lines.lines(off, axis)) for axis in (1, 2)]
            sums = [sum_of for way in ways for sum_of in (np.count_nonzero(way), (way[way > 0] - 1).sum())]
            self.rain.append(np.array([len(off), *sums]))

    def _follow(self, here: _lines.Columns) -> None:
        free = set(range(len(here.x)))
        still: list[tuple[float, float, int, int]] = []
        for x, sign, age, out in self.open:
            near = [i for i in free if abs(here.x[i] - x) < REACH and here.contrast[i] * sign > 0]
            if near:
                best = min(near, key=lambda i: abs(here.x[i] - x))
                free.remove(best)
                self.steps.append(abs(float(here.x[best]) - x))
                self.ends[1] += 1 + out
                still.append((float(here.x[best]), sign, age + 1 + out, 0))
            elif out < GAP:
                still.append((x, sign, age, out + 1))
            else:
                self.ends[0] += 1
        self.ends[1] += len(free)
        self.open = still + [(float(here.x[i]), float(np.sign(here.contrast[i])), 1, 0) for i in sorted(free)]

    def _test(self, grey: Array, there: _lines.Columns) -> None:
        """Lays lines on a frame, and looks which are found."""
        height, width = grey.shape
        key = int(Stream(0, "measure", "lines").generator(int(grey.sum())).integers(2**31))
        drawn = LAID(grey[None, ..., None], seed=key)
        again = _lines.columns(drawn.frames[0, ..., 0])
        for track in drawn.trace.steps[0]["params"]["x_px"]:
            x = (track[0] + track[1]) / 2
            if 0.02 * width < x < 0.98 * width and not (abs(there.x * height - x) < 0.015 * height).any():
                self.laid += [1, (abs(again.x * height - x) < 0.006 * height + 1).any()]

    def close(self) -> Stats | None:
        """See `Instrument.close`."""
        if not self.frames:
            return None
        path = np.array(self.path)
        own = _own([rows[:, 0] for rows in self.found], path[:, 0])
        kept = [rows[one] for rows, one in zip(self.found, own, strict=True)]
        across = sum(int(one.sum()) for one in _own(self.across, path[:, 1]))
        for rows in kept:
            self._follow(_lines.Columns(*rows.T))
        found = np.concatenate(kept)
        repeated = shown_twice(np.array(self.differences))[0][self.at]
        return {
            "counts": np.array([self.frames, len(found), across, *self.laid, *self.ends]),
            "rain": np.array(self.rain).reshape(-1, 5)[~repeated].sum(axis=0),
            "sums": np.array([(found[:, 1] > 0).sum(), found[:, 3].sum()]),
            "middles": np.median(abs(found), axis=0) if len(found) else np.zeros(4),
            "steps": np.array([np.median(self.steps or [0]), len(self.steps)]),
        }

    @classmethod
    def values(cls, shots: Sequence[Stats]) -> Values:
        """See `Instrument.values`."""
        counts, sums, rain = (np.sum([shot[name] for shot in shots], axis=0) for name in ("counts", "sums", "rain"))
        frames, along, across, laid, seen, ended, lived = counts.tolist()
        patches, down, excess, over, excess_over = rain.tolist()
        own = np.array([shot["counts"][:3] for shot in shots])
        trust = own[:, 0] / (1 + own[:, 2] / own[:, 0]) ** 2
        more = max(float(trust @ ((own[:, 1] - own[:, 2]) / own[:, 0]) / trust.sum()), 0.0)
        few = f"fewer than {FEWEST} lines"
        out: dict[str, float | str] = {
            "per_frame": more * laid / seen if seen >= FEWEST else more,
            "along": along / frames,
            "across": across / frames,
            "rain": (down - over) / patches if patches else "no flat patches",
            "rain_contrast": "no rain",
        }
        if down - over >= max(FEWEST, SURPLUS * over):
            out["rain_contrast"] = max(excess - excess_over, 0) / (down - over)
        if along < FEWEST:
            return out | dict.fromkeys(["contrast", "light", "width", "lifetime", "broken", "wander"], few)
        weights = np.array([shot["counts"][1] for shot in shots])
        middles = weights @ np.array([shot["middles"] for shot in shots]) / weights.sum()
        steps = np.array([shot["steps"] for shot in shots])
        return out | {
            "contrast": float(middles[1]),
            "width": float(middles[2]),
            "light": float(sums[0] / along),
            "broken": float(1 - sums[1] / along),
            "lifetime": lived / ended if ended >= FEWEST else "too few lines that end",
            "wander": float(1000 * steps[:, 0] @ steps[:, 1] / steps[:, 1].sum()) if steps[:, 1].sum() else few,
        }


def _own(places: Sequence[Array], path: Array) -> list[Array]:
    """Of the lines of each frame, in frame heights, which are not the scene's, which moves along a path (T,).

    The scene's are seen in one place of it over more than half of the shot, and not as often in one place of the frame.
    """
    at, t = np.concatenate(places), np.repeat(np.arange(len(places)), list(map(len, places)))
    own = np.ones(len(at), bool)
    for i in range(len(at)):
        seen, stays = (np.unique(t[abs(x - x[i]) < PLACE]) for x in (at - path[t], at))
        spans = len(seen) >= OFTEN and np.ptp(seen) > len(places) / 2
        own[i] = not spans or len(stays) > 1.5 * len(seen)
    return np.split(own, np.cumsum(list(map(len, places)))[:-1])
