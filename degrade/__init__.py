"""Synthetic film damage: composable, seeded, coherent in time, with exact masks.

Example:
    >>> import numpy as np, degrade
    >>> picture = np.full((64, 64, 3), 128, np.uint8)
    >>> degrade.load("film-medium")(picture, seed=7).mask.shape
    (64, 64, 1)
"""

from importlib.metadata import version

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

__all__ = [
    "AtScale",
    "ClipInfo",
    "Damaged",
    "DatasetError",
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
    "load",
    "load_spec",
    "open_source",
]

__version__ = version("film-degrade")
