"""Where films are cut, and what only looks like a cut."""

from collections.abc import Callable

import numpy as np
import pytest

from degrade.core.types import Array
from degrade.measure import cuts
from degrade.ops import Flicker, SpatialFlicker
from degrade.sources.stills import Stills

AT = [9, 17]
"""Where the film is cut."""


def film() -> Array:
    """Three shots, 24 frames (T, H, W, 3) uint8."""
    stills = Stills(count=4, frames=20, height=48, width=64)
    shots = (("00_coffee", 9), ("01_astronaut", 8), ("02_chelsea", 7))
    return np.concatenate([stills.read(name, 0, frames) for name, frames in shots])


def noise(frame: Array, t: int) -> Array:
    return np.random.default_rng(t).integers(0, 255, frame.shape)


def jumped(frame: Array, t: int) -> Array:
    return np.roll(frame, len(frame) // 3, axis=0)


@pytest.mark.parametrize("clip", [film(), film().astype(np.float32) / 255, film().mean(axis=3, keepdims=True) / 255])
def test_cuts_are_found(clip: Array) -> None:
    assert cuts(clip) == AT
    assert cuts(iter(clip)) == AT
    assert cuts(clip[:1]) == cuts(clip[:0]) == []


@pytest.mark.parametrize("op", [Flicker(std=0.3, correlation=0.5), SpatialFlicker(std=0.1, correlation=0.5)])
def test_through_flicker(op: Flicker | SpatialFlicker) -> None:
    assert cuts(op(film().astype(np.float32) / 255, seed=1).frames) == AT


@pytest.mark.parametrize("run", [1, 2])
@pytest.mark.parametrize(
    "spoilt",
    [
        lambda frame, t: 255,
        lambda frame, t: 0,
        noise,
        jumped,
        lambda frame, t: np.minimum(3 * frame.astype(int) + 60, 255),
    ],
    ids=["white", "black", "noise", "jumped", "flash"],
)
def test_spoilt_frames_begin_no_shot(run: int, spoilt: Callable[[Array, int], Array]) -> None:
    clip = film()
    for at in (3, 12, 20):
        for t in range(at, at + run):
            clip[t] = spoilt(clip[t], t)
    assert cuts(clip) == AT


@pytest.mark.parametrize("value", [0, 255])
def test_blank_frames_at_a_cut_belong_to_the_shot_before(value: int) -> None:
    clip = film()
    clip[9:11] = value
    assert cuts(clip) == [11, 17]


def test_a_shot_of_three_frames() -> None:
    clip = film()
    assert cuts(np.concatenate([clip[:6], clip[10:13], clip[18:]])) == [6, 9]
