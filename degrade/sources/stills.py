"""``builtin:stills``: photographs under a moving camera, movers in front, and their exact optical flow."""

import functools
import hashlib
import importlib.util
import math
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from degrade.core.errors import SourceError
from degrade.core.rng import Stream
from degrade.core.types import Array
from degrade.sources.base import Depth, FrameSequence, Source, check_range
from degrade.sources.pictures import hash_file, read_picture, to_depth
from degrade.sources.stream import UNTAGGED_RATE, StreamInfo

BACKGROUNDS = (
    "coffee.png", "astronaut.png", "chelsea.png", "camera.png", "rocket.jpg", "coins.png",
    "brick.png", "ihc.png", "gravel.png", "hubble_deep_field.jpg", "grass.png", "moon.png",
)  # fmt: skip
"""Photographs in scikit-image's wheel, public domain or CC0 by its documentation."""

PAGE = "page.png"
"""A printed page, from there, too."""

HEADROOM = {"astronaut.png": 0.05, "camera.png": 0.15, "rocket.jpg": 0.6}
"""Share of what a wide frame leaves out of the photograph that is cut off at the top; half if not named."""

CUTOUTS = (
    ("coffee.png", 292, 142, 112),
    ("chelsea.png", 233, 140, 112),
    ("astronaut.png", 388, 436, 66),
    ("coins.png", 345, 186, 30),
    ("retina.jpg", 706, 706, 640),
    ("cell.png", 428, 372, 64),
)
"""Objects for movers: photograph, column and row of the centre, radius in pixels."""

MOST_FRAMES, LARGEST_SIDE = 10_000_000, 16_384
"""In all sequences, and pixels."""


class Wave(NamedTuple):
    """A sine over time."""

    amplitude: float
    period: float
    """In frames."""
    phase: float
    """In turns."""

    def at(self, t: int) -> float:
        """Value at frame t."""
        return self.amplitude * float(np.sin(2 * np.pi * (t / self.period + self.phase)))


class Motion(NamedTuple):
    """A smooth path of a plane: shift in pixels, angle in radians, logarithm of the zoom."""

    x: Wave
    y: Wave
    angle: Wave
    zoom: Wave

    def matrix(self, t: int, height: int, width: int) -> Array:
        """Takes points of the plane (in pixels from its centre) to frame t, 3 × 3."""
        scale = np.exp(self.zoom.at(t))
        cos, sin = scale * np.cos(self.angle.at(t)), scale * np.sin(self.angle.at(t))
        x, y = (width - 1) / 2 + self.x.at(t), (height - 1) / 2 + self.y.at(t)
        return np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1]])


class Mover(NamedTuple):
    """A cut-out whose outline is a circle with a few harmonics."""

    cutout: int
    radius: float
    """Mean radius in frame pixels at zoom 1."""
    harmonics: tuple[tuple[float, float], ...]
    """Amplitude, relative to the radius, and phase of two, three … bulges."""
    motion: Motion

    def depth(self, points: Array, t: int, height: int, width: int) -> Array:
        """How far inside the outline points (…, 2) of frame t lie, in pixels; negative outside.

        To first order: right at the outline, and good near it.
        """
        matrix = self.motion.matrix(t, height, width)
        x, y = np.moveaxis(_apply(np.linalg.inv(matrix), points) / self.radius, -1, 0)
        distance = np.hypot(x, y)
        depth = np.full(distance.shape, -np.inf)
        near = distance < 1.5  # no outline reaches further
        angle = np.arctan2(y[near], x[near])
        outline, slope = np.ones_like(angle), np.zeros_like(angle)
        for k, (amplitude, phase) in enumerate(self.harmonics, start=2):
            outline += amplitude * np.cos(k * angle + phase)
            slope -= amplitude * k * np.sin(k * angle + phase)
        pixels = self.radius * np.hypot(matrix[0, 0], matrix[1, 0])
        depth[near] = (outline - distance[near]) * pixels / np.hypot(1, slope / outline)
        return depth

    def box(self, t: int, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of frame t that hold it."""
        matrix = self.motion.matrix(t, height, width)
        bulge = 1 + sum(amplitude for amplitude, _ in self.harmonics)
        reach = self.radius * np.hypot(matrix[0, 0], matrix[1, 0]) * bulge + 1
        corners = np.array([matrix[:2, 2] - reach, matrix[:2, 2] + reach + 2])
        (left, top), (right, bottom) = corners.clip(0, [width, height]).astype(int)
        return slice(top, bottom), slice(left, right)


class Scene(NamedTuple):
    """All that was drawn for a sequence."""

    background: str
    camera: Motion
    movers: tuple[Mover, ...]
    """From back to front."""


class Stills(Source):
    """Moving footage out of still photographs.

    A photograph pans, turns and zooms behind one to three cut-outs of other photographs, each on its own
    path, at up to 6 pixels a frame (at a height of 256; proportional at others). Every frame is computed by
    itself; the scenes are always the same, whatever the number and length of sequences.

    Args:
        count: Number of sequences; 12 photographs take turns.
        frames: Length of each.
        height: In pixels. The photographs are some 400 pixels high, so tall frames are soft.
        width: In pixels.
        pages: Number of further sequences, whose photograph is of a printed page.
    """

    def __init__(self, count: int = 12, frames: int = 48, height: int = 256, width: int = 384, pages: int = 0) -> None:
        if min(count, frames, height, width) < 1:
            raise SourceError(f"builtin:stills: {count} × {frames} frames of {width}×{height}: all must be 1 or more")
        if (count + pages) * frames > MOST_FRAMES or max(height, width) > LARGEST_SIDE:
            raise SourceError(
                f"builtin:stills: {count + pages} × {frames} frames of {width}×{height}: at most {MOST_FRAMES:,} "
                f"frames of {LARGEST_SIDE:,} pixels a side"
            )
        self.count, self.frames, self.height, self.width = count, frames, height, width
        photographs = [BACKGROUNDS[i % len(BACKGROUNDS)] for i in range(count)] + [PAGE] * pages
        names = [f"{i:02d}_{Path(photograph).stem}" for i, photograph in enumerate(photographs)]
        stream = StreamInfo(height, width, rate=UNTAGGED_RATE)
        self._named = {name: FrameSequence(name, frames, stream) for name in names}
        self._photographs = dict(zip(names, photographs, strict=True))

    def sequences(self) -> list[FrameSequence]:
        """See `Source.sequences`; ids are like ``00_coffee``."""
        return list(self._named.values())

    def line(self, copied: Collection[str] = ()) -> str:
        """See `Source.line`; nothing, as its frames are made here."""
        return ""

    def find(self, sequence: FrameSequence | str) -> FrameSequence:
        """See `Source.find`; as fast however many there are."""
        name = sequence if isinstance(sequence, str) else sequence.id
        return self._named[name] if name in self._named else super().find(name)

    def read(self, sequence: FrameSequence | str, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Source.read`; made in 8 bit."""
        sequence = self.find(sequence)
        check_range(sequence.id, self.frames, start, stop)
        scene = self._scene(sequence)
        out = np.empty((stop - start, self.height, self.width, 3), np.uint8)
        for i, frame in enumerate(out):
            _render(scene, start + i, frame)
        return to_depth(out, depth)

    def flow(self, sequence: FrameSequence | str, t: int) -> tuple[Array, Array]:
        """Exact motion of what is seen in frame t.

        Args:
            sequence: The sequence or its id.
            t: Frame index, less than the last.

        Returns:
            flow: (H, W, 2) float32, pixels to the right and down from frame t to t + 1. On an outline,
                where a pixel mixes two surfaces, the motion of the one at its centre.
            occlusion: (H, W) bool, True where that point is hidden, or outside the frame, at t + 1.
        """
        sequence = self.find(sequence)
        check_range(sequence.id, self.frames - 1, t, t + 1)
        scene, size = self._scene(sequence), (self.height, self.width)
        here = np.stack(np.meshgrid(np.arange(self.width), np.arange(self.height)), -1).astype(np.float64)
        front = np.full(size, -1)
        for k, mover in enumerate(scene.movers):
            front[mover.depth(here, t, *size) > 0] = k
        there = np.empty_like(here)
        for k, motion in enumerate([scene.camera, *(mover.motion for mover in scene.movers)], start=-1):
            step = motion.matrix(t + 1, *size) @ np.linalg.inv(motion.matrix(t, *size))
            there[front == k] = _apply(step, here[front == k])
        occluded = np.any((there < 0) | (there > [self.width - 1, self.height - 1]), axis=-1)
        for k, mover in enumerate(scene.movers):
            occluded |= (k > front) & (mover.depth(there, t + 1, *size) > 0)
        return (there - here).astype(np.float32), occluded

    def fingerprint(self, sequence: FrameSequence | str) -> str:
        """SHA-256 of the photographs and of the scene."""
        scene = self._scene(self.find(sequence))
        digest = hashlib.sha256(repr((scene, self.height, self.width)).encode())
        for name in (scene.background, *(CUTOUTS[mover.cutout][0] for mover in scene.movers)):
            digest.update(_photo_hash(name))
        return digest.hexdigest()

    def _scene(self, sequence: FrameSequence) -> Scene:
        index = int(sequence.id.partition("_")[0])
        return _scene(index, self._photographs[sequence.id], self.height, self.width)


@functools.lru_cache(maxsize=256)
def _scene(index: int, background: str, height: int, width: int) -> Scene:
    rng = Stream(0, "builtin:stills", index).generator()
    pixel = height / 256

    def wave(amplitude: tuple[float, float], period: tuple[float, float]) -> Wave:
        return Wave(float(rng.uniform(*amplitude)), float(rng.uniform(*period)), float(rng.uniform()))

    def drift(speed: float, reach: float) -> Wave:
        """A wave of that reach and greatest speed, both in pixels."""
        return Wave(reach, float(2 * np.pi * reach / speed), float(rng.uniform()))

    pan = rng.uniform(0.8, 3) * pixel
    turn = rng.uniform(0, 2 * np.pi)
    camera = Motion(
        drift(pan * max(0.2, abs(np.cos(turn))), float(rng.uniform(20, 44)) * pixel),
        drift(pan * max(0.2, abs(np.sin(turn))), float(rng.uniform(12, 26)) * pixel),
        wave((0.005, 0.04), (60, 160)),
        wave((0.01, 0.05), (60, 160)),
    )
    others = [i for i, cutout in enumerate(CUTOUTS) if cutout[0] != background]
    movers = []
    for cutout in rng.permutation(others)[: rng.integers(1, 4)].tolist():
        speed, turn = rng.uniform(1.5, 4.5) * pixel, rng.uniform(0, 2 * np.pi)
        motion = Motion(
            drift(speed * max(0.2, abs(np.cos(turn))), float(rng.uniform(0.25, 0.5)) * width),
            drift(speed * max(0.2, abs(np.sin(turn))), float(rng.uniform(0.2, 0.4)) * height),
            wave((0.05, 0.3), (60, 160)),
            wave((0.02, 0.1), (60, 160)),
        )
        bulges = zip(rng.uniform(0, [0.1, 0.07, 0.04]).tolist(), rng.uniform(0, 2 * np.pi, 3).tolist(), strict=True)
        movers.append(Mover(cutout, float(rng.uniform(0.1, 0.2)) * height, tuple(bulges), motion))
    return Scene(background, camera, tuple(movers))


def _render(scene: Scene, t: int, out: Array) -> None:
    height, width = out.shape[:2]
    photo, scale = _backdrop(scene, height, width)
    _warp(photo, scale, scene.camera.matrix(t, height, width), out)
    for mover in scene.movers:
        rows, columns = mover.box(t, height, width)
        target = out[rows, columns]
        if not target.size:
            continue
        corner = np.array([columns.start, rows.start])
        points = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in (columns, rows))), -1)
        # Coverage of the pixel by the outline: what a lens does to an edge.
        alpha = np.clip(mover.depth(points, t, height, width) + 0.5, 0, 1)[..., None].astype(np.float32)
        matrix = mover.motion.matrix(t, height, width)
        matrix[:2, 2] -= corner
        photo, scale = _object(mover.cutout, mover.radius)
        pixels = _warp(photo, scale, matrix, np.empty_like(target))
        target[:] = target + alpha * (pixels.astype(np.float32) - target) + 0.5


def _warp(photo: Array, scale: float, matrix: Array, out: Array) -> Array:
    """Fills `out` with the photo, whose pixels are `scale` frame pixels wide, moved by `matrix`."""
    height, width = photo.shape[:2]
    x, y = scale * (width - 1) / 2, scale * (height - 1) / 2
    way = matrix @ np.array([[scale, 0, -x], [0, scale, -y], [0, 0, 1]])
    size = out.shape[1::-1]
    out[:] = cv2.warpAffine(photo, way[:2], size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return out


@functools.lru_cache(maxsize=16)
def _backdrop(scene: Scene, height: int, width: int) -> tuple[Array, float]:
    """The background, and how many frame pixels one of its pixels takes, so that it covers every frame."""
    camera, photo = scene.camera, _photo(scene.background)
    zoom, sin = np.exp(camera.zoom.amplitude), np.sin(camera.angle.amplitude)
    half = np.array([height / 2 + abs(camera.y.amplitude), width / 2 + abs(camera.x.amplitude)])
    needed = 2 * zoom * (half + sin * half[::-1]) + 2
    scale = float((needed / photo.shape[:2]).max())
    kept = math.ceil(needed[0] / scale)
    top = round((len(photo) - kept) * HEADROOM.get(scene.background, 0.5))
    return _shrink(photo[top : top + kept], scale)


@functools.lru_cache(maxsize=32)
def _object(cutout: int, radius: float) -> tuple[Array, float]:
    return _shrink(_cut_out(cutout), radius / CUTOUTS[cutout][3])


@functools.cache
def _cut_out(cutout: int) -> Array:
    """The part of its photograph that an object takes; it may reach the photograph's edge."""
    name, x, y, reach = CUTOUTS[cutout]
    photo, side = _photo(name), round(1.3 * reach)
    padded = np.pad(photo, ((side, side), (side, side), (0, 0)), "reflect")
    return padded[y : y + 2 * side + 1, x : x + 2 * side + 1].copy()


def _shrink(photo: Array, scale: float) -> tuple[Array, float]:
    """Photo and scale, made smaller beforehand if its pixels are finer than the frame's, against aliasing."""
    if scale >= 1:
        return photo, scale
    height, width = (max(1, round(side * scale)) for side in photo.shape[:2])
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), scale * photo.shape[0] / height


@functools.lru_cache(maxsize=len(BACKGROUNDS) + len(CUTOUTS) + 1)
def _photo(name: str) -> Array:
    return read_picture(_folder() / name)


@functools.cache
def _photo_hash(name: str) -> bytes:
    return hash_file(_folder() / name)


def _folder() -> Path:
    """Where scikit-image keeps the pictures of its wheel; found without importing it."""
    spec = importlib.util.find_spec("skimage")
    if not spec or not spec.submodule_search_locations:
        raise SourceError("builtin:stills needs scikit-image, which is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


def _apply(matrix: Array, points: Array) -> Array:
    return points @ matrix[:2, :2].T + matrix[:2, 2]
