"""Pictures that oracles are compared on, and what an op draws for a clip."""

from typing import Any

import numpy as np
import pytest
from skimage import data

from degrade.core.op import Op
from degrade.core.rng import Stream
from degrade.core.types import ClipInfo


def pictures() -> list[Any]:
    """Photographs, noise and edges, grey and colour, also a pixel wide or high; float32."""
    draw = np.random.default_rng(0)
    every = {
        "photograph": data.camera()[150:250, 180:300, None] / 255,
        "colour": data.astronaut()[40:120, 150:270] / 255,
        "noise": draw.random((61, 83, 3)),
        "edges": np.kron(draw.random((9, 9)) > 0.5, np.ones((11, 7)))[..., None],
        "row": draw.random((1, 50, 1)),
        "column": draw.random((37, 1, 3)),
        "pixel": np.full((1, 1, 3), 0.7),
    }
    return [pytest.param(picture.astype(np.float32), id=name) for name, picture in every.items()]


def params_of(op: Op, frames: int = 1, height: int = 100, width: int = 120, clip: str = "", channels: Any = 3) -> Any:
    """What an op draws for a clip."""
    info = ClipInfo(frames=frames, height=height, width=width, channels=channels, id=clip)
    return op.sample(info, Stream(0, clip))
