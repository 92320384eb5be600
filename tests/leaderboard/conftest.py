import numpy as np
import pytest
from made_results import SPREAD, make

from degrade.leaderboard.schema import Result


@pytest.fixture
def results() -> list[Result]:
    """Best to worst: `good`; `even` and `level`, which differ by chance; `input`."""
    jitter = np.array([0.5, -0.5, 0.5, -0.5, 0.5, -0.4])
    training = {"steps": 20, "seconds": 60, "curve": [{"step": s, "loss": 1 / s, "psnr": 20 + s} for s in (5, 10)]}
    learnt = {"parameters": 921205, "weights": "scratch"}
    return [
        make("input", (20 + SPREAD).tolist(), model={"baseline": True}),
        make("even", (25 + SPREAD).tolist(), model={"baseline": True}),
        make("level", (25 + SPREAD + jitter).tolist()),
        make("good", (30 + SPREAD + jitter / 5).tolist(), model=learnt, training=training),
    ]
