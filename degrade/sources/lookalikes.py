"""Footage with content in front that looks like damage and is none; ``builtin:lookalikes`` is that of the stills."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from degrade.core.errors import SourceError
from degrade.core.rng import Stream
from degrade.core.types import Array
from degrade.sources.base import Depth, FrameSequence, Source, check_range
from degrade.sources.report import Note
from degrade.sources.stills import BACKGROUNDS, Stills
from degrade.sources.tracks import Tracks

SHIFT = 4
"""Bits of OpenCV's coordinates after the point."""
WORDS = ("Where have you been?", "I waited all night.", "The train has left.", "Nobody told me.", "It is too late now.")

Layer = tuple[Array, tuple[int, int, int]]
"""Opacity (H, W) uint8 of something in one colour."""
Draw = Callable[[np.random.Generator, int, int, int], Iterator[Layer]]
"""``draw(rng, t, height, width)``: the layers of a frame; the generator is the same for all frames of a sequence."""


class Lookalikes(Source):
    """Footage, and in front of each sequence one kind of content that looks like damage.

    Snow and stars pass for dust, rain and blinds for scratches, wires for hair, smoke for stains, a lamp and flashes
    for flicker. All of it is part of the clean footage. Each sequence comes once with each kind, and is named after
    both: ``val/dog`` becomes ``val/dog_snow``, ``val/dog_rain`` and so on.

    Args:
        behind: The footage.
    """

    def __init__(self, behind: Source) -> None:
        self._put_before(behind, [(sequence, kind) for sequence in behind.sequences() for kind in KINDS])

    def _put_before(self, behind: Source, pairs: Iterable[tuple[FrameSequence, str]]) -> None:
        """What is in front of each sequence."""
        self._source, self._named, self._behind = behind, dict[str, FrameSequence](), dict[str, FrameSequence]()
        for sequence, kind in pairs:
            name = f"{sequence.id}_{kind}"
            if name in self._named:
                raise SourceError(f"sequences {self._behind[name].id!r} and {sequence.id!r} both give {name!r}")
            self._named[name], self._behind[name] = replace(sequence, id=name), sequence

    def sequences(self) -> list[FrameSequence]:
        """See `Source.sequences`."""
        return list(self._named.values())

    def read(self, sequence: FrameSequence | str, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Source.read`."""
        sequence = self.find(sequence)
        frames = self._source.read(self._behind[sequence.id], start, stop, depth).astype(np.float32)
        white = 2**depth - 1
        for t, frame in enumerate(frames, start):
            for opacity, color in self._layers(sequence, t):
                alpha = opacity[..., None].astype(np.float32) / 255
                frame += alpha * (np.array(color, np.float32) * (white / 255) - frame)
        return np.rint(frames).astype(np.uint8 if depth == 8 else np.uint16)

    def lookalike(self, sequence: FrameSequence | str, start: int, stop: int) -> tuple[str, Array]:
        """What looks like damage.

        Args:
            sequence: The sequence or its id.
            start: First frame.
            stop: The one after the last.

        Returns:
            kind: Its name.
            opacity: (N, H, W, 1) float32 in [0, 1].
        """
        sequence = self.find(sequence)
        check_range(sequence.id, sequence.frames, start, stop)
        clear = np.ones((stop - start, sequence.height, sequence.width, 1), np.float32)
        for t, left in enumerate(clear, start):
            for opacity, _ in self._layers(sequence, t):
                left *= 1 - opacity[..., None].astype(np.float32) / 255
        return _kind(sequence), 1 - clear

    def fingerprint(self, sequence: FrameSequence | str) -> str:
        """SHA-256 of that of what is behind, and of the name, by which the rest is drawn."""
        sequence = self.find(sequence)
        behind = self._source.fingerprint(self._behind[sequence.id])
        return hashlib.sha256(f"{behind}{sequence.id}".encode()).hexdigest()

    def names(self, sequence: FrameSequence | str) -> list[str]:
        """See `Source.names`; those of the footage, as all that follows."""
        return self._source.names(self._behind[self.find(sequence).id])

    def notes(self) -> list[Note]:
        """See `Source.notes`."""
        return self._source.notes()

    def damaged(self, sequence: FrameSequence | str, start: int, stop: int) -> tuple[int, ...]:
        """See `Source.damaged`."""
        return self._source.damaged(self._behind[self.find(sequence).id], start, stop)

    def survey(self, sequence: FrameSequence | str, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """See `Source.survey`."""
        yield from self._source.survey(self._behind[self.find(sequence).id], start, stop)

    def holds(self, place: Path) -> bool:
        """See `Source.holds`."""
        return self._source.holds(place)

    def tracks(self, sequence: FrameSequence | str) -> Tracks | None:
        """See `Source.tracks`."""
        return self._source.tracks(self._behind[self.find(sequence).id])

    def _layers(self, sequence: FrameSequence, t: int) -> Iterator[Layer]:
        return KINDS[_kind(sequence)](self._stream(sequence).generator(), t, sequence.height, sequence.width)

    def _stream(self, sequence: FrameSequence) -> Stream:
        return Stream(0, "lookalikes", sequence.id)


class BuiltinLookalikes(Lookalikes):
    """`Lookalikes` in front of `Stills`.

    Kinds take turns, as photographs do, so that each photograph comes to show many of them: ``00_coffee_snow``.

    Args:
        count: Number of sequences.
        frames: Length of each.
        height: In pixels.
        width: In pixels.
    """

    def __init__(self, count: int = 20, frames: int = 48, height: int = 256, width: int = 384) -> None:
        stills, kinds, photographs = Stills(count, frames, height, width), list(KINDS), len(BACKGROUNDS)
        turns = ((sequence, i + 2 * (i // photographs)) for i, sequence in enumerate(stills.sequences()))
        self._put_before(stills, [(sequence, kinds[turn % len(kinds)]) for sequence, turn in turns])

    def line(self, copied: Collection[str] = ()) -> str:
        """See `Source.line`; nothing, as its frames are made here."""
        return ""

    def _stream(self, sequence: FrameSequence) -> Stream:
        return Stream(0, "builtin:lookalikes", int(sequence.id.partition("_")[0]))


def _kind(sequence: FrameSequence) -> str:
    return sequence.id.rpartition("_")[2]


def _points(*points: Array) -> list[tuple[int, int]]:
    """As OpenCV takes them with `SHIFT`."""
    return [(int(x), int(y)) for x, y in (np.rint(np.asarray(point) * 2**SHIFT) for point in points)]


def _scattered(rng: np.random.Generator, count: int, height: int, width: int) -> Array:
    """Points (count, 2) of a frame and a margin of a tenth around it."""
    return rng.uniform(-0.1, 1.1, (count, 2)) * (width, height)


def _moved(points: Array, height: int, width: int) -> Array:
    """Points that leave the frame on one side come back on the other."""
    size = np.array([width, height])
    return (points + 0.1 * size) % (1.2 * size) - 0.1 * size


def _snow(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    pixel, count = height / 256, 70
    start, phase = _scattered(rng, count, height, width), rng.uniform(0, 2 * np.pi, count)
    near = rng.uniform(0.4, 1, count)
    sway = 6 * pixel * np.sin(0.2 * t + phase)
    flakes = _moved(start + np.stack([sway, 6 * pixel * near * t], -1), height, width)
    layer = np.zeros((height, width), np.uint8)
    for (at,), size in zip(map(_points, flakes), near, strict=True):
        cv2.circle(layer, at, round(2.2 * pixel * size * 2**SHIFT), int(255 * size), -1, cv2.LINE_AA, SHIFT)
    yield layer, (240, 240, 245)


def _rain(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    pixel, count = height / 256, 45
    start, near = _scattered(rng, count, height, width), rng.uniform(0.5, 1, count)
    fall = np.array([rng.uniform(-0.12, 0.12), 1.0])
    drops = _moved(start + 47 * pixel * near[:, None] * t * fall, height, width)
    layer = np.zeros((height, width), np.uint8)
    for drop, size in zip(drops, near, strict=True):
        head, tail = _points(drop, drop - 34 * pixel * size * fall)
        cv2.line(layer, head, tail, int(150 * size), max(1, round(pixel)), cv2.LINE_AA, SHIFT)
    yield layer, (225, 225, 230)


def _sparks(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    pixel, count, life = height / 256, 60, 14
    origin = rng.uniform((0.2, 0.5), (0.8, 0.9)) * (width, height)
    speed = rng.normal(0, 3.5, (count, 2)) * pixel - (0, 4 * pixel)
    ages = (t + rng.integers(0, life, count)) % life
    layer = np.zeros((height, width), np.uint8)
    for velocity, age in zip(speed, ages.tolist(), strict=True):
        at = origin + velocity * age + (0, 0.3 * pixel * age**2)
        head, tail = _points(at, at - velocity * 0.6)
        cv2.line(layer, head, tail, int(255 * (1 - age / life)), max(1, round(1.4 * pixel)), cv2.LINE_AA, SHIFT)
    yield layer, (255, 235, 190)


def _smoke(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    pixel, count, life = height / 256, 12, 60
    origin = rng.uniform((0.2, 0.7), (0.8, 0.95)) * (width, height)
    drift = rng.normal((0.6, -2.2), 0.5, (count, 2)) * pixel
    ages = (t + np.arange(count) * life // count) % life
    layer = np.zeros((height, width), np.uint8)
    for velocity, age in zip(drift, ages.tolist(), strict=True):
        puff = np.zeros_like(layer)
        (at,) = _points(origin + velocity * age)
        cv2.circle(puff, at, round((6 + 0.7 * age) * pixel * 2**SHIFT), int(130 * (1 - age / life)), -1, 0, SHIFT)
        cv2.add(layer, puff, layer)
    yield cv2.GaussianBlur(layer, (0, 0), 7 * pixel), (45, 45, 48)


def _wires(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    """Telegraph wires, as from a train."""
    pixel = height / 256
    x = np.linspace(-0.05, 1.05, 40) * width
    layer = np.zeros((height, width), np.uint8)
    for k in range(int(rng.integers(3, 6))):
        sag, phase, base = rng.uniform(5, 14) * pixel, rng.uniform(0, 1), (0.12 + 0.1 * k) * height
        y = base + sag * np.abs(np.sin(np.pi * ((x + 5 * pixel * t) / width + phase))) + 3 * pixel * np.sin(0.15 * t)
        curve = np.rint(np.stack([x, y], -1) * 2**SHIFT).astype(np.int32)
        cv2.polylines(layer, [curve], False, 220, max(1, round(1.2 * pixel)), cv2.LINE_AA, SHIFT)
    yield layer, (25, 25, 25)


def _blinds(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    """Railings that pass, close to the camera."""
    pixel = height / 256
    gap, speed, lean = rng.uniform(40, 70) * pixel, rng.uniform(1.5, 4) * pixel, rng.uniform(-4, 4) * pixel
    layer = np.zeros((height, width), np.uint8)
    for x in np.arange(-gap, width + gap, gap) + speed * t % gap:
        top, foot = _points(np.array([x, -2.0]), np.array([x + lean, height + 2.0]))
        cv2.line(layer, top, foot, 235, max(1, round(2 * pixel)), cv2.LINE_AA, SHIFT)
    yield layer, (20, 20, 22)


def _confetti(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    pixel, count = height / 256, 14
    for color in ((235, 225, 90), (30, 40, 120), (245, 245, 245), (150, 25, 40)):
        start, near = _scattered(rng, count, height, width), rng.uniform(0.5, 1, count)
        turn, phase = rng.uniform(-0.5, 0.5, count), rng.uniform(0, 2 * np.pi, count)
        sway = 4 * pixel * np.sin(0.3 * t + phase)
        pieces = _moved(start + np.stack([sway, 5 * pixel * near * t], -1), height, width)
        layer = np.zeros((height, width), np.uint8)
        for piece, size, angle in zip(pieces, near, phase + turn * t, strict=True):
            axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            corners = piece + 4 * pixel * size * np.array([[-1, -0.5], [1, -0.5], [1, 0.5], [-1, 0.5]]) @ axes
            shape = np.rint(corners * 2**SHIFT).astype(np.int32)
            cv2.fillConvexPoly(layer, shape, 255, cv2.LINE_AA, SHIFT)
        yield layer, color


def _birds(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    pixel, count = height / 256, 12
    start, phase = _scattered(rng, count, height, width) * (1, 0.5), rng.uniform(0, 2 * np.pi, count)
    flight = rng.uniform((2, -0.4), (4, 0.4)) * pixel
    flock = _moved(start + flight * t, height, width)
    layer = np.zeros((height, width), np.uint8)
    for bird, beat in zip(flock, np.sin(0.9 * t + phase), strict=True):
        wing = np.array([5, -3.5 * beat]) * pixel
        left, middle, right = _points(bird + wing * (-1, 1), bird, bird + wing)
        for tip in (left, right):
            cv2.line(layer, tip, middle, 230, max(1, round(1.2 * pixel)), cv2.LINE_AA, SHIFT)
    yield layer, (20, 20, 20)


def _subtitles(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    text = WORDS[(int(rng.integers(len(WORDS))) + t // 14) % len(WORDS)]
    scale, thick = height / 400, max(1, round(height / 256))
    (long, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    at = ((width - long) // 2, round(0.92 * height))
    for color, more in (((0, 0, 0), 2 * thick), ((245, 245, 245), 0)):
        layer = np.zeros((height, width), np.uint8)
        cv2.putText(layer, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick + more, cv2.LINE_AA)
        yield layer, color


def _lamp(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    """One that blinks, and lights what is around."""
    at, reach = rng.uniform(0.2, 0.8, 2) * (width, height), rng.uniform(0.25, 0.4) * height
    on, period = int(rng.integers(1, 4)), int(rng.integers(5, 9))
    lit = t % period < on
    distance = np.hypot(np.arange(width) - at[0], np.arange(height)[:, None] - at[1])
    glow = np.where(distance < 0.1 * reach, 1, 0.55 * np.exp(-np.square(distance / reach))) if lit else 0 * distance
    yield np.rint(255 * glow).astype(np.uint8), (255, 245, 220)


def _stars(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    """They twinkle, and pass slowly as the camera turns."""
    pixel, count = height / 256, 90
    drift = rng.uniform(-0.8, 0.8, 2) * pixel
    sky = _moved(_scattered(rng, count, height, width) + drift * t, height, width)
    size, phase, pace = rng.uniform(0.5, 1.6, count), rng.uniform(0, 2 * np.pi, count), rng.uniform(0.3, 1.5, count)
    shine = 0.75 + 0.25 * np.sin(pace * t + phase)
    layer = np.zeros((height, width), np.uint8)
    for (at,), radius, light in zip(map(_points, sky), size, shine, strict=True):
        cv2.circle(layer, at, round(radius * pixel * 2**SHIFT), int(255 * light), -1, cv2.LINE_AA, SHIFT)
    yield layer, (250, 250, 255)


def _flashes(rng: np.random.Generator, t: int, height: int, width: int) -> Iterator[Layer]:
    """Of photographers: one frame, from one side, now and then; the next frame has what is left of it."""
    period, first, weak = int(rng.integers(5, 9)), int(rng.integers(0, 5)), rng.uniform(0.1, 0.25)
    side = rng.uniform(0, 1) < 0.5
    strength = {0: 0.85, 1: float(weak)}.get((t + first) % period, 0.0)
    across = np.linspace(1, 0.45, width) if side else np.linspace(0.45, 1, width)
    yield np.broadcast_to(np.rint(255 * strength * across), (height, width)).astype(np.uint8), (255, 252, 245)


KINDS: dict[str, Draw] = {
    "snow": _snow, "rain": _rain, "sparks": _sparks, "smoke": _smoke, "wires": _wires, "blinds": _blinds,
    "confetti": _confetti, "birds": _birds, "subtitles": _subtitles, "lamp": _lamp,
    "stars": _stars, "flashes": _flashes,
}  # fmt: skip
