"""Where frames go, when they are shown, and what of their neighbours: by hand, and as the parameters say."""

from itertools import groupby
from typing import Any

import numpy as np
import pytest

from degrade.core.op import Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo
from degrade.ops import (
    BlackFrames,
    Combing,
    Dust,
    FrameFaults,
    HandCranked,
    Jump,
    Pulldown,
    Roll,
    Slip,
    Weave,
)
from degrade.ops._strip import StripParams
from degrade.ops.pipeline import Pipeline

TIMED: list[Op] = [Combing(), Pulldown(), HandCranked(), FrameFaults()]
STRIPS: list[Op] = [Slip(), Roll(), Jump()]


def drawn(op: Op, frames: int, clip: int = 0) -> Any:
    return op.sample(ClipInfo(frames=frames, height=40, width=30, id=str(clip)), Stream(0, str(clip)))


def numbered(frames: int) -> Array:
    """Frame t has the value t / 100 everywhere."""
    return np.broadcast_to(np.arange(frames, dtype=np.float32)[:, None, None, None] / 100, (frames, 6, 5, 1))


def numbers(frames: Array) -> Array:
    return np.rint(100 * frames[:, :, 0, 0]).astype(int)


def clip(frames: int = 12, height: int = 40) -> Array:
    return np.random.default_rng(0).random((frames, height, 30, 3), dtype=np.float32)


@pytest.mark.parametrize("op", TIMED + STRIPS, ids=lambda op: type(op).__name__)
def test_masks_go_where_the_picture_goes(op: Op) -> None:
    params = drawn(op, 12)
    np.testing.assert_array_equal(op.move(clip(), params, 0), op.render(clip(), params, 0).frames)


@pytest.mark.parametrize("op", TIMED, ids=lambda op: type(op).__name__)
def test_the_target_is_the_frame_that_the_trace_names(op: Op) -> None:
    params = drawn(op, 12)
    np.testing.assert_array_equal(op.target(clip(), params, 0), clip()[list(params.shown)])


@pytest.mark.parametrize("op", STRIPS, ids=lambda op: type(op).__name__)
def test_the_target_moves_in_the_gate_with_the_picture(op: Op) -> None:
    params = drawn(op, 12)
    np.testing.assert_array_equal(op.target(clip(), params, 0), op.render(clip(), params, 0).frames)


@pytest.mark.parametrize(("order", "older"), [("top", 0), ("bottom", 1)])
def test_combing_takes_every_other_line_from_the_next_frame(order: Any, older: int) -> None:
    lines = numbers(Combing(first=(order,))(numbered(4), seed=0).frames)
    assert lines[:, older::2].T.tolist() == [[0, 1, 2, 3]] * 3
    assert lines[:, 1 - older :: 2].T.tolist() == [[1, 2, 3, 3]] * 3  # there is none after the last


def test_combing_combs_the_masks_too() -> None:
    plain = Dust(per_frame=60, size=0.2)(clip(), seed=0).masks["dust"]
    combed = Pipeline(ops=(Dust(per_frame=60, size=0.2), Combing(first=("top",))))(clip(), seed=0).masks["dust"]
    np.testing.assert_array_equal(combed[:, ::2], plain[:, ::2])
    np.testing.assert_array_equal(combed[:-1, 1::2], plain[1:, 1::2])


def test_pulldown_is_the_stream_of_fields_two_three_two_three_cut_in_pairs() -> None:
    fields = np.repeat(np.arange(40), [2, 3] * 20).reshape(-1, 2)
    phases = set()
    for i in range(40):
        lines = numbers(Pulldown(first=("top",))(numbered(20), clip_id=str(i), seed=0).frames)
        pairs = lines[:, [0, 1]]
        fitting = [p for p in range(5) if np.array_equal(pairs, fields[p : p + 20] - fields[p, 0])]
        assert len(fitting) == 1
        phases.add(fitting[0])
        assert (lines[:, ::2] == lines[:, :1]).all()
        assert (lines[:, 1::2] == lines[:, 1:2]).all()
        assert 15 <= lines.max() <= 16  # four fifths of the clip
    assert phases == set(range(5))


def test_a_crank_that_turns_evenly_shows_frames_at_even_distances() -> None:
    shown = drawn(HandCranked(speed=0.5, drift=0, swing=0), 101).shown
    assert shown == tuple(np.rint(np.arange(101) / 2).astype(int).tolist())
    assert drawn(HandCranked(speed=1, drift=0, swing=0), 50).shown == tuple(range(50))
    assert drawn(HandCranked(), 1).shown == (0,)


def test_a_hand_cranked_clip_keeps_its_order_and_its_mean_speed() -> None:
    for i in range(50):
        shown = np.array(drawn(HandCranked(speed=(0.6, 0.9)), 200, i).shown)
        assert (np.diff(shown) >= 0).all()
        assert shown[0] == 0
        assert 0.59 < shown[-1] / 199 < 0.91


def test_the_speed_swings_with_the_crank_and_drifts_as_long_as_it_should() -> None:
    steps = np.mean(
        [abs(np.fft.rfft(np.diff(drawn(HandCranked(speed=1, drift=0, swing=0.6), 401, i).shown))) for i in range(20)],
        axis=0,
    )
    assert np.argmax(steps[1:]) + 1 == 400 // 8

    def block_correlation(correlation: float) -> float:
        op = HandCranked(speed=0.9, drift=0.4, swing=0, correlation=correlation)
        blocks = [np.diff(drawn(op, 401, i).shown).reshape(-1, 10).mean(axis=1) for i in range(40)]
        return float(np.mean([np.corrcoef(one[:-1], one[1:])[0, 1] for one in blocks]))

    assert block_correlation(0) < 0.1
    assert block_correlation(30) > 0.5


def test_missing_frames_leave_as_many_shown_twice() -> None:
    lost = 0
    for i in range(40):
        shown = np.array(drawn(FrameFaults(missing=0.1, repeated=0, phantom=0), 100, i).shown)
        steps = np.diff(shown)
        assert (shown[0], shown[-1]) == (0, 99)
        assert set(steps.tolist()) <= {0, 1, 2}
        assert (steps == 2).sum() == (steps == 0).sum()
        lost += int((steps == 2).sum())
    assert 0.085 < lost / 40 / 99 < 0.115


def test_repeated_frames_stand_in_the_place_of_others() -> None:
    shares = []
    for i in range(40):
        shown = np.array(drawn(FrameFaults(missing=0, repeated=0.2, phantom=0), 200, i).shown)
        held = shown != np.arange(200)
        assert (shown[1:][held[1:]] == shown[:-1][held[1:]]).all()
        shares.append(held.mean())
    assert 0.18 < np.mean(shares) < 0.22


def test_phantom_frames_are_blends_of_neighbours() -> None:
    op = FrameFaults(missing=0, repeated=0, phantom=0.5, blend=(0.2, 0.4))
    params = drawn(op, 200)
    share, other = np.array(params.share), np.array(params.other)
    phantom = share > 0
    assert 0.4 < phantom.mean() < 0.6
    assert 0.2 <= share[phantom].min() < share[phantom].max() <= 0.4
    assert set((other - np.arange(200))[phantom].tolist()) == {-1, 1}
    given = np.random.default_rng(0).random((200, 4, 5, 1), dtype=np.float32)
    expected = given + share[:, None, None, None] * (given[other] - given)
    np.testing.assert_allclose(op.render(given, params, 0).frames, expected, atol=1e-6)
    np.testing.assert_array_equal(op.target(given, params, 0), given)


def test_black_frames_cover_their_share_in_runs_of_the_length_asked_for() -> None:
    op = BlackFrames(lost=0.1, run=(3, 3), light=0.5)
    lost, tones, lengths = 0, set(), []
    for i in range(60):
        params = drawn(op, 200, i)
        lost += len(params.lost)
        tones |= set(params.tone)
        inner = [t in params.lost for t in range(200)]
        lengths += [len(list(run)) for black, run in groupby(inner) if black]
    assert 0.09 < lost / 12000 < 0.11
    assert tones == {0.0, 1.0}
    assert np.median(lengths) == 3
    out = BlackFrames(lost=0.4, light=0)(clip(), seed=0)
    black = list(out.trace.steps[0]["params"]["lost"])
    assert black
    assert out.frames[black].max() == 0
    assert out.mask[black].min() == 1
    assert np.delete(out.mask, black, 0).max() == 0


def on_strip(y: tuple[float, ...], line: float, given: Array) -> Array:
    return Slip().render(given, StripParams(y=y, line=line), 0).frames


def test_the_film_lies_in_the_gate_as_on_the_strip() -> None:
    given = clip(4)
    down = on_strip((0, 0.25, 0.25, 0.25), 0, given)  # by ten lines of forty
    np.testing.assert_array_equal(down[0], given[0])
    np.testing.assert_allclose(down[2, :10], given[1, 30:], atol=1e-6)
    np.testing.assert_allclose(down[2, 10:], given[2, :30], atol=1e-6)
    up = on_strip((0, -0.2, -0.2, -0.2), 0.25, given)  # a strip of fifty lines to the frame
    np.testing.assert_allclose(up[1, :30], given[1, 10:], atol=1e-6)
    np.testing.assert_allclose(up[1, 30:], 0, atol=1e-6)
    np.testing.assert_allclose(up[3], np.concatenate((given[3, 10:], 0 * given[3, :10])), atol=1e-6)
    further = on_strip((0, -0.4, -1, -1), 0.25, given)
    np.testing.assert_allclose(further[1, 30:], given[2, :10], atol=1e-6)
    np.testing.assert_array_equal(further[2], given[3])


def test_a_part_of_a_line_is_interpolated_as_weave_does() -> None:
    given = clip(1, 64)
    weave = Weave()
    moved = weave.render(given, weave.drawn(x=(0.0,), y=(0.1172,), degrees=(0.0,)), 0).frames  # 7.5 lines
    np.testing.assert_allclose(on_strip((0.1172,), 0, given)[0, 12:-4], moved[0, 12:-4], atol=0.01)


def test_slips_are_abrupt_and_stay() -> None:
    op, out_of_place = Slip(slipped=0.1, hold=(4, 4), amount=(0.1, 0.3)), []
    lengths, far = [], []
    for i in range(60):
        y = np.array(drawn(op, 200, i).y)
        out_of_place.append((y != 0).mean())
        runs = [(value, len(list(run))) for value, run in groupby(y.tolist()) if value]
        lengths += [count for _, count in runs[1:-1]]
        far += [abs(value) for value, _ in runs]
    assert 0.09 < np.mean(out_of_place) < 0.11
    assert np.median(lengths) == 4
    assert 0.1 <= min(far) < max(far) <= 0.3


def test_a_roll_goes_by_whole_frames_and_as_fast_as_asked() -> None:
    op, turns, share = Roll(rolling=0.03, duration=(21, 21), speed=(0.1, 0.2)), [], []
    for i in range(300):
        y = np.array(drawn(op, 120, i).y)
        share.append((y != 0).mean())
        for rolling, run in groupby(range(120), lambda t, y=y: y[t] != 0):
            frames = list(run)
            if rolling and len(frames) == 20 and frames[0] > 0 and frames[-1] < 119:
                path = np.unwrap(y[frames[0] - 1 : frames[-1] + 2], period=1)
                assert len(set(np.sign(np.diff(path)))) == 1
                turns.append(abs(path[-1] - path[0]))
    assert set(turns) == {2, 3, 4}
    assert 0.022 < np.mean(share) < 0.034


def test_a_jump_swings_back_into_place() -> None:
    op = Jump(per_frame=0.02, amount=(0.05, 0.05), settle=(1, 1))
    seen = 0
    for i in range(60):
        y = np.array(drawn(op, 40, i).y)
        first = np.flatnonzero(y)
        if first.size and first[0] > 10 and np.all(abs(y[first[0] :][:4]) <= 0.05):
            after = y[first[0] : first[0] + 4]
            if len(after) == 4 and abs(after[0]) == pytest.approx(0.05) and abs(after[3]) < 0.01:
                np.testing.assert_allclose(after / after[0], (-np.exp(-1)) ** np.arange(4), atol=1e-3)
                seen += 1
    assert seen > 5


@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_large_shares_are_reached(share: float) -> None:
    """Though runs overlap."""
    shown = []
    for i in range(40):
        shown.append(len(drawn(BlackFrames(lost=share, run=(1, 3)), 200, i).lost) / 200)
        shown.append(float((np.array(drawn(Slip(slipped=share, hold=(1, 4)), 200, i).y) != 0).mean()))
    assert np.mean(shown[::2]) == pytest.approx(share, abs=0.03)
    assert np.mean(shown[1::2]) == pytest.approx(share, abs=0.03)
