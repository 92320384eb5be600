"""Compositions, ops made of other ops: parsing from a spec, labels, drawing and rendering."""

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from typing_extensions import TypeVar

from degrade.core import registry, steps
from degrade.core.errors import SpecError, shown, unknown
from degrade.core.fields import raise_spec_errors
from degrade.core.op import Family, Op, Temporal
from degrade.core.steps import Step
from degrade.core.types import Array, Layer, Params

MOST_OPS, DEEPEST = 1000, 16
"""Ops of a pipeline, and compositions within each other."""
_around: ContextVar[tuple[int, list[int]]] = ContextVar("around", default=(0, []))
"""While ops are parsed: how many lists of ops are around, and the number of ops in all of them."""


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
        raise SpecError(f"an op is a name or `name: {{parameters}}`, got {shown(value)}")
    name, parameters = next(iter(value.items()))
    cls: type[Op] = registry.ops.get(str(name))
    if parameters is None:
        parameters = {}
    if not isinstance(parameters, dict) or not all(isinstance(key, str) for key in parameters):
        raise SpecError(f"parameters are `key: value`, got {shown(parameters)}", str(name))
    with raise_spec_errors():
        return cls(**parameters)


def _parse_ops(value: Any) -> tuple[Op, ...]:
    if not isinstance(value, list | tuple):
        raise SpecError(f"must be a list of ops, got {shown(value)}", "ops")
    depth, before = _around.get()
    count = before if depth else [0]  # that of the outermost list, all within it included
    count[0] += len(value)
    if count[0] > MOST_OPS:
        raise SpecError(f"more than {MOST_OPS:,} ops", "ops")
    if depth > DEEPEST:
        raise SpecError(f"compositions within compositions, more than {DEEPEST} deep", "ops")
    token, ops = _around.set((depth + 1, count)), []
    try:
        for i, item in enumerate(value):
            try:
                ops.append(parse_op(item))
            except SpecError as error:
                raise error.within(f"[{i}]").within("ops") from None
    finally:
        _around.reset(token)
    labels(ops)
    return tuple(ops)


def labels(ops: Sequence[Op]) -> list[str]:
    """The label of each op: its `id`, or its name, with ``#2``, ``#3`` … for repeats.

    Raises:
        SpecError: Two ops have the same `id`.
    """
    taken: dict[str, int] = {}
    found = []
    for op in ops:
        name = op.id or op.name()
        if op.id in taken:
            raise SpecError(f"two ops have the id {op.id!r}", "ops")
        taken[name] = repeat = taken.get(name, 0) + 1
        found.append(name if repeat == 1 else f"{name}#{repeat}")
    return found


def all_labels(ops: Sequence[Op], prefix: str = "") -> Iterator[str]:
    """The labels of ops and of those within them, as ``outer/inner``: those that masks and traces may have."""
    for label, op in zip(labels(ops), ops, strict=True):
        yield prefix + label
        if isinstance(op, Composition):
            yield from all_labels(op.ops, f"{prefix}{label}/")


def flat(label: str) -> str:
    """A label as the name of a file: ``lines.scratch`` for ``lines/scratch``."""
    return label.replace("/", ".")


OpLike = Op | str | dict[str, Any]
"""An op, or one as written in a spec: ``"dust"``, ``{"dust": {"per_frame": [2, 8]}}``."""

Ops = Annotated[
    tuple[Op, ...],
    BeforeValidator(_parse_ops),
    PlainSerializer(lambda ops: [op.to_spec() for op in ops], return_type=list),
    WithJsonSchema({"type": "array"}),  # `degrade.spec.json_schema` says of what
]


class Steps(Params):
    """What a composition drew: the inner ops that fired, in order of application."""

    steps: tuple[dict[str, Any], ...] = ()


S = TypeVar("S", bound=Steps, default=Any)


class Composition(Temporal[S]):
    """An op made of ops, applied in the order given. Inner masks and streams are labelled ``outer/inner``."""

    family: ClassVar[Family] = "composition"

    ops: Ops = ()
    """The inner ops."""

    def __init__(self, *ops: OpLike | Sequence[OpLike], **parameters: Any) -> None:
        if ops and "ops" in parameters:
            raise TypeError(f"{type(self).__name__} takes ops by place or by name, not both")
        if ops:
            parameters["ops"] = ops[0] if len(ops) == 1 and isinstance(ops[0], list | tuple) else ops
        super().__init__(**parameters)

    def labelled(self) -> list[tuple[str, Op]]:
        """The inner ops with their labels."""
        return list(zip(labels(self.ops), self.ops, strict=True))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """The labels of the inner ops, and what else is not at its default."""
        yield from ((None, label) for label in labels(self.ops))
        yield from ((name, value) for name, value in self.changed().items() if name != "ops")

    def _repr_html_(self) -> str:
        from degrade.core.display import html_table  # for notebooks alone

        return html_table(["op", "family", "parameters that are not at their defaults"], self._rows())

    def _rows(self, outer: str = "") -> Iterator[tuple[str, str, str]]:
        for label, op in self.labelled():
            changed = op.changed()
            inner = isinstance(op, Composition)
            shown = ", ".join(f"{name}={value!r}" for name, value in changed.items() if not (inner and name == "ops"))
            yield outer + label, op.family, shown
            if isinstance(op, Composition):
                yield from op._rows(f"{outer}{label}/")

    def bind(self, params: S) -> list[Step]:
        """The inner ops that fired, with what they drew."""
        ops = dict(self.labelled())
        return [Step(step["label"], ops[step["label"]], step["params"]) for step in params.steps]

    def is_framewise(self, params: S) -> bool:
        """Whether all inner ops are; see `Op.is_framewise`."""
        return steps.is_framewise(self.bind(params))

    def frames_needed(self, params: S, start: int, stop: int) -> tuple[int, int]:
        """Those needed by all inner ops in turn; see `Op.frames_needed`."""
        return steps.frames_needed(self.bind(params), start, stop)

    def block_size(self, params: S) -> int:
        """The largest among the inner ops; see `Op.block_size`."""
        return steps.block_size(self.bind(params))

    def render(self, frames: Array, params: S, start: int, stop: int | None = None) -> Layer:
        """Applies the inner ops in order; see `Temporal.render`."""
        return self._render(self.bind(params), frames, params, start, stop)

    def _render(self, bound: list[Step], frames: Array, params: S, start: int, stop: int | None) -> Layer:
        if steps.is_framewise(bound):
            return steps.render_framewise(bound, Layer(frames, {}), start)
        frames, _, stop = self.window(frames, params, start, stop)
        return steps.render(bound, Layer(frames, {}), start, stop)

    def move(self, frames: Array, params: S, start: int, stop: int | None = None) -> Array:
        """Moves frames as the inner ops do; see `Temporal.move`."""
        frames, _, stop = self.window(frames, params, start, stop)
        return steps.follow("move", self.bind(params), frames, start, stop)

    def target(self, frames: Array, params: S, start: int, stop: int | None = None) -> Array:
        """The ground truth after all inner ops; see `Temporal.target`."""
        frames, _, stop = self.window(frames, params, start, stop)
        return steps.follow("target", self.bind(params), frames, start, stop)

    def carry(self, masks: Array, params: S, start: int, stop: int | None = None) -> Array:
        """Masks carried through all inner ops in turn; see `Temporal.carry`."""
        masks, _, stop = self.window(masks, params, start, stop)
        return steps.follow("carry", self.bind(params), masks, start, stop)

    def files(self) -> dict[str, str]:
        """Files that the inner ops read; see `Op.files`."""
        return {name: digest for op in self.ops for name, digest in op.files().items()}

    def at_severity(self, severity: float) -> Self:
        """Scales the inner ops; see `Op.at_severity`."""
        inner = tuple(op.at_severity(severity) for op in self.ops)
        milder = super().at_severity(severity)
        return milder.model_copy(update={"ops": inner, "p": self.p if severity else 0.0})

    def load_params(self, data: dict[str, Any]) -> S:
        """Params from a trace's JSON, those of inner ops loaded by these."""
        ops = dict(self.labelled())
        loaded = []
        for step in data.get("steps", ()):
            if step["label"] not in ops:
                raise SpecError(unknown("op in the trace", step["label"], ops))
            loaded.append({"label": step["label"], "params": ops[step["label"]].load_params(step["params"])})
        whole: S = self.drawn(**{**data, "steps": tuple(loaded)})
        return whole
