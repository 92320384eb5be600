"""Composition: order, labels, choice, chance, other sizes, and complaints."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from degrade import AtScale, OneOf, Pipeline, Shuffle, SourceError, SpecError
from degrade.core.composition import parse_op
from degrade.core.op import Contaminant, Op
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Params, Trace
from degrade.ops import ExposureJitter, Flicker, GaussianBlur, Jpeg, Noise, Texture, Weave
from degrade.ops.noise import NoiseParams

INFO = ClipInfo(frames=3, height=20, width=30, channels=1, id="clip")


def clip(*shape: int) -> Array:
    return np.random.default_rng(0).random(shape or (3, 20, 30, 1), dtype=np.float32)


def drawn(op: Op, clips: int = 2000) -> list[Any]:
    """What an op draws for many clips."""
    return [op.sample(INFO, Stream(0, str(i))) for i in range(clips)]


def chosen(params: Any) -> tuple[str, ...]:
    return tuple(step["label"] for step in params.steps)


def test_pictures_and_clips_of_both_types_come_back_as_they_were_given() -> None:
    for shape in [(20, 30), (20, 30, 1), (20, 30, 3), (3, 20, 30, 3)]:
        out = Pipeline(ops=(Texture(), Noise()))(clip(*shape), seed=0)
        assert out.frames.shape == shape
        assert out.masks["texture"].shape == ((20, 30, 1) if len(shape) < 4 else (3, 20, 30, 1))
        assert out.mask.shape == out.masks["texture"].shape
    eight = Pipeline(ops=(Noise(),))(np.full((8, 8), 100, np.uint8), seed=0)
    assert (eight.frames.dtype, eight.masks, eight.mask.max()) == (np.uint8, {}, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_of_any_width_come_back_in_their_own(dtype: Any) -> None:
    assert Noise()(clip().astype(dtype), seed=0).frames.dtype == dtype


def test_an_empty_pipeline_copies() -> None:
    given = clip()
    out = Pipeline()(given, seed=0)
    np.testing.assert_array_equal(out.frames, given)
    assert not np.shares_memory(out.frames, given)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((2, 3, 4, 2), np.float32), "shape (2, 3, 4, 2)"),
        (np.zeros((0, 3, 4, 1), np.float32), "shape (0, 3, 4, 1)"),
        (np.zeros(5, np.uint8), "shape (5,)"),
        (np.zeros((4, 4), np.int32), "dtype int32"),
        (np.full((4, 4), 255.0), "from 255 to 255"),
        (np.full((4, 4), np.nan), "from nan to nan"),
    ],
)
def test_what_is_no_clip_is_refused_in_one_line(bad: Array, message: str) -> None:
    with pytest.raises(SourceError) as error:
        Pipeline()(bad, seed=0)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_ops_are_applied_in_order() -> None:
    first, second = Noise(sigma=20), Jpeg(quality=10)
    both = Pipeline(ops=(first, second))(clip(), seed=3)
    by_hand = Pipeline(ops=(second,))(Pipeline(ops=(first,))(clip(), seed=3).frames, seed=3)
    np.testing.assert_array_equal(both.frames, by_hand.frames)
    assert both.trace.fired() == ["noise", "jpeg"]


def test_repeated_ops_are_numbered_and_draw_apart() -> None:
    out = Pipeline(ops=(Noise(), Noise(), Noise(id="grain"), Noise()))(clip(), seed=0)
    assert out.trace.fired() == ["noise", "noise#2", "grain", "noise#3"]
    assert len({step["params"]["key"] for step in out.trace.steps}) == 4


def test_a_label_that_an_id_has_taken_is_passed_over() -> None:
    out = Pipeline(ops=(Noise(id="jpeg"), Jpeg(), Jpeg()))(clip(), seed=0)
    assert out.trace.fired() == ["jpeg", "jpeg#2", "jpeg#3"]


def test_p_is_the_share_of_clips_in_which_an_op_fires() -> None:
    fired = Counter(chosen(params) for params in drawn(Pipeline(ops=(Noise(p=0.3), Flicker(p=0.5)))))
    assert 0.27 < sum(n for labels, n in fired.items() if "noise" in labels) / 2000 < 0.33
    assert 0.13 < fired["noise", "flicker"] / 2000 < 0.17  # independent of each other


def test_p_of_the_outermost_pipeline_counts_too() -> None:
    pipeline = Pipeline(ops=(Noise(),), p=0.5)
    fired = [bool(pipeline(clip(), seed=seed).trace.steps) for seed in range(200)]
    assert 70 < sum(fired) < 130


def test_one_of_takes_one_by_weight() -> None:
    op = OneOf(ops=(Noise(), Jpeg(), Flicker()), weights=(6, 3, 1))
    counts = Counter(chosen(params) for params in drawn(op))
    assert set(counts) == {("noise",), ("jpeg",), ("flicker",)}
    for label, share in (("noise", 0.6), ("jpeg", 0.3), ("flicker", 0.1)):
        assert abs(counts[(label,)] / 2000 - share) < 0.04
    assert 600 < Counter(map(chosen, drawn(OneOf(ops=op.ops))))["flicker",] < 735  # a third, unless said


def test_one_of_nothing_does_nothing() -> None:
    np.testing.assert_array_equal(OneOf()(clip(), seed=0).frames, clip())


def test_shuffle_draws_every_order_equally_often_and_nothing_else_changes() -> None:
    op = Shuffle(ops=(Noise(), Jpeg(), Flicker()))
    params = drawn(op)
    counts = Counter(map(chosen, params))
    assert len(counts) == 6
    assert max(counts.values()) < 1.4 * min(counts.values())
    for one in params[:20]:
        alone = Noise().sample(INFO, Stream(0, str(params.index(one))).child("noise"))
        assert {step["label"]: step["params"] for step in one.steps}["noise"] == alone


def test_inner_masks_are_labelled_by_the_way_to_them() -> None:
    op = Pipeline(ops=(OneOf(id="dirt", ops=(Shuffle(ops=(Texture(), Texture(id="more"))),)),))
    out = op(clip(2, 40, 50, 3), seed=0)
    assert set(out.masks) == {"dirt/shuffle/texture", "dirt/shuffle/more"}
    assert set(out.trace.fired()) == {"dirt", "dirt/shuffle", *out.masks}


def test_at_scale_draws_its_ranges_by_weight_and_its_filters_per_frame() -> None:
    op = AtScale(scales=((0.25, 0.5), (1, 2)), weights=(3, 1))
    params = drawn(op)
    scales = np.array([one.scale for one in params])
    small = scales[scales < 1]
    assert 0.71 < len(small) / 2000 < 0.79
    assert 0.25 <= small.min() < 0.26
    assert 0.49 < small.max() <= 0.5
    assert abs(np.median(small) - 0.375) < 0.02
    ways = Counter(way for one in params for way in one.shrink + one.enlarge)
    assert set(ways) == {"bicubic", "bilinear", "lanczos"}
    assert max(ways.values()) < 1.1 * min(ways.values())


class Probe(Contaminant):
    """Remembers the size of the frames that it is given, and marks the left half."""

    drawn = Params

    @classmethod
    def name(cls) -> str:
        return "probe"

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        return Params()

    def paint(self, frame: Array, mask: Array, params: Any, t: int) -> None:
        sizes_seen.append(frame.shape)
        half = (frame.shape[1] + 1) // 2
        frame[:, :half], mask[:, :half] = 1, 1


sizes_seen: list[tuple[int, ...]] = []


@pytest.fixture
def probe() -> Op:
    sizes_seen.clear()
    return Probe()


@pytest.mark.parametrize("scale", [0.01, 0.3, 0.5, 1, 2])
@pytest.mark.parametrize("nested", [True, False])
def test_at_scale_shows_inner_ops_another_size_and_gives_the_first_back(probe: Op, scale: float, nested: bool) -> None:
    ops = (AtScale(scales=(scale,), ops=(probe,)),) if nested else (AtScale(scales=(scale,)), probe)
    black = np.zeros((2, 20, 30, 3), np.float32)
    out = Pipeline(ops=ops)(black, seed=0)
    small = (max(1, round(20 * scale)), max(1, round(30 * scale)), 3)
    assert sizes_seen == [small, small]
    assert out.frames.shape == black.shape
    assert out.mask.shape == (2, 20, 30, 1)
    assert out.mask[:, :, :10].min() > 0.9
    if scale > 0.1:
        assert out.mask[:, :, 20:].max() < 0.1


def test_at_scale_without_inner_ops_takes_in_what_follows(probe: Op) -> None:
    Pipeline(ops=(probe, AtScale(scales=(0.5,)), probe.model_copy(), Noise()))(clip(1, 20, 30, 1), seed=0)
    assert sizes_seen == [(20, 30, 1), (10, 15, 1)]


def test_at_scale_without_inner_ops_reaches_no_further_than_its_own_list(probe: Op) -> None:
    Pipeline(ops=(Shuffle(ops=(AtScale(scales=(0.5,)),)), probe))(clip(1, 20, 30, 1), seed=0)
    assert sizes_seen == [(20, 30, 1)]


@pytest.mark.parametrize("scale", [0.5, 2])
def test_at_scale_keeps_what_the_size_can_hold(scale: float) -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 60, dtype=np.float32)[None, :, None], (40, 60, 1))
    out = AtScale(scales=(scale,))(ramp, seed=0).frames
    assert abs(out - ramp)[:, 4:-4].max() < 1e-3


def test_masks_move_with_the_picture(probe: Op) -> None:
    out = Pipeline(ops=(probe, Weave(x=0.2, y=0, rotation=0)))(np.zeros((4, 20, 40, 1), np.float32), seed=1)
    np.testing.assert_allclose(np.where(out.frames, out.masks["probe"], 0), out.frames, atol=1e-6)
    assert out.masks["probe"][out.frames == 0].max() < 0.12  # the overshoot of the interpolation
    assert abs(out.masks["probe"][..., 0].sum(axis=(1, 2)) / 400 - 1).max() > 0.1


def test_a_later_at_scale_resizes_earlier_masks_and_weave_in_it_moves_them(probe: Op) -> None:
    black = np.zeros((3, 40, 80, 1), np.float32)
    whole = Pipeline(ops=(probe, AtScale(scales=(0.5,), ops=(Weave(x=0.2, rotation=0),))))(black, seed=2)
    assert abs(whole.masks["probe"] - whole.frames).mean() < 0.01
    assert not np.array_equal(whole.masks["probe"][0], whole.masks["probe"][1])
    still = Pipeline(ops=(probe, AtScale(scales=(0.5,), filters=("bilinear",))))(black, seed=0)
    np.testing.assert_array_equal(still.masks["probe"], still.frames)


@pytest.mark.parametrize("after", [[], ["weave"], [{"gaussian_blur": {"sigma": 0.01}}, {"at_scale": {}}]])
def test_masks_are_made_one_for_each_op_one_of_all_or_none(after: list[Any]) -> None:
    pipeline = Pipeline([{"one_of": {"ops": ["dirt"]}}, {"dust": {"per_frame": 6}}, *after, "scratch", "flicker"])
    clip = np.full((3, 90, 120, 1), 0.5, np.float32)
    params = pipeline.draw(ClipInfo.of(clip, "a"), 3)
    layers, union, none = (pipeline.render(clip, params, 0, masks=masks) for masks in ("layers", "union", "none"))
    np.testing.assert_array_equal(union.frames, layers.frames)
    np.testing.assert_array_equal(none.frames, layers.frames)
    assert list(layers.masks) == ["one_of/dirt", "dust", "scratch"]
    assert list(union.masks) == [""]
    assert none.masks == {}
    apart, one = np.stack(list(layers.masks.values())), union.masks[""]
    alone = (apart > 0).sum(0) <= 1
    assert (alone & (one > 0)).any()
    np.testing.assert_allclose(one[alone], apart.max(0)[alone], atol=0.5 / 255)
    if not after:
        np.testing.assert_array_equal(one, apart.max(0))


def test_replay_refuses_another_clip_or_another_pipeline() -> None:
    trace = Pipeline(ops=(Noise(),))(clip(), seed=0).trace
    with pytest.raises(SpecError, match=r"the trace is of a clip of shape \(3, 20, 30, 1\), not \(1, 20, 30, 1\)"):
        Pipeline(ops=(Noise(),)).replay(clip()[:1], trace)
    with pytest.raises(SpecError, match="unknown op in the trace 'noise'; known: jpeg"):
        Pipeline(ops=(Jpeg(),)).replay(clip(), trace)


def test_replay_draws_nothing() -> None:
    op = Pipeline(ops=(OneOf(ops=(Flicker(), ExposureJitter())), Shuffle(ops=(Noise(), GaussianBlur()))))
    trace = op(clip(), seed=1).trace
    louder = json.loads(json.dumps(trace.to_json()).replace('"clip": {', '"clip": {"id": "x", ', 1))
    louder["clip"]["id"] = "another clip"
    np.testing.assert_array_equal(op.replay(clip(), Trace.from_json(louder)).frames, op(clip(), seed=1).frames)


@pytest.mark.parametrize(
    ("ops", "message"),
    [
        ([{"noise": {"sigma": [9, 3]}}], "ops[0].noise.sigma: (9, 3) must be increasing"),
        (["jpeg", "noise", {"jpeg": {"quality": [0, 9]}}], "ops[2].jpeg.quality: (0, 9) must lie within 1 to 100"),
        ([{"noise": {"sigma": -1}}], "ops[0].noise.sigma: (-1, -1) must lie within 0 to 255 of 255"),
        ([{"noise": {"sgima": 3}}], "ops[0].noise: unknown key 'sgima'; did you mean 'sigma'?"),
        ([{"noise": {"kinds": []}}], "ops[0].noise.kinds: "),
        ([{"noise": {"kinds": ["pink"]}}], "ops[0].noise.kinds[0]: should be 'gaussian' or 'speckle', got 'pink'"),
        ([{"noise": {"p": 2}}], "ops[0].noise.p: should be less than or equal to 1, got 2"),
        ([{"noise": {"sigma": "much"}}], "ops[0].noise.sigma: should be a valid tuple, got 'much'"),
        ([{"noise": {"id": "a/b"}}], "ops[0].noise.id: "),
        (["niose"], "ops[0]: unknown op 'niose'; did you mean 'noise'?"),
        ([{"one_of": {"ops": ["jpeg", "jepg"]}}], "ops[0].one_of.ops[1]: unknown op 'jepg'; did you mean 'jpeg'?"),
        ([{"one_of": {"ops": ["jpeg"], "weights": [1, 2]}}], "ops[0].one_of.weights: must be 1 numbers"),
        ([{"one_of": {"ops": ["jpeg"], "weights": [0]}}], "not all 0"),
        ([{"at_scale": {"scales": []}}], "ops[0].at_scale.scales: must not be empty"),
        ([{"at_scale": {"filters": []}}], "ops[0].at_scale.filters: must not be empty"),
        ([{"at_scale": {"scales": [[0, 1]]}}], "ops[0].at_scale.scales[0]: (0, 1) must lie within 0.01 to 4"),
        ([{"gaussian_blur": {"sigma": 2}}], "must not exceed 0.1 frame heights; for pixels say unit: px"),
        ([{"noise": {"id": "x"}}, {"jpeg": {"id": "x"}}], "ops: two ops have the id 'x'"),
        ([{"noise": 3}], "ops[0].noise: parameters are `key: value`, got 3"),
        ([{"noise": {}, "jpeg": {}}], "ops[0]: an op is a name or `name: {parameters}`"),
        ([7], "ops[0]: an op is a name or `name: {parameters}`, got 7"),
        ("noise", "ops: must be a list of ops, got 'noise'"),
    ],
)
def test_bad_values_are_named_with_their_place_in_one_line(ops: Any, message: str) -> None:
    with pytest.raises(SpecError) as error:
        Pipeline(ops=ops)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_op_made_for_a_record_loads_it_from_a_trace() -> None:
    class Bare(Weave):
        """As its parent, made for the same record."""

    assert Noise.drawn is NoiseParams
    assert Bare.drawn is Weave.drawn
    assert Probe.drawn is Params
    params = Noise().sample(INFO, Stream(0))
    assert Noise().load_params(params.model_dump(mode="json")) == params


def test_ops_are_given_one_by_one_or_as_a_list() -> None:
    for kind in (Pipeline, Shuffle, OneOf, AtScale):
        assert kind(Noise(), "jpeg") == kind([Noise(), {"jpeg": {}}]) == kind(ops=(Noise(), Jpeg()))
    assert AtScale(Noise(), scales=(0.5,)) == AtScale(ops=(Noise(),), scales=(0.5,))
    assert Pipeline().ops == Pipeline([]).ops == ()
    with pytest.raises(TypeError, match="Pipeline takes ops by place or by name, not both"):
        Pipeline(Noise(), ops=(Jpeg(),))


def test_errors_name_the_op() -> None:
    with pytest.raises(TypeError, match=r"^Noise takes its values by name, got 3$"):
        Noise(3)  # type: ignore[call-arg]
    for wrong, message in (
        ({"sgima": 3}, "noise: unknown key 'sgima'; did you mean 'sigma'?"),
        ({"sigma": -1}, "noise.sigma: (-1, -1) must lie within 0 to 255 of 255"),
    ):
        with pytest.raises(SpecError) as error:
            Noise(**wrong)
        assert str(error.value) == message
    with pytest.raises(SpecError, match=r"^Probe\.p: should be less than"):
        type("Probe", (Noise,), {})(p=2)


def test_a_call_needs_a_seed() -> None:
    for op in (Noise(), Pipeline(Noise())):
        with pytest.raises(TypeError, match="seed"):
            op(clip())


def test_a_trace_replays_by_itself() -> None:
    op = Pipeline(OneOf(Noise(), Flicker(), id="x"), AtScale(scales=(0.5,)), Weave(p=0.5), Texture(), p=0.9)
    for seed in range(4):
        out = op(clip(), seed=seed, clip_id="a")
        trace = Trace.from_json(json.loads(json.dumps(out.trace.to_json())))
        assert trace == out.trace
        again = trace.replay(clip())
        np.testing.assert_array_equal(again.frames, out.frames)
        assert list(again.masks) == list(out.masks)
        assert again.trace == trace
    with pytest.raises(SpecError, match="the trace is of a clip of shape"):
        trace.replay(clip()[:1])


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(SpecError, match="seed: must be 0 or greater, got -1"):
        Noise()(clip(), seed=-1)


def test_ops_are_parsed_from_what_a_spec_holds() -> None:
    assert parse_op("noise") == parse_op({"noise": None}) == parse_op({"noise": {}}) == Noise()
    assert parse_op({"noise": {"sigma": 3}}) == Noise(sigma=(3, 3))
    assert parse_op(Noise()) == Noise()
    nested = {"one_of": {"ops": ["noise", {"at_scale": {"scales": [0.5], "ops": ["jpeg"]}}]}}
    op = OneOf(ops=(Noise(), AtScale(scales=(0.5,), ops=(Jpeg(),))))
    assert parse_op(nested) == op
    assert parse_op(op.to_spec()) == op
