"""Footage and specs that several tests use."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest

from degrade.spec import Spec, parse

hypothesis.settings.register_profile("untimed", deadline=None)  # how long an example takes is up to the machine
hypothesis.settings.load_profile("untimed")

DAMAGE = [
    {"gaussian_blur": {"sigma": [0.01, 0.03]}},
    {"dust": {"per_frame": [3, 6]}},
    {"one_of": {"id": "lines", "ops": ["scratch", "hair"]}},
    {"noise": {"sigma": [3, 8]}},
    {"weave": {"p": 0.5}},
]


@pytest.fixture(scope="session")
def outside() -> Callable[[str], Path]:
    """`outside(path)`: a file or folder of data that the repository does not hold, or a skip where it is not there."""
    folders = [Path(folder) for folder in os.environ.get("FILM_DEGRADE_DATA", "").split(os.pathsep) if folder]

    def find(path: str) -> Path:
        for folder in folders:
            if (folder / path).exists():
                return folder / path
        pytest.skip(f"no {path} in FILM_DEGRADE_DATA")

    return find


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Four sequences of five to eight frames, 24×32, smooth and moving."""
    rng = np.random.default_rng(0)
    for s in range(4):
        folder = tmp_path / "footage" / f"s{s}"
        folder.mkdir(parents=True)
        picture = cv2.GaussianBlur(rng.integers(0, 256, (24, 64, 3), np.uint8), (0, 0), 3)
        for t in range(5 + s):
            cv2.imwrite(str(folder / f"{t:03d}.png"), np.ascontiguousarray(picture[:, 2 * t : 2 * t + 32]))
    return tmp_path / "footage"


@pytest.fixture
def make_spec(footage: Path) -> Callable[..., Spec]:
    """A small spec over `footage`; fields may be given."""

    def make(**fields: object) -> Spec:
        defaults = {"name": "small", "seed": 5, "source": str(footage), "color": "grey", "pipeline": DAMAGE}
        return parse({**defaults, **fields})

    return make
