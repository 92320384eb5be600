"""Noise and textures along the film, on which several kinds of damage are built."""

import numpy as np
import pytest

from degrade.ops._film import along, fractal_along, tiled


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_noise_along_the_film_runs_on_into_the_next_frame(rows: int) -> None:
    frames = np.stack([along(7, t, (90, 130), rows) for t in range(40)])
    inside = np.abs(np.diff(frames, axis=1)).max()
    across = np.abs(frames[1:, 0] - frames[:-1, -1]).max()
    assert 0 < across < 1.5 * inside < 0.5 * frames.std() * rows
    assert abs(frames.mean()) < 0.3
    assert np.abs(frames[0] - along(8, 0, (90, 130), rows)).mean() > 0.3


def test_a_part_of_the_noise_is_that_part_of_the_whole() -> None:
    whole = fractal_along(3, 5, (90, 130), 2, 4, 0.6)
    part = np.s_[10:47, 80:130]
    np.testing.assert_array_equal(fractal_along(3, 5, (90, 130), 2, 4, 0.6, part), whole[part])
    assert whole.std() == pytest.approx(0.75, abs=0.25)


def test_tiles_are_of_the_size_asked_for_and_differ_between_frames() -> None:
    first, second = (tiled("honeycomb", 4, t, (90, 130), 40) for t in (0, 1))
    np.testing.assert_array_equal(first[:50], first[40:])
    np.testing.assert_array_equal(first[:, :90], first[:, 40:])
    assert np.abs(first - second).mean() > 0.1
