"""Synthetic film damage: composable, seeded, coherent in time, with exact masks.

Example:
    >>> import numpy as np, degrade
    >>> picture = np.full((64, 64, 3), 128, np.uint8)
    >>> degrade.load("film-medium")(picture, seed=7).mask.shape
    (64, 64, 1)
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from degrade.core.errors import DatasetError, DegradeError, SourceError, SpecError
from degrade.core.op import Op
from degrade.core.types import ClipInfo, Damaged, Trace
from degrade.ops.at_scale import AtScale
from degrade.ops.one_of import OneOf
from degrade.ops.pipeline import Pipeline
from degrade.ops.shuffle import Shuffle
from degrade.presets import load
from degrade.sources import open_source
from degrade.spec import Spec, load_spec

if TYPE_CHECKING:
    from degrade.dataset.generate import generate
    from degrade.dataset.layout import DatasetFolder
    from degrade.dataset.verify import verify

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

__version__ = version("film-degrade")

_LAZY = {
    "DatasetFolder": "degrade.dataset.layout",
    "generate": "degrade.dataset.generate",
    "verify": "degrade.dataset.verify",
}
"""What reads and writes datasets is imported when it is first asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
