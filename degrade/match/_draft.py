"""The spec under way: ops of ``start.yaml`` under values that were measured, as a spec and as YAML with its reasons."""

import copy
import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple, get_args

from degrade.core import plain_yaml
from degrade.core.composition import labels, parse_op
from degrade.core.fields import Within
from degrade.core.op import Op
from degrade.match._copy import OPS, coded
from degrade.match._knobs import Key, Part, Values
from degrade.match._tint import Dyed
from degrade.measure import Film
from degrade.spec import Spec
from degrade.spec.load import parse

START = "left as it starts"
"""At the value of ``start.yaml``."""


class _Chosen(NamedTuple):
    """An op that is there, or not, by what the film is, and no parameter of it by a reading."""

    there: bool
    why: str


@dataclass(frozen=True)
class Draft:
    """All of a spec but its values."""

    fields: dict[str, Any]
    """What a spec has beside its pipeline."""
    film: Film
    parts: Sequence[Part]
    dyed: Dyed | None

    def spec(self, values: Values, **fields: Any) -> Spec:
        """The spec under these values; `fields` take the place of its own."""
        ops = [{name: parameters} for _, name, parameters in self.ops(values)]
        return parse({**self.fields, "pipeline": ops, **fields})

    def clean(self, **fields: Any) -> Spec:
        """The same without any damage."""
        return parse({**self.fields, "pipeline": [], **fields})

    def ops(self, values: Values) -> list[tuple[str, str, dict[str, Any]]]:
        """Label, name and parameters of each op that is there."""
        found = []
        for label, name, parameters in started():
            cls = type(parse_op({name: parameters}))
            given = copy.deepcopy(parameters)
            for part in self.parts:
                for key, quantity in part.keys.items():
                    if key[0] != label or key not in values:
                        continue
                    parameter, _, index = key[1].partition(".")
                    if index:
                        given[parameter][int(index)] = _short(values[key])
                    else:
                        ends = part.ends(key, values[key], self.film[part.instrument][quantity])
                        given[parameter] = _allowed(cls, parameter, values[key], ends)
            if name == "tinting" and self.dyed:
                given |= {"dyes": [self.dyed.dye], "strength": self.dyed.strength}
            if self._there(label, given):
                found.append((label, name, given))
        return found

    @functools.cached_property
    def _chosen(self) -> dict[str, _Chosen]:
        dyes = dict.fromkeys(("black_and_white", "tinting"), _Chosen(self.dyed is not None, "tint: the nearest dye"))
        return dyes | dict.fromkeys(OPS, _Chosen(coded(self.film), f"blocks: a coded copy; {START}"))

    def _there(self, label: str, given: dict[str, Any]) -> bool:
        if label in self._chosen:
            return self._chosen[label].there
        strong = [key[1] for part in self.parts for key in part.strong if key[0] == label]
        return not strong or any(given[parameter] not in (0, [0, 0]) for parameter in strong)

    def text(self, values: Values, made: Film, head: Sequence[str]) -> str:
        """The spec as YAML; behind each value what it was measured by."""
        lines = [*(f"# {line}" for line in head)]
        lines += [f"{key}: {_flow(value)}" for key, value in self.fields.items()]
        lines.append("pipeline:")
        for label, name, given in self.ops(values):
            known: dict[str, list[tuple[Part, Key]]] = {}
            for part in self.parts:
                for key in (key for key in part.keys if key[0] == label):
                    known.setdefault(key[1].partition(".")[0], []).append((part, key))
            if not known:
                why = self._chosen[label].why if label in self._chosen else f"not measured: {START}"
                lines.append(f"  - {name}: {_flow(given)}  # {why}")
                continue
            lines.append(f"  - {name}:")
            for parameter, value in given.items():
                why = f"  # {self._reason(known[parameter], values, made)}" if parameter in known else ""
                lines.append(f"      {parameter}: {_flow(value)}{why}")
        return "\n".join(lines) + "\n"

    def _reason(self, read: Sequence[tuple[Part, Key]], values: Values, made: Film) -> str:
        """What a parameter was set by, or why not."""
        part, key = read[0]
        quantities = [part.keys[key] for _, key in read]
        readings = [self.film[part.instrument][quantity] for quantity in quantities]
        unit = self.film.units[part.instrument][quantities[0]].unit
        name = f"{part.instrument} {quantities[0]}" + (f" … {quantities[-1]}" if len(read) > 1 else "")
        if key not in values or all(reading.value is None for reading in readings):
            return f"{name}: not measured ({readings[0].reason}); {START}"
        again = [made[part.instrument][quantity] for quantity in quantities]
        frames = self.film.told[part.instrument]
        shown = f"{', '.join(reading.text() for reading in readings)}{f' {unit}' * bool(unit)}"
        return f"{name} {shown}, {frames} frames; rendered {', '.join(reading.text(False) for reading in again)}"


def started() -> list[tuple[str, str, dict[str, Any]]]:
    """Label, name and parameters of each op of ``start.yaml``."""
    ops = plain_yaml.load(resources.files(__package__).joinpath("start.yaml").read_bytes())
    names = labels([parse_op(op) for op in ops])
    return [(label, *next(iter(op.items()))) for label, op in zip(names, ops, strict=True)]


def first_values(parts: Sequence[Part], film: Film, own: Film) -> dict[Key, float]:
    """What the film's readings say, by all parts."""
    return {key: value for part in parts for key, value in part.start(film, own).items()}


def _allowed(cls: type[Op], parameter: str, value: float, ends: tuple[float, float]) -> list[float] | float:
    """A range about the value, within what the op allows; a number where it takes no range."""
    field = cls.model_fields[parameter]
    if field.annotation is float:
        low, high = (
            next((end for mark in field.metadata if (end := getattr(mark, name, None)) is not None), none)
            for name, none in (("ge", -math.inf), ("le", math.inf))
        )
        return _short(min(max(value, low), high))
    inner = (mark for one in get_args(field.annotation) for mark in getattr(one, "__metadata__", ()))
    within = next((mark for mark in (*field.metadata, *inner) if isinstance(mark, Within)), Within(0))
    high = math.inf if within.high is None else within.high
    return [_short(min(max(end, within.low), high)) for end in ends]


def _short(value: float) -> float:
    """Three digits."""
    return float(f"{value:.3g}")


def _flow(value: Any) -> str:
    """A value as YAML on one line; JSON is YAML, but for quotes that nobody needs."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and value.isascii() and value.isidentifier() and value not in ("true", "false", "null"):
        return value
    return json.dumps(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
