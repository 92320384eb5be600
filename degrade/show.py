"""Shows an op: its parameters as a table, and a picture of its effect."""

from typing import Any, NamedTuple, get_args

from pydantic.fields import FieldInfo

from degrade.core.display import sheet
from degrade.core.docstrings import described
from degrade.core.fields import Interval, Within
from degrade.core.op import Op
from degrade.core.types import Array, mask_to_uint8
from degrade.ops.pipeline import Pipeline
from degrade.sources import open_source
from degrade.textures import draw


class Parameter(NamedTuple):
    """One parameter of an op, in words."""

    name: str
    default: str
    allowed: str
    about: str


def parameters(op: type[Op]) -> list[Parameter]:
    """The op's own parameters first, then those that every op has."""
    about = described(op)
    fields = sorted(op.model_fields.items(), key=lambda item: item[0] in Op.model_fields)
    return [
        Parameter(
            name,
            _value(field.get_default(call_default_factory=True)),
            allowed(field),
            about.get(name, ""),
        )
        for name, field in fields
    ]


def allowed(field: FieldInfo) -> str:
    """What a parameter may be: its limits and unit, or its choices."""
    return "; ".join(dict.fromkeys(_limits(field.annotation, field.metadata))) or "any"


def _limits(annotation: Any, metadata: Any) -> list[str]:
    found = [str(m) for m in metadata if isinstance(m, Within)]
    low = next((m.ge for m in metadata if getattr(m, "ge", None) is not None), None)
    high = next((m.le for m in metadata if getattr(m, "le", None) is not None), None)
    if low is not None or high is not None:
        found.append(f"{low:g} – {'…' if high is None else f'{high:g}'}")
    if annotation is bool:
        found.append("true, false")
    if annotation == Interval:
        return found
    inner = getattr(annotation, "__metadata__", None)
    found += [pattern.strip("^$") for m in inner or () if (pattern := _pattern(m))]
    for argument in get_args(annotation):
        if isinstance(argument, str):
            found.append(argument)
        elif not isinstance(argument, Within) and argument is not Ellipsis:
            found += _limits(argument, inner or ())
    return found


def _pattern(metadata: Any) -> str:
    return next((m.pattern for m in getattr(metadata, "metadata", ()) if getattr(m, "pattern", None)), "")


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else "–" if value is None else str(value)


def drawings(texture: str, *, count: int = 4, side: int = 256) -> Array:
    """A picture of a procedural texture: some of its shapes, (height, width, 3) uint8 RGB."""
    shapes = (mask_to_uint8(draw(texture, seed, side, side)) for seed in range(count))
    return sheet([[(f"seed {seed}", shape) for seed, shape in enumerate(shapes)]], height=side)


def demonstrate(op: Op, *, seed: int = 0, frames: int = 24, columns: int = 3) -> Array:
    """A picture of an op at work on a built-in clip: clean, damaged and mask of some frames.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    source = open_source("builtin:stills")
    sequence = source.sequences()[0]
    clean = source.read(sequence, 0, min(frames, sequence.frames))
    out = Pipeline(op)(clean, seed=seed)
    shown = [len(clean) * (2 * i + 1) // (2 * columns) for i in range(columns)]
    rows = []
    for kind, pictures in (("clean", clean), ("damaged", out.frames), ("mask", mask_to_uint8(out.mask))):
        if kind != "mask" or out.masks:
            rows.append([(f"{kind}, frame {t}", pictures[t]) for t in shown])
    return sheet(rows)
