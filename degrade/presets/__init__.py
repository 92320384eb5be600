"""Ready pipelines, one YAML file each: a list of ops as in a spec's ``pipeline``."""

from collections.abc import Sequence
from typing import Any

from degrade.core.composition import OpLike
from degrade.core.op import Op
from degrade.core.registry import Documents
from degrade.ops.pipeline import Pipeline

registry = Documents("preset", __name__)


def names() -> list[str]:
    """All presets, those of other packages among them."""
    return registry.names()


def text(name: str) -> str:
    """A preset's file.

    Raises:
        SpecError: No such preset, or another package's that cannot be read.
    """
    return registry.text(name)


def about(name: str) -> str:
    """What a preset is: the comment on its file's first line."""
    return text(name).partition("\n")[0].lstrip("# ")


def read(name: str) -> list[Any]:
    """A preset's list of ops, as written; see `text` for errors."""
    ops: list[Any] = registry.content(name)
    return ops


def load(name: str, *, severity: float = 1.0) -> Pipeline:
    """The preset's pipeline: ``load("film-medium")(clip, seed=7)``.

    Args:
        name: Of the preset; see `text` for errors.
        severity: 0 is clean, 1 the preset as it is; see `Op.at_severity`.
    """
    return Pipeline(read(name)).at_severity(severity)


def as_pipeline(damage: str | Op | Sequence[OpLike]) -> Pipeline:
    """What adapters take as damage, as a pipeline that fires on every clip.

    Args:
        damage: Name of a preset, an op, or a list of ops as in a spec.

    Raises:
        SpecError: An unknown preset, op or value.
    """
    if isinstance(damage, str):
        return load(damage)
    if isinstance(damage, Pipeline) and damage.p == 1:
        return damage
    return Pipeline(damage)
