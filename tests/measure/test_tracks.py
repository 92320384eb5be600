"""Strength and memory of what a track does besides the movement of the scene."""

import numpy as np
import pytest

from degrade.core.rng import ornstein_uhlenbeck
from degrade.core.types import Array
from degrade.measure import _tracks

SMALLEST = 0.02


def tracks(count: int, frames: int, std: float, memory: float) -> list[Array]:
    draw = np.random.default_rng(0)
    return [std * ornstein_uhlenbeck(draw, frames, memory) for _ in range(count)]


@pytest.mark.parametrize("memory", [0.7, 2, 8, 16])
def test_many_shots_are_read_as_they_are(memory: float) -> None:
    evidences = [_tracks.evidence(track, SMALLEST) for track in tracks(24, 96, 1.5, memory)]
    found = _tracks.fit(evidences, SMALLEST)
    assert found.std == pytest.approx(1.5, rel=0.2)
    assert found.memory == pytest.approx(memory, rel=0.4)


def test_where_shots_tell_nothing_of_the_memory_it_is_about_two_frames() -> None:
    found = _tracks.fit([np.zeros((len(_tracks.STRENGTHS), len(_tracks.MEMORIES)))], SMALLEST)
    assert found == (0, pytest.approx(2, abs=0.5))


def test_a_camera_that_gathers_speed_is_no_machine() -> None:
    drift = np.cumsum(np.linspace(-0.2, 0.3, 48))  # three units off a straight line; the machine, half a one
    for track in tracks(6, 48, 0.5, 1):
        found = _tracks.fit([_tracks.evidence(drift + track, SMALLEST)], SMALLEST)
        assert found.std == pytest.approx(0.5, rel=0.35)
        assert found.memory < 3
