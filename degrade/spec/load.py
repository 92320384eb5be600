"""Specs from YAML files and command lines: presets expanded, single values set, errors named by their place."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from degrade import presets
from degrade.core import plain_yaml
from degrade.core.assignment import parse_assignment
from degrade.core.composition import labels, parse_op
from degrade.core.errors import SpecError, unknown
from degrade.core.op import Op
from degrade.ops.pipeline import Pipeline
from degrade.spec.model import Spec


def load_spec(
    path: str | Path | None = None,
    *,
    preset: str | None = None,
    changes: Iterable[str] = (),
    **fields: Any,
) -> Spec:
    """Reads a spec and applies changes, such as those of a command line.

    Args:
        path: YAML file; without one the defaults, which need a `preset`.
        preset: Replaces the file's pipeline.
        changes: ``key=value`` with dots into the spec: ``clips.length=8``, ``pipeline.dust.per_frame=[1,4]``
            (an op by its label); the value is YAML.
        **fields: Whole fields that are not None: ``seed=3``.

    Raises:
        SpecError: The file is missing or no mapping, or a value is not allowed.
    """
    raw = read_yaml(path) if path else {}
    if path and "name" not in raw:
        raw["name"] = Path(path).stem
    if preset:
        raw = {k: v for k, v in raw.items() if k not in ("pipeline", "preset", "override")} | {"preset": preset}
    raw |= {key: _own(value) for key, value in fields.items() if value is not None}
    _expand_preset(raw)
    for change in changes:
        set_value(raw, change)
    return parse(raw)


def _own(value: Any) -> Any:
    """A copy that changes may be made in; ops cannot be changed."""
    if isinstance(value, list | tuple):
        return [_own(one) for one in value]
    return value if isinstance(value, Op) else copy.deepcopy(value)


def parse(raw: dict[str, Any]) -> Spec:
    """A spec from plain data; an error names the place in it."""
    raw = dict(raw)
    _expand_preset(raw)
    try:  # first, so that its errors name `pipeline[2]`
        raw["pipeline"] = Pipeline(ops=raw["pipeline"]).ops
    except SpecError as error:
        raise SpecError(error.message, error.where.replace("pipeline.ops", "pipeline", 1)) from None
    return Spec(**raw)


def set_value(raw: dict[str, Any], change: str) -> None:
    """Applies one ``key=value``, see `load_spec`.

    Raises:
        SpecError: Not of that form, the value is not YAML, or the key leads through something that is no mapping.
    """
    key, value = parse_assignment(change)
    _set(raw, key.split("."), value)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        SpecError: The file is missing, not YAML, or holds something else.
    """
    try:
        with Path(path).expanduser().open("rb") as file:
            raw = plain_yaml.load(file.read(plain_yaml.LARGEST + 1))
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", str(path)) from error
    except SpecError as error:
        raise SpecError(error.message, f"{path}:{error.where}".removesuffix(":")) from None
    return mapping(raw, str(path))


def mapping(raw: Any, where: str) -> dict[str, Any]:
    """`raw` itself, if it is a mapping whose keys are words; SpecError if not."""
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise SpecError(f"must be a mapping of keys to values, got {type(raw).__name__}", where)
    return raw


def _expand_preset(raw: dict[str, Any]) -> None:
    preset, override = raw.pop("preset", None), raw.pop("override", None) or {}
    if preset is None:
        if "pipeline" not in raw:
            raise SpecError(f"give a pipeline or a preset ({', '.join(presets.names())})", "pipeline")
    elif "pipeline" in raw:
        raise SpecError("give either a preset or a pipeline", "preset")
    else:
        raw["pipeline"] = presets.read(preset)
    if not isinstance(override, dict):
        raise SpecError(f"must map ops to parameters, got {override!r:.80}", "override")
    for label, parameters in override.items():
        if not isinstance(parameters, dict):
            raise SpecError(f"must map parameters to values, got {parameters!r:.80}", f"override.{label}")
        for key, value in parameters.items():
            _set(raw, ["pipeline", str(label), key], value)


def _set(raw: Any, keys: list[str], value: Any) -> None:
    """Sets a nested value; a list of ops is entered by label (``contaminant/texture`` for inner ops)."""
    node = raw
    for depth, key in enumerate(keys[:-1]):
        where = ".".join(keys[: depth + 1])
        node = _op_parameters(node, key, where) if isinstance(node, list) else node.setdefault(key, {})
        if not isinstance(node, dict | list):
            raise SpecError(f"holds a value, not keys: {node!r:.80}", where)
    if isinstance(node, list):
        raise SpecError("name a parameter of the op as well", ".".join(keys))
    node[keys[-1]] = value


def _op_parameters(ops: list[Any], label: str, where: str) -> dict[str, Any]:
    """The parameters, to be changed in place, of the op in `ops` with that label."""
    outer, _, inner = label.partition("/")
    named = labels([parse_op(op) for op in ops])
    if outer not in named:
        raise SpecError(unknown("op", outer, named), where)
    index = named.index(outer)
    if isinstance(ops[index], str):
        ops[index] = {ops[index]: {}}
    elif isinstance(ops[index], Op):
        ops[index] = ops[index].to_spec()
    name = next(iter(ops[index]))
    parameters = ops[index][name] = dict(ops[index][name] or {})
    if not inner:
        return parameters
    parameters["ops"] = list(parameters.get("ops", []))
    return _op_parameters(parameters["ops"], inner, where)
