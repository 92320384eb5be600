"""Synthetic film damage: composable, seeded, coherent in time, with exact masks.

Example:
    >>> import numpy as np, degrade
    >>> picture = np.full((64, 64, 3), 128, np.uint8)
    >>> degrade.load("film-medium")(picture, seed=7).mask.shape
    (64, 64, 1)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from degrade.core.errors import DatasetError, DegradeError, SourceError, SpecError
    from degrade.core.op import Op
    from degrade.core.types import ClipInfo, Damaged, Trace
    from degrade.dataset.generate import generate
    from degrade.dataset.layout import DatasetFolder
    from degrade.dataset.verify import verify
    from degrade.ops.at_scale import AtScale
    from degrade.ops.one_of import OneOf
    from degrade.ops.pipeline import Pipeline
    from degrade.ops.shuffle import Shuffle
    from degrade.presets import load
    from degrade.sources import open_source
    from degrade.spec import Spec, load_spec

    __version__: str

__all__ = [
    "AtScale",
    "ClipInfo",
    "Damaged",
    "DatasetError",
    "DatasetFolder",
    "DegradeError",
    "OneOf",
    "Op",
    "Pipeline",
    "Shuffle",
    "SourceError",
    "Spec",
    "SpecError",
    "Trace",
    "__version__",
    "generate",
    "load",
    "load_spec",
    "open_source",
    "verify",
]

_HOMES = {
    **dict.fromkeys(("DatasetError", "DegradeError", "SourceError", "SpecError"), "degrade.core.errors"),
    **dict.fromkeys(("ClipInfo", "Damaged", "Trace"), "degrade.core.types"),
    **dict.fromkeys(("Spec", "load_spec"), "degrade.spec"),
    "AtScale": "degrade.ops.at_scale",
    "DatasetFolder": "degrade.dataset.layout",
    "OneOf": "degrade.ops.one_of",
    "Op": "degrade.core.op",
    "Pipeline": "degrade.ops.pipeline",
    "Shuffle": "degrade.ops.shuffle",
    "generate": "degrade.dataset.generate",
    "load": "degrade.presets",
    "open_source": "degrade.sources",
    "verify": "degrade.dataset.verify",
}
_PARTS = ("core", "ops", "presets", "sources", "spec", "textures")
"""Everything is imported when it is first asked for, so that ``degrade --help`` need not wait for it."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("film-degrade")
    if name in _PARTS:
        return import_module(f"degrade.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PARTS})
