"""The pack ``builtin:rtn``: templates in RTN's folders, put together from this package's textures."""

from typing import NamedTuple

import cv2
import numpy as np

from degrade.core.rng import at
from degrade.core.types import Array

HEIGHT, WIDTH = 600, 800
PER_GROUP = 8


class Scatter(NamedTuple):
    """Many defects of one kind; each range is drawn from evenly, sizes by their logarithm."""

    texture: str
    count: tuple[int, int]
    size: tuple[float, float]
    """Longer side in pixels."""
    darkness: tuple[float, float]
    """Of the defect's core; 1 is black."""
    aspect: float = 1.0
    """Shorter side by longer side; under 1 the defect stands upright and is not turned."""


GROUPS = {
    "001": (Scatter("scratch", (1, 4), (600, 600), (0.4, 1.0), 0.012),),
    "002": (Scatter("dust", (60, 160), (3, 9), (0.4, 1.0)),),
    "003": (Scatter("dust", (12, 40), (8, 28), (0.5, 1.0)), Scatter("dust", (20, 60), (3, 8), (0.4, 0.9))),
    "004": (Scatter("fibre", (4, 12), (60, 220), (0.5, 1.0)),),
    "005": (Scatter("fibre", (2, 6), (50, 180), (0.5, 1.0)), Scatter("dust", (30, 80), (3, 12), (0.4, 1.0))),
    "006": (Scatter("scratch_cluster", (1, 4), (120, 400), (0.4, 0.9)),),
    "007": (Scatter("fibre", (10, 30), (15, 60), (0.5, 1.0)),),
    "008": (
        Scatter("dust", (120, 300), (3, 14), (0.4, 1.0)),
        Scatter("fibre", (2, 8), (40, 200), (0.4, 1.0)),
        Scatter("scratch", (0, 3), (600, 600), (0.3, 0.8), 0.01),
    ),
    "009": (Scatter("scratch", (3, 9), (80, 420), (0.3, 0.9), 0.03), Scatter("dust", (15, 50), (3, 9), (0.4, 1.0))),
    "010": (Scatter("stain", (1, 4), (140, 420), (0.15, 0.6)), Scatter("dust", (5, 25), (4, 14), (0.4, 1.0))),
    "011": (Scatter("dust", (8, 40), (4, 20), (0.6, 1.0)), Scatter("fibre", (0, 3), (30, 120), (0.6, 1.0))),
    "012": (
        Scatter("scratch_cluster", (0, 2), (100, 300), (0.3, 0.8)),
        Scatter("fibre", (2, 8), (30, 140), (0.5, 1.0)),
        Scatter("dust", (40, 120), (3, 18), (0.4, 1.0)),
    ),
}


def names() -> tuple[str, ...]:
    """All templates, sorted."""
    return tuple(f"{group}/{index:02}" for group in sorted(GROUPS) for index in range(PER_GROUP))


def draw(name: str) -> Array:
    """A template, (600, 800) uint8: a light, slightly uneven ground with dark defects."""
    group, _, index = name.partition("/")
    rng = at(int(group), int(index))
    light = _ground(rng)
    for scatter in GROUPS[group]:
        _scatter(light, scatter, rng)
    return (light * 255 + 0.5).astype(np.uint8)


def _ground(rng: np.random.Generator) -> Array:
    coarse = rng.uniform(-0.015, 0.015, (4, 5)).astype(np.float32)
    uneven = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(uneven + np.float32(rng.uniform(0.95, 0.99)), 0.9, 1)


def _scatter(light: Array, scatter: Scatter, rng: np.random.Generator) -> None:
    from degrade.textures import registry

    texture = registry.get(scatter.texture)()
    for _ in range(rng.integers(*scatter.count, endpoint=True)):
        side = np.exp(rng.uniform(*np.log(scatter.size)))
        height, width = max(3, round(side)), max(3, round(side * scatter.aspect))
        alpha = texture.draw(rng, height, width)
        if scatter.aspect == 1:
            alpha = np.rot90(alpha, rng.integers(4))
        top = 0 if height >= HEIGHT else rng.integers(-height // 2, HEIGHT - height // 2)
        left = rng.integers(-width // 2, WIDTH - width // 2)
        shown = light[max(0, top) : top + height, max(0, left) : left + width]
        part = alpha[max(0, -top) :, max(0, -left) :][: shown.shape[0], : shown.shape[1]]
        shown *= 1 - np.float32(rng.uniform(*scatter.darkness)) * part
