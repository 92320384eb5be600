"""A clip's score by one metric, frame by frame."""

from typing import Any

import numpy as np

from degrade.benchmark.metrics import Frame, make


def score(name: str, prediction: np.ndarray, target: np.ndarray, **more: Any) -> float:
    metric = make(name)
    for t, (one, other) in enumerate(zip(prediction, target, strict=True)):
        metric.update(Frame(one, other, **{key: value[t] for key, value in more.items()}))
    return metric.result()
