"""Composition: ops in order, one of several, in random order, at another size."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeGuard

import cv2
import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from degrade.core.errors import SpecError, unknown
from degrade.core.fields import Clean, Interval, Within, complaining
from degrade.core.op import Family, Op, Temporal
from degrade.core.rng import Stream
from degrade.core.types import Array, ClipInfo, Damaged, Layer, Params, Trace, as_clip, clipped, reached, to_uint8
from degrade.ops import registry

Filter = Literal["nearest", "bilinear", "bicubic", "lanczos", "area"]
"""OpenCV's resampling filters; all but ``area`` leave out the low-pass when they shrink."""

FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
}


def op_names() -> list[str]:
    """All ops and compositions that a spec may name."""
    return sorted([*registry.names(), *COMPOSITIONS])


def op_class(name: str) -> type[Op]:
    """The op or composition of that name.

    Raises:
        SpecError: There is none; the nearest name is suggested.
    """
    if name in COMPOSITIONS:
        return COMPOSITIONS[name]
    if name not in registry:
        raise SpecError(unknown("op", name, op_names()))
    return registry.get(name)


def name_of(op: type[Op]) -> str:
    """The name under which a spec knows an op class."""
    for name, composition in COMPOSITIONS.items():
        if op is composition:
            return name
    return registry.name_of(op)


def parse_op(value: Any) -> Op:
    """An op as written in a spec: ``dust``, or ``dust: {per_frame: [2, 8]}``.

    Raises:
        SpecError: Unknown op or key, or a value that is not allowed.
    """
    if isinstance(value, Op):
        return value
    if isinstance(value, str):
        value = {value: {}}
    if not (isinstance(value, dict) and len(value) == 1):
        raise SpecError(f"an op is a name or `name: {{parameters}}`, got {value!r:.80}")
    name, parameters = next(iter(value.items()))
    cls = op_class(str(name))
    if parameters is None:
        parameters = {}
    if not isinstance(parameters, dict) or not all(isinstance(key, str) for key in parameters):
        raise SpecError(f"parameters are `key: value`, got {parameters!r:.80}", str(name))
    try:
        with complaining():
            return cls(**parameters)
    except SpecError as error:
        raise error.within(str(name)) from None


def _parse_ops(value: Any) -> tuple[Op, ...]:
    if not isinstance(value, list | tuple):
        raise SpecError(f"must be a list of ops, got {value!r:.80}", "ops")
    ops = []
    for i, item in enumerate(value):
        try:
            ops.append(parse_op(item))
        except SpecError as error:
            raise error.within(f"[{i}]").within("ops") from None
    labels(ops)
    return tuple(ops)


def labels(ops: Sequence[Op]) -> list[str]:
    """Each op's label: its `id`, or its name, with ``#2`` and on for repeats.

    Raises:
        SpecError: Two ops have the same `id`.
    """
    taken: list[str] = []
    for op in ops:
        name = label = op.id or name_of(type(op))
        if op.id in taken:
            raise SpecError(f"two ops have the id {op.id!r}", "ops")
        repeat = 2
        while label in taken:
            label, repeat = f"{name}#{repeat}", repeat + 1
        taken.append(label)
    return taken


Ops = Annotated[
    tuple[Op, ...],
    BeforeValidator(_parse_ops),
    PlainSerializer(lambda ops: [op.to_spec() for op in ops], return_type=list),
    WithJsonSchema({"type": "array"}),  # `degrade.spec.schema` says of what
]


class Step(NamedTuple):
    """An op that fired, and what it drew."""

    label: str
    op: Op
    params: Any


class Steps(Params):
    """What a composition drew: the inner ops that fired, in the order in which they are applied."""

    steps: tuple[dict[str, Any], ...] = ()


class Composition(Temporal):
    """An op made of ops. Inner masks and streams are labelled ``outer/inner``."""

    drawn: ClassVar[type[Params]] = Steps
    family: ClassVar[Family] = "composition"

    ops: Ops = ()
    """The inner ops."""

    def labelled(self) -> list[tuple[str, Op]]:
        """The inner ops with their labels."""
        return list(zip(labels(self.ops), self.ops, strict=True))

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        """Draws the inner ops, each from its own stream."""
        return Steps(steps=_draw(self.labelled(), info, rng))

    def reach(self, params: Any, start: int, stop: int) -> tuple[int, int]:
        """Through all inner ops; see `Temporal.reach`."""
        return _reach(self._bind(params), start, stop)

    def together(self, params: Any) -> int:
        """The greatest of the inner ops; see `Temporal.together`."""
        steps = self._bind(params)
        return max((op.together(params) for _, op, params in steps if isinstance(op, Temporal)), default=1)

    def render(self, frames: Array, params: Any, start: int, stop: int | None = None) -> Layer:
        """Applies the inner ops in order; see `Temporal.render`."""
        steps = self._bind(params)
        if _alone(steps):
            return _by_frame(steps, Layer(frames, {}), start)
        frames, _, stop = self.window(frames, params, start, stop)
        return _render(steps, Layer(frames, {}), start, stop)

    def move(self, frames: Array, params: Any, start: int, stop: int | None = None) -> Array:
        """Moves frames as the inner ops do; see `Temporal.move`."""
        frames, _, stop = self.window(frames, params, start, stop)
        return _follow("move", self._bind(params), frames, start, stop)

    def target(self, frames: Array, params: Any, start: int, stop: int | None = None) -> Array:
        """The ground truth that follows all inner ops; see `Temporal.target`."""
        frames, _, stop = self.window(frames, params, start, stop)
        return _follow("target", self._bind(params), frames, start, stop)

    def carry(self, masks: Array, params: Any, start: int, stop: int | None = None) -> Array:
        """Masks, carried by all inner ops in turn; see `Temporal.carry`."""
        masks, _, stop = self.window(masks, params, start, stop)
        return _follow("carry", self._bind(params), masks, start, stop)

    def files(self) -> dict[str, str]:
        """What the inner ops read; see `Op.files`."""
        return {name: digest for op in self.ops for name, digest in op.files().items()}

    def at_severity(self, severity: float) -> Self:
        """With inner ops at that severity; see `Op.at_severity`."""
        inner = tuple(op.at_severity(severity) for op in self.ops)
        milder = super().at_severity(severity)
        return milder.model_copy(update={"ops": inner, "p": self.p if severity else 0.0})

    def load_params(self, data: dict[str, Any]) -> Params:
        """Params from a trace's JSON, the inner ones by their ops."""
        ops = dict(self.labelled())
        steps = []
        for step in data.get("steps", ()):
            if step["label"] not in ops:
                raise SpecError(unknown("op in the trace", step["label"], ops))
            steps.append({"label": step["label"], "params": ops[step["label"]].load_params(step["params"])})
        return self.drawn(**{**data, "steps": tuple(steps)})

    def _bind(self, params: Any) -> list[Step]:
        ops = dict(self.labelled())
        return [Step(step["label"], ops[step["label"]], step["params"]) for step in params.steps]


def _draw(ops: Sequence[tuple[str, Op]], info: ClipInfo, rng: Stream) -> tuple[dict[str, Any], ...]:
    steps = []
    for label, op in ops:
        own = rng.child(label)
        if op.p < 1 and own.generator("fires").random() >= op.p:
            continue
        params = op.sample(info, own)
        steps.append({"label": label, "params": params})
        if isinstance(params, Scaled) and not getattr(op, "ops", ()):
            info = info.scaled(params.scale)
    return tuple(steps)


def _alone(steps: Sequence[Step]) -> bool:
    """Whether every frame is made of itself alone."""
    return all(
        not isinstance(op, Temporal) or (isinstance(op, Composition) and _alone(op._bind(params)))
        for _, op, params in steps
    )


def _reach(steps: Sequence[Step], start: int, stop: int) -> tuple[int, int]:
    for _, op, params in reversed(steps):
        if isinstance(op, Temporal):
            start, stop = op.reach(params, start, stop)
    return start, stop


def _render(steps: Sequence[Step], layer: Layer, start: int, stop: int) -> Layer:
    """Frames `start` to `stop`; the layer holds those that `_reach` names."""
    if _alone(steps):
        return _by_frame(steps, layer, start)
    split = next(i for i, step in enumerate(steps) if _takes_in_the_rest(step.op) or not _alone((step,)))
    (label, op, params), rest = steps[split], steps[split + 1 :]
    window = _reach(rest, start, stop)
    frames, masks = _by_frame(steps[:split], layer, _reach(steps[split : split + 1], *window)[0])
    if _takes_in_the_rest(op):
        inner = op.enclose(frames, params, window[0], start, lambda small: _render(rest, Layer(small, {}), start, stop))
        return Layer(inner.frames, _carried(masks, op, rest, params, window[0], start, stop) | inner.masks)
    assert isinstance(op, Temporal)
    frames, new = op.render(frames, params, *window)
    masks = {k: op.carry(mask, params, *window) for k, mask in masks.items()} | _labelled(label, new)
    return _render(rest, Layer(frames, masks), start, stop)


def _by_frame(steps: Sequence[Step], layer: Layer, start: int) -> Layer:
    """One frame after the other through all steps: it stays in the cache, and memory is used again."""
    frames, masks = layer
    if len(frames) <= 1 or not steps:
        return _apply(steps, layer, start)
    out = np.empty_like(frames)
    made: dict[str, Array] = {}
    for i in range(len(frames)):
        one = _apply(steps, Layer(frames[i : i + 1], {k: mask[i : i + 1] for k, mask in masks.items()}), start + i)
        out[i] = one.frames[0]
        for label, mask in one.masks.items():
            made.setdefault(label, np.empty((*frames.shape[:3], 1), np.float32))[i] = mask[0]
    return Layer(out, made)


def _apply(steps: Sequence[Step], layer: Layer, start: int) -> Layer:
    frames, masks = layer
    for i, (label, op, params) in enumerate(steps):
        if _takes_in_the_rest(op):
            rest = steps[i + 1 :]
            inner = op.enclose(frames, params, start, start, partial(_apply_from, rest, start))
            end = start + len(frames)
            return Layer(inner.frames, _carried(masks, op, rest, params, start, start, end) | inner.masks)
        frames, new = op.render(frames, params, start)
        masks = {k: op.carry(m, params, start) for k, m in masks.items()} | _labelled(label, new)
    return Layer(frames, masks)


def _carried(
    masks: dict[str, Array], op: "AtScale", rest: Sequence[Step], params: Any, first: int, start: int, stop: int
) -> dict[str, Array]:
    """Masks through an op that takes in the rest, and through that."""

    def inner(small: Array) -> Layer:
        return Layer(_follow("carry", rest, small, start, stop), {})

    return {k: op.enclose(mask, params, first, start, inner, reached).frames for k, mask in masks.items()}


def _apply_from(steps: Sequence[Step], start: int, frames: Array) -> Layer:
    return _apply(steps, Layer(frames, {}), start)


def _follow(
    how: Literal["move", "target", "carry"], steps: Sequence[Step], frames: Array, start: int, stop: int
) -> Array:
    """Other frames, those that `_reach` names, through all steps."""
    for i, (_, op, params) in enumerate(steps):
        window = _reach(steps[i + 1 :], start, stop)
        where = window if isinstance(op, Temporal) else window[:1]
        frames = getattr(op, how)(frames, params, *where)
    return frames


def _labelled(label: str, masks: dict[str, Array]) -> dict[str, Array]:
    return {f"{label}/{k}" if k else label: mask for k, mask in masks.items()}


class Pipeline(Composition):
    """Ops in the order given.

    Example:
        >>> import numpy as np
        >>> from degrade.ops import Dust, GaussianBlur
        >>> out = Pipeline(ops=(GaussianBlur(), Dust()))(np.full((3, 64, 64, 1), 0.5, np.float32), seed=1)
        >>> out.frames.shape, sorted(out.masks)
        ((3, 64, 64, 1), ['dust'])
    """

    def __call__(self, clip: Array, *, seed: int = 0, clip_id: str = "") -> Damaged:
        """Damages a picture or clip.

        Args:
            clip: A picture (H, W) or (H, W, C) or a clip (T, H, W, C); uint8, or floats in [0, 1].
            seed: 0 or greater; the same seed and id give the same damage.
            clip_id: Keys the random streams, so that clips of one seed differ.

        Raises:
            SourceError: `clip` is of another form.
        """
        frames = as_clip(clip)
        count, height, width, channels = frames.shape
        info = ClipInfo(frames=count, height=height, width=width, channels=channels, id=clip_id)
        return self._apply(clip, frames, info, self.draw(info, seed))

    def draw(self, info: ClipInfo, seed: int) -> Any:
        """What is drawn for a clip, to be given to `render` and `move` for any window of it."""
        if seed < 0:
            raise SpecError(f"must be 0 or greater, got {seed}", "seed")
        own = Stream(seed, info.id)
        if self.p < 1 and own.generator("fires").random() >= self.p:
            return Steps()
        return self.sample(info, own)

    def replay(self, clip: Array, trace: Trace) -> Damaged:
        """Damages a clip as recorded, drawing nothing.

        Raises:
            SpecError: The clip is not of the trace's size, or an op of the trace is missing here.
        """
        frames = as_clip(clip)
        expected = (trace.info.frames, trace.info.height, trace.info.width, trace.info.channels)
        if frames.shape != expected:
            raise SpecError(f"the trace is of a clip of shape {expected}, not {frames.shape}")
        return self._apply(clip, frames, trace.info, self.load_params({"steps": trace.steps}))

    def _apply(self, given: Array, frames: Array, info: ClipInfo, params: Any) -> Damaged:
        layer = self.render(frames, params, 0)
        shape, dtype = np.shape(given), np.asarray(given).dtype
        out = to_uint8(layer.frames) if dtype == np.uint8 else layer.frames.astype(dtype, copy=False)
        if np.may_share_memory(out, given):  # no op fired
            out = out.copy()
        masks = {k: m if len(shape) == 4 else m[0] for k, m in layer.masks.items()}
        return Damaged(out.reshape(shape), masks, trace_of(info, params))


def trace_of(info: ClipInfo, params: Any) -> Trace:
    """The JSON-ready record of what `Pipeline.draw` returned."""
    return Trace(info, params.model_dump(mode="json")["steps"])


class OneOf(Composition):
    """One of the inner ops, drawn per clip."""

    weights: tuple[Annotated[float, Field(ge=0)], ...] = ()
    """How often each is chosen, relative to the others; equally if not given."""

    @model_validator(mode="after")
    def _check(self) -> "OneOf":
        _check_weights(self.weights, len(self.ops), "ops")
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        """Draws the choice, then the chosen op."""
        if not self.ops:
            return Steps()
        chosen = rng.generator("choice").choice(len(self.ops), p=_shares(self.weights, len(self.ops)))
        return Steps(steps=_draw([self.labelled()[chosen]], info, rng))


class Shuffle(Composition):
    """All inner ops, in an order drawn per clip."""

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        """Draws the order, then the ops."""
        order = rng.generator("order").permutation(len(self.ops))
        ops = self.labelled()
        return Steps(steps=_draw([ops[i] for i in order], info, rng))


class Scaled(Steps):
    """What `AtScale` drew."""

    scale: float
    """Size relative to the frame."""
    shrink: tuple[Filter, ...]
    """Filter on the way in, per frame."""
    enlarge: tuple[Filter, ...]
    """Filter on the way back, per frame."""


class AtScale(Composition):
    """Resizes, applies the inner ops, and resizes back; masks come back with the picture.

    This is how a loss of resolution is said which later noise and compression inherit. Without inner
    ops it takes in all that follows it in its own sequence, so that in a `Shuffle` it may fall anywhere.
    """

    drawn: ClassVar[type[Params]] = Scaled

    scales: Annotated[tuple[Annotated[Interval, Within(0.01, 4, "of the frame's size")], ...], Clean(1)] = (
        (0.25, 1.0),
    )
    """One or several ranges, of which one is drawn per clip; below 1 is smaller."""
    weights: tuple[Annotated[float, Field(ge=0)], ...] = ()
    """How often each range is chosen, relative to the others; equally if not given."""
    filters: tuple[Filter, ...] = ("bicubic", "bilinear", "lanczos")
    """Filters of which one is drawn per frame and direction."""

    @model_validator(mode="after")
    def _check(self) -> "AtScale":
        if not self.scales or not self.filters:
            raise SpecError("must not be empty", "filters" if self.scales else "scales")
        _check_weights(self.weights, len(self.scales), "scales")
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> Params:
        """Draws scale and filters, then the inner ops for the other size."""
        draw = rng.generator("scale")
        low, high = self.scales[draw.choice(len(self.scales), p=_shares(self.weights, len(self.scales)))]
        scale = float(draw.uniform(low, high))
        ways = np.array(self.filters)[draw.integers(len(self.filters), size=(2, info.frames))].tolist()
        steps = _draw(self.labelled(), info.scaled(scale), rng)
        return Scaled(scale=scale, shrink=tuple(ways[0]), enlarge=tuple(ways[1]), steps=steps)

    def render(self, frames: Array, params: Any, start: int, stop: int | None = None) -> Layer:
        """See `Temporal.render`."""
        frames, first, stop = self.window(frames, params, start, stop)
        return self.enclose(
            frames, params, first, start, lambda small: super(AtScale, self).render(small, params, start, stop)
        )

    def carry(self, masks: Array, params: Any, start: int, stop: int | None = None) -> Array:
        """Resized as the picture is; see `Temporal.carry`."""
        masks, first, stop = self.window(masks, params, start, stop)
        return _carried({"": masks}, self, self._bind(params), params, first, start, stop)[""]

    def enclose(
        self,
        frames: Array,
        params: Any,
        first: int,
        start: int,
        inner: Callable[[Array], Layer],
        within: Callable[[Array], Array] = clipped,
    ) -> Layer:
        """Resizes frames from `first` on, applies `inner`, resizes back what it returns, from `start` on.

        `within` brings into range what the filters overshoot.
        """
        height, width = frames.shape[1:3]
        small = ClipInfo(frames=1, height=height, width=width).scaled(params.scale)
        if (small.height, small.width) == (height, width):
            return inner(frames)
        there = _resize(frames, small.height, small.width, params.shrink[first:], within)
        layer = inner(there)
        back = params.enlarge[start:]
        masks = {k: _resize(m, height, width, back, reached) for k, m in layer.masks.items()}
        return Layer(_resize(layer.frames, height, width, back, within), masks)


def _takes_in_the_rest(op: Op) -> TypeGuard[AtScale]:
    return isinstance(op, AtScale) and not op.ops


def _resize(frames: Array, height: int, width: int, filters: Sequence[str], within: Callable[[Array], Array]) -> Array:
    out = np.empty((len(frames), height, width, frames.shape[-1]), np.float32)
    for i, frame in enumerate(frames):
        cv2.resize(frame, (width, height), dst=out[i], interpolation=FILTERS[filters[i]])
        within(out[i])
    return out


def _check_weights(weights: tuple[float, ...], count: int, what: str) -> None:
    if weights and (len(weights) != count or not sum(weights)):
        raise SpecError(f"must be {count} numbers, one for each of `{what}`, not all 0; got {weights}", "weights")


def _shares(weights: tuple[float, ...], count: int) -> Array:
    given = np.array(weights or (1.0,) * count)
    return given / given.sum()


COMPOSITIONS: dict[str, type[Composition]] = {
    "pipeline": Pipeline,
    "one_of": OneOf,
    "shuffle": Shuffle,
    "at_scale": AtScale,
}
