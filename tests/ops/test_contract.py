"""What every op promises, over random parameters, shapes and lengths.

The parameters come from the fields' own types and bounds, so a new op is under test as soon as its file
is there.
"""

import functools
import itertools
import json
import pickle
import random
import types
import typing
from typing import Any, NamedTuple

import annotated_types
import cv2
import numpy as np
import pytest

from degrade.core.composition import Composition, parse_op
from degrade.core.errors import SpecError
from degrade.core.fields import Within
from degrade.core.op import Contaminant, Op
from degrade.core.types import Array, ClipInfo, Trace
from degrade.ops import AtScale, Flicker, Noise, Pipeline, registry

SINGLE = [name for name in registry.names() if not issubclass(registry.get(name), Composition)]
"""All ops but those made of ops."""
CASES = 7
SHAPES = [(5, 40, 52), (1, 33, 31), (7, 24, 24), (3, 1, 29), (3, 27, 1), (1, 1, 1), (4, 64, 18)]
"""Frames, height, width; each is taken once, half of them in colour."""


class Case(NamedTuple):
    """An op with a clip to put it on."""

    op: Op
    clip: Array
    seed: int

    @property
    def info(self) -> ClipInfo:
        frames, height, width, channels = self.clip.shape
        return ClipInfo(frames=frames, height=height, width=width, channels=channels, id="clip")

    def run(self, clip: Array | None = None) -> Any:
        return self.op(self.clip if clip is None else clip, seed=self.seed, clip_id="clip")


def random_op(cls: type[Op], draw: np.random.Generator) -> Op:
    """An op with all parameters drawn; again where fields do not go together."""
    if issubclass(cls, Composition):
        return random_composition(cls, draw)
    for _ in range(50):
        drawn = {name: random_value(field, draw) for name, field in cls.model_fields.items()}
        try:
            return cls(**{name: value for name, value in drawn.items() if value is not KEEP})
        except SpecError:
            continue
    raise AssertionError(f"no parameters found that {cls.__name__} takes")


def random_composition(cls: type[Op], draw: np.random.Generator) -> Op:
    names = draw.choice(SINGLE, size=int(draw.integers(1, 4)))
    ops: list[Op] = [random_op(registry.get(name), draw) for name in names]
    ops = [op.model_copy(update={"p": draw.uniform(0.3, 1)}) for op in ops]  # next to never would test nothing
    ops.append(Noise())  # so that something is drawn, whatever the others are
    if cls is AtScale:
        return AtScale(ops=tuple(ops), scales=((0.2, 0.9), (1.1, 1.6)), weights=(3, 1))
    if draw.random() < 0.5:
        ops.insert(int(draw.integers(len(ops) + 1)), AtScale(scales=((0.3, 1.3),)))
    return cls(ops=tuple(ops))  # type: ignore[call-arg]


KEEP = object()
"""Stands for a field's default."""


def random_value(field: Any, draw: np.random.Generator) -> Any:
    """A value that the type and bounds of a field allow."""
    if field.alias or field.annotation is None:
        return KEEP
    annotation = typing.Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return _value(annotation, field.default, draw)


def _value(annotation: Any, default: Any, draw: np.random.Generator) -> Any:
    bounds: list[Any] = []
    while typing.get_origin(annotation) is typing.Annotated:
        annotation, *more = typing.get_args(annotation)
        for item in more:
            bounds += getattr(item, "metadata", [item])
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in inner if option is not type(None)]
        if len(options) < len(inner) and draw.random() < 0.5:
            return None
        return _value(options[int(draw.integers(len(options)))], default, draw)
    within = next((bound for bound in bounds if isinstance(bound, Within)), None)
    if within:
        low, high = within.low, _sane(within.low, within.high, default, draw)
        return tuple(sorted(draw.uniform(low, high, 2).tolist()))
    if origin is typing.Literal:
        return inner[int(draw.integers(len(inner)))]
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis and typing.get_origin(inner[0]) is typing.Literal:
        options = typing.get_args(inner[0])
        return tuple(draw.permutation(options)[: draw.integers(1, len(options) + 1)].tolist())
    if annotation is bool:
        return bool(draw.integers(2))
    if annotation in (int, float):
        low = next((b.ge for b in bounds if isinstance(b, annotated_types.Ge)), 0)
        top = next((b.le for b in bounds if isinstance(b, annotated_types.Le)), None)
        value = draw.uniform(low, _sane(low, top, default, draw))
        return round(value) if annotation is int else float(value)
    return KEEP  # names of packs and the like


def _sane(low: float, high: float | None, default: Any, draw: np.random.Generator) -> float:
    """A greatest value that is allowed, and not so great that a test takes minutes."""
    usual = np.max(default) if isinstance(default, int | float | tuple) and default != () else 0
    most = max(4 * float(usual), low + (0.01 if draw.random() < 0.3 else 12))
    return most if high is None else min(most, high)


@functools.cache
def case(name: str, number: int) -> Case:
    """Case `number` of an op; the clip is read-only."""
    draw = np.random.default_rng([number, *name.encode()])
    op = random_op(registry.get(name), draw).model_copy(update={"p": 1.0})  # inner ops keep theirs
    clip = draw.random((*SHAPES[number], 1 + 2 * (number % 2)), dtype=np.float32)
    clip = np.clip(clip * 1.2 - 0.1, 0, 1)  # true black and white too
    clip.flags.writeable = False
    return Case(op, clip, number)


every_case = pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name in registry.names() for number in range(CASES)]
)
every_op = pytest.mark.parametrize("name", registry.names())


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_shape_type_and_range_are_kept_and_the_input_is_not_touched(name: str, number: int, dtype: Any) -> None:
    given = case(name, number)
    clip = given.clip if dtype == np.float32 else (given.clip * 255).astype(np.uint8)
    before = clip.tobytes()
    out = given.run(clip)
    assert (out.frames.shape, out.frames.dtype) == (clip.shape, dtype)
    assert out.frames.min() >= 0
    assert out.frames.max() <= (1 if dtype == np.float32 else 255)
    for mask in out.masks.values():
        assert (mask.shape, mask.dtype) == ((*clip.shape[:3], 1), np.float32)
        assert mask.min() >= 0
        assert mask.max() <= 1
    assert clip.tobytes() == before
    assert not np.shares_memory(out.frames, clip)


@every_case
def test_same_seed_and_id_give_the_same_damage(name: str, number: int) -> None:
    given = case(name, number)
    assert_same(given.run(), given.run())


@every_op
def test_another_id_or_seed_draws_other_numbers(name: str) -> None:
    op, clip, _ = case(name, 0)

    def traces(seeds: Any, ids: Any) -> set[str]:
        return {json.dumps(op(clip, seed=seed, clip_id=i).trace.steps) for seed in seeds for i in ids}

    assert len(traces(range(8), ["a"])) > 1
    assert len(traces([1], "abcdefgh")) > 1


@every_case
def test_a_window_is_that_slice_of_the_whole_clip(name: str, number: int) -> None:
    given = case(name, number)
    pipeline = Pipeline(ops=(given.op,))
    params = pipeline.draw(given.info, given.seed)
    whole = pipeline.render(given.clip, params, 0)
    moved = pipeline.move(given.clip, params, 0)
    target = pipeline.target(given.clip, params, 0)
    count = len(given.clip)
    for start, stop in {(0, 1), (count - 1, count), (count // 2, count), (min(1, count - 1), max(1, count - 1))}:
        first, last = pipeline.frames_needed(params, start, stop)
        assert 0 <= first < last <= count
        seen = given.clip[first:last]
        window = pipeline.render(seen, params, start, stop)
        np.testing.assert_array_equal(window.frames, whole.frames[start:stop])
        assert list(window.masks) == list(whole.masks)
        for label, mask in window.masks.items():
            np.testing.assert_array_equal(mask, whole.masks[label][start:stop])
        np.testing.assert_array_equal(pipeline.move(seen, params, start, stop), moved[start:stop])
        np.testing.assert_array_equal(pipeline.target(seen, params, start, stop), target[start:stop])


@every_case
def test_replay_of_the_json_trace_gives_the_same_pixels(name: str, number: int) -> None:
    given = case(name, number)
    out = given.run()
    trace = Trace.from_json(json.loads(json.dumps(out.trace.to_json(), allow_nan=False)))
    again = trace.replay(given.clip)
    assert_same(again, out)
    assert again.trace == trace == out.trace


@every_case
def test_op_survives_json_and_pickle(name: str, number: int) -> None:
    op = case(name, number).op
    assert parse_op(json.loads(json.dumps(op.to_spec(), allow_nan=False))) == op
    copy = pickle.loads(pickle.dumps(op))
    assert copy == op
    assert_same(Case(copy, *case(name, number)[1:]).run(), case(name, number).run())


@every_case
def test_params_are_plain_finite_numbers_that_survive_pickle(name: str, number: int) -> None:
    given = case(name, number)
    params = Pipeline(ops=(given.op,)).draw(given.info, given.seed)

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            assert all(type(key) is str for key in value)
            value = tuple(value.values())
        if isinstance(value, tuple | list):
            for inner in value:
                walk(inner)
        else:
            assert type(value) in (int, float, str, bool, type(None)), f"{value!r} is a {type(value)}"
            assert not isinstance(value, float) or np.isfinite(value)

    walk(params.model_dump())
    assert pickle.loads(pickle.dumps(params)) == params


@every_op
def test_p_0_changes_nothing_and_moves_nobody_elses_draws(name: str) -> None:
    op, clip, seed = case(name, 0)
    silent = op.model_copy(update={"p": 0.0, "id": "silent"})
    out = silent(clip, seed=seed)
    np.testing.assert_array_equal(out.frames, clip)
    assert out.masks == {}
    assert out.trace.steps == []
    assert_same(Pipeline(ops=(silent, *others()))(clip, seed=seed), Pipeline(ops=others())(clip, seed=seed))


@every_op
def test_adding_an_op_leaves_the_draws_of_the_others(name: str) -> None:
    op, clip, seed = case(name, 0)
    added = op.model_copy(update={"id": "added"})
    alone = Pipeline(ops=others())(clip, seed=seed).trace.steps
    for place in range(3):
        ops = list(others())
        ops.insert(place, added)
        steps = Pipeline(ops=tuple(ops))(clip, seed=seed).trace.steps
        assert [step for step in steps if step["label"] != "added"] == alone


def others() -> tuple[Op, ...]:
    return Noise(id="first"), Flicker(id="second")


@every_case
def test_global_random_state_is_neither_read_nor_changed(name: str, number: int) -> None:
    given = case(name, number)
    results = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        cv2.setRNGSeed(seed)
        before = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
        results.append(given.run())
        assert (random.getstate(), np.random.get_state()[1].tobytes()) == before  # noqa: NPY002
        after = cv2.randu(np.empty((1, 9), np.uint8), 0, 255)
        cv2.setRNGSeed(seed)
        np.testing.assert_array_equal(after, cv2.randu(np.empty((1, 9), np.uint8), 0, 255))
    assert_same(*results)


CONTAMINANTS = [name for name in SINGLE if issubclass(registry.get(name), Contaminant)]


@pytest.mark.parametrize(("name", "number"), [(n, c) for n in CONTAMINANTS for c in range(CASES)])
def test_contaminant_changes_no_pixel_outside_its_mask(name: str, number: int) -> None:
    given = case(name, number)
    out = given.run()
    clean = out.masks[name] == 0
    np.testing.assert_array_equal(np.where(clean, out.frames, 0), np.where(clean, given.clip, 0))


@pytest.mark.parametrize("name", CONTAMINANTS)
def test_contaminant_leaves_a_mark_and_a_mask(name: str) -> None:
    clip = np.full((12, 96, 128, 3), 0.5, np.float32)
    outs = [registry.get(name)()(clip, seed=seed) for seed in range(4)]
    assert any((out.mask > 0.05).any() and (abs(out.frames - clip) > 0.02).any() for out in outs)


@pytest.mark.parametrize("name", [name for name in SINGLE if name not in CONTAMINANTS])
def test_ops_that_are_no_contaminants_leave_no_mask_but_a_mark(name: str) -> None:
    colour = np.random.default_rng(0).random((4, 360, 64, 3), dtype=np.float32)
    colour[:, :180] = np.linspace(0, 1, 64, dtype=np.float32)[:, None]  # some change smooth parts alone
    changes = []
    for clip in (colour[..., :1], colour):  # some change colour alone
        outs = [registry.get(name)()(clip, seed=seed) for seed in range(4)]
        assert all(out.masks == {} for out in outs)
        changes += [abs(out.frames - clip).max() for out in outs]
    assert max(changes) > 0.01


EXACT = [name for name in (*SINGLE, "at_scale") if registry.get(name).carries_exactly]


@pytest.mark.parametrize("name", [name for name in EXACT if name not in CONTAMINANTS])
def test_a_defect_shows_nowhere_but_in_its_mask_whatever_op_follows(name: str) -> None:
    clip = cv2.resize(np.random.default_rng(1).random((9, 12, 3), dtype=np.float32), (128, 96))
    clip = np.stack([np.roll(clip, t, axis=1) for t in range(5)]) * np.float32(0.8)
    small = parse_op({"dust": {"per_frame": 12, "size": [0.03, 0.1], "opacity": 1}})
    large = parse_op({"dirt": {"per_frame": 3, "size": [0.6, 1], "opacity": 1, "light": 0}})
    op = registry.get(name)()
    for seed, defects in itertools.product(range(3), (small, large)):
        out, without = (Pipeline(ops=ops)(clip, seed=seed) for ops in ((defects, op), (op,)))
        change = abs(out.frames - without.frames).max(-1, keepdims=True)
        assert change.max() > 0.1
        assert change[out.mask == 0].max() < 0.5 / 255


def assert_same(one: Any, other: Any) -> None:
    np.testing.assert_array_equal(one.frames, other.frames)
    assert list(one.masks) == list(other.masks)
    for label, mask in one.masks.items():
        np.testing.assert_array_equal(mask, other.masks[label])
    assert (one.trace.info, one.trace.steps) == (other.trace.info, other.trace.steps)


def limits(annotation: Any, metadata: tuple[Any, ...] = ()) -> list[tuple[float, float | None]]:
    """Smallest and greatest value of each bounded number in a field's type."""
    found = [(one.low, one.high) for one in metadata if isinstance(one, Within)]
    flat = [inner for one in metadata for inner in getattr(one, "metadata", [one])]
    low = next((one.ge for one in flat if isinstance(one, annotated_types.Ge)), None)
    if low is not None:
        found.append((low, next((one.le for one in flat if isinstance(one, annotated_types.Le)), None)))
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *more = typing.get_args(annotation)
        found += limits(inner, tuple(more))
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        found += [limit for option in typing.get_args(annotation) for limit in limits(option)]
    return found


@every_op
def test_parameters_out_of_range_give_one_line_that_names_them(name: str) -> None:
    cls = registry.get(name)
    needed = {"albumentation": {"transform": "HorizontalFlip"}}.get(name, {})
    needed = {"ops": ["noise"]} if issubclass(cls, Composition) else needed
    beyond = [
        (field, value)
        for field, about in cls.model_fields.items()
        for low, high in limits(about.annotation, tuple(about.metadata))
        for value in (low - 1, *(() if high is None else (high + 1,)))
    ]
    assert ("p", -1) in beyond
    for field, value in beyond:
        with pytest.raises(SpecError) as caught:
            Pipeline(ops=[{name: needed | {field: value}}])  # type: ignore[list-item]
        line = str(caught.value)
        assert "\n" not in line
        assert f"{name}.{field}" in line
        assert f"{value:g}" in line
