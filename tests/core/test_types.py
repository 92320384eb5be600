"""Clips in and out, masks, traces."""

import json

import numpy as np
import pytest

from degrade.core.errors import SpecError
from degrade.core.types import ClipInfo, Damaged, Trace, as_clip, to_uint8, union


def test_8_bit_levels_survive_the_way_to_floats_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    clip = as_clip(levels)
    assert clip.dtype == np.float32
    assert (clip.min(), clip.max()) == (0, 1)
    np.testing.assert_array_equal(to_uint8(clip), levels)


def test_to_uint8_rounds_to_the_nearest_and_clips() -> None:
    given = np.array([-1, 0, 0.49 / 255, 0.51 / 255, 254.4 / 255, 254.6 / 255, 1, 7], np.float32)
    assert to_uint8(given).tolist() == [0, 0, 0, 1, 254, 255, 255, 255]


def test_a_float32_clip_is_taken_as_it_is() -> None:
    clip = np.zeros((2, 3, 4, 1), np.float32)
    assert np.shares_memory(as_clip(clip), clip)


@pytest.mark.parametrize("scale", [0.01, 0.125, 0.4999, 1, 1.7])
def test_a_scaled_clip_has_at_least_a_pixel(scale: float) -> None:
    info = ClipInfo(frames=3, height=20, width=31, channels=1, id="x").scaled(scale)
    assert (info.height, info.width) == (max(1, round(20 * scale)), max(1, round(31 * scale)))
    assert (info.frames, info.channels, info.id) == (3, 1, "x")


def test_channels_are_one_or_three() -> None:
    with pytest.raises(SpecError, match="channels: should be 1 or 3, got 4"):
        ClipInfo(frames=1, height=1, width=1, channels=4)  # type: ignore[arg-type]


def test_union_is_the_maximum() -> None:
    one, other = np.float32([[0, 0.5, 1]]), np.float32([[0.2, 0.1, 0]])
    np.testing.assert_array_equal(union({"a": one, "b": other}, (1, 3)), np.float32([[0.2, 0.5, 1]]))
    assert not union({}, (2, 2)).any()


@pytest.mark.parametrize(
    ("shape", "expected"), [((4, 5), (4, 5, 1)), ((4, 5, 3), (4, 5, 1)), ((2, 4, 5, 3), (2, 4, 5, 1))]
)
def test_mask_of_undamaged_frames_is_zero_in_their_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    trace = Trace(ClipInfo(frames=1, height=4, width=5), [], [])
    mask = Damaged(np.zeros(shape, np.float32), {}, trace).mask
    assert mask.shape == expected
    assert not mask.any()


def test_a_trace_survives_json_and_tells_what_fired() -> None:
    steps = [
        {"label": "dirt", "params": {"steps": [{"label": "dust", "params": {"x": 1.5}}]}},
        {"label": "noise", "params": {}},
    ]
    trace = Trace(ClipInfo(frames=2, height=3, width=4, id="a"), [{"noise": {}}], steps)
    assert Trace.from_json(json.loads(json.dumps(trace.to_json()))) == trace
    assert trace.fired() == ["dirt", "dirt/dust", "noise"]


def test_a_clip_tells_its_info() -> None:
    info = ClipInfo.of(np.zeros((2, 3, 4, 1)), "a")
    assert info == ClipInfo(frames=2, height=3, width=4, channels=1, id="a")
