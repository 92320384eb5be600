"""What authors of ops, textures, models and metrics need, from one place.

    from degrade.extend import Interval, Op, Params, Within

Contracts of models and metrics are imported when they are first asked for, since models need torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

from degrade.core.color import add_chroma, chroma, luma
from degrade.core.composition import Composition
from degrade.core.errors import SourceError, SpecError
from degrade.core.fields import Floats, Interval, Ints, Neutral, Probability, Within
from degrade.core.op import Contaminant, Family, Op, Temporal
from degrade.core.rng import Stream, at, normal, ornstein_uhlenbeck, poisson
from degrade.core.types import Array, ClipInfo, Layer, Params
from degrade.ops._blur import Blur, gaussian
from degrade.ops._compositing import Sprite, cover, lay_sprites, textures_on, tint
from degrade.ops._drawn import choose, log_normal, stray, tones
from degrade.ops._events import EventParams, arrivals, visible
from degrade.ops._lines import LineParams, Lines
from degrade.ops._mixed import Mixed, Retimed, RetimedParams
from degrade.ops._packing import pack_floats, pack_ints, pack_tracks, short_floats
from degrade.ops._sprites import PlacedParams, SpriteParams, Sprites, TrackedParams
from degrade.textures import ProceduralTexture, draw

if TYPE_CHECKING:
    from degrade.benchmark.metrics.base import Frame, FrameMetric, Metric, PairMetric
    from degrade.models._card import ModelCard
    from degrade.models._colorization import ColorizationModel
    from degrade.models.base import RestorationModel, Restored

__all__ = [
    "Array",
    "Blur",
    "ClipInfo",
    "ColorizationModel",
    "Composition",
    "Contaminant",
    "EventParams",
    "Family",
    "Floats",
    "Frame",
    "FrameMetric",
    "Interval",
    "Ints",
    "Layer",
    "LineParams",
    "Lines",
    "Metric",
    "Mixed",
    "ModelCard",
    "Neutral",
    "Op",
    "PairMetric",
    "Params",
    "PlacedParams",
    "Probability",
    "ProceduralTexture",
    "RestorationModel",
    "Restored",
    "Retimed",
    "RetimedParams",
    "SourceError",
    "SpecError",
    "Sprite",
    "SpriteParams",
    "Sprites",
    "Stream",
    "Temporal",
    "TrackedParams",
    "Within",
    "add_chroma",
    "arrivals",
    "at",
    "choose",
    "chroma",
    "cover",
    "draw",
    "gaussian",
    "lay_sprites",
    "log_normal",
    "luma",
    "normal",
    "ornstein_uhlenbeck",
    "pack_floats",
    "pack_ints",
    "pack_tracks",
    "poisson",
    "short_floats",
    "stray",
    "textures_on",
    "tint",
    "tones",
    "visible",
]

_LAZY = {
    **dict.fromkeys(("Frame", "FrameMetric", "Metric", "PairMetric"), "degrade.benchmark.metrics.base"),
    **dict.fromkeys(("RestorationModel", "Restored"), "degrade.models.base"),
    "ColorizationModel": "degrade.models._colorization",
    "ModelCard": "degrade.models._card",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
