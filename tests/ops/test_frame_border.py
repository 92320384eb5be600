"""`frame_border`: how far it reaches in, and its corners."""

from typing import Any

import numpy as np
import pytest

from degrade.core.types import Array
from degrade.ops import FrameBorder

HEIGHT, WIDTH = 100, 160
BARE: dict[str, Any] = {"left": 0, "right": 0, "top": 0, "foot": 0, "radius": 0, "softness": 0, "tone": 0}


def under(**parameters: Any) -> tuple[Array, Array]:
    """A light frame, and the mask."""
    damaged = FrameBorder(**(BARE | parameters))(np.full((2, HEIGHT, WIDTH, 3), 0.8, np.float32), seed=1)
    assert (damaged.frames[0] == damaged.frames[1]).all()
    return damaged.frames[0, ..., 0], damaged.mask[0, ..., 0]


def test_each_side_has_its_width() -> None:
    frame, mask = under(left=0.05, right=0.1, top=0.02, foot=0.12)
    inside = np.s_[2:-12, 5:-10]
    assert (frame[inside] == np.float32(0.8)).all()
    assert not mask[inside].any()
    assert mask.sum() == pytest.approx(HEIGHT * WIDTH - 86 * 145)
    assert frame[mask == 1].max() == 0


def test_corners_are_quarters_of_circles() -> None:
    frame, mask = under(radius=0.3, tone=0.1)
    assert mask.sum() == pytest.approx((4 - np.pi) * 30**2, rel=0.01)
    assert frame[0, 0] == frame[-1, -1] == pytest.approx(0.1)
    assert (frame[HEIGHT // 2] == np.float32(0.8)).all()
    diagonal = mask.diagonal()
    assert np.flatnonzero(diagonal == 0)[0] == pytest.approx(30 * (1 - np.sqrt(0.5)), abs=1)
    np.testing.assert_array_equal(mask, mask[::-1, ::-1])


def test_a_soft_edge_darkens_outwards_and_never_the_picture_within() -> None:
    frame, mask = under(left=0.2, softness=0.1)
    assert (np.diff(frame[50, :21]) >= 0).all()
    assert not mask[:, 20:].any()
    assert (mask[:, :10] == 1).all()
    assert mask[50, 15] == pytest.approx(0.5, abs=0.15)


def test_nothing_is_left_where_sides_meet() -> None:
    tall = np.full((1, 100, 20, 1), 0.8, np.float32)
    damaged = FrameBorder(**(BARE | {"left": 0.2, "right": 0.2, "radius": 0.5}))(tall, seed=1)
    assert damaged.mask.min() == 1
