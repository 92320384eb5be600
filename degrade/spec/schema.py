"""The JSON schema of a spec file."""

import contextlib
from typing import Any

from degrade import presets
from degrade.core.errors import SpecError
from degrade.core.fields import Strict
from degrade.core.op import Op
from degrade.ops import registry
from degrade.spec.model import Spec


def _loadable() -> dict[str, type[Op]]:
    """All ops by name, without those of other packages that cannot be loaded."""
    ops = {}
    for name in registry.names():
        with contextlib.suppress(SpecError):
            ops[name] = registry.get(name)
    return ops


def json_schema() -> dict[str, Any]:
    """The JSON schema of a spec file, every op included, for editors to complete and check."""
    definitions: dict[str, Any] = {}

    def of(model: type[Strict]) -> dict[str, Any]:
        one = model.model_json_schema()
        definitions.update(one.pop("$defs", {}))
        return one

    ops = _loadable()
    choices: list[dict[str, Any]] = [{"enum": list(ops)}]
    for name, op in ops.items():
        one = of(op)
        if "ops" in one["properties"]:
            one["properties"]["ops"]["items"] = {"$ref": "#/$defs/op"}
        definitions[f"op-{name}"] = {"anyOf": [one, {"type": "null"}]}
        choices.append(
            {
                "type": "object",
                "description": one.get("description", ""),
                "properties": {name: {"$ref": f"#/$defs/op-{name}"}},
                "required": [name],
                "additionalProperties": False,
            }
        )
    definitions["op"] = {"anyOf": choices}
    top = of(Spec)
    top["properties"]["pipeline"]["items"] = {"$ref": "#/$defs/op"}
    top["properties"] |= {
        "preset": {"enum": presets.names(), "description": "A ready pipeline, in place of `pipeline`."},
        "override": {"type": "object", "description": "Parameters of the preset's ops, by label."},
    }
    top.pop("required", None)
    top["oneOf"] = [{"required": ["pipeline"]}, {"required": ["preset"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}
