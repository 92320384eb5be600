"""The built-in pack ``builtin:rtn``: templates in RTN's folder layout, composed of procedural textures."""

from typing import Any, NamedTuple

import cv2
import numpy as np

from degrade.core.rng import at
from degrade.core.types import Array
from degrade.textures._draw import registry

HEIGHT, WIDTH = 600, 800
PER_GROUP = 8
DISTINCT = 16
"""So many defects of a scatter are drawn; if there are more, these come again, turned."""


class Scatter(NamedTuple):
    """Many defects of one kind. Ranges are drawn from evenly, heights by their logarithm."""

    texture: str
    number: tuple[int, int]
    height: tuple[float, float]
    """Of the defect's canvas, in pixels."""
    darkness: tuple[float, float]
    """Of the defect's core; 1 is black."""
    aspect: float = 1.0
    """Width by height; defects with another aspect than 1 stand upright."""
    options: dict[str, Any] = {}
    """Parameters of the texture."""


FINE_DUST = Scatter("dust", (60, 160), (3, 6), (0.4, 1.0))
DUST = Scatter("dust", (20, 70), (3, 9), (0.4, 1.0))
COARSE_DUST = Scatter("dust", (8, 30), (6, 18), (0.5, 1.0))
HAIRS = Scatter("fibre", (3, 10), (60, 220), (0.5, 1.0), options={"thickness": (0.004, 0.011)})
SHORT_HAIRS = Scatter("fibre", (10, 30), (15, 60), (0.5, 1.0), options={"thickness": (0.012, 0.03)})
LINES = Scatter("scratch", (1, 3), (HEIGHT, HEIGHT), (0.4, 1.0), 0.01)
BROAD_LINES = Scatter("scratch", (0, 2), (HEIGHT, HEIGHT), (0.3, 0.9), 0.03)
SHORT_LINES = Scatter("scratch", (3, 9), (80, 420), (0.4, 1.0), 0.03)
ABRASION = Scatter("scratch_cluster", (1, 4), (120, 400), (0.4, 0.9), options={"thickness": (0.001, 0.004)})
STAINS = Scatter("stain", (1, 4), (140, 420), (0.15, 0.6))

GROUPS = {
    "001": (LINES, BROAD_LINES),
    "002": (FINE_DUST,),
    "003": (COARSE_DUST, DUST),
    "004": (HAIRS,),
    "005": (HAIRS, DUST),
    "006": (ABRASION,),
    "007": (SHORT_HAIRS,),
    "008": (FINE_DUST, FINE_DUST, DUST, COARSE_DUST, HAIRS, BROAD_LINES),
    "009": (SHORT_LINES, DUST),
    "010": (STAINS, DUST),
    "011": (COARSE_DUST, SHORT_HAIRS),
    "012": (ABRASION, HAIRS, FINE_DUST, COARSE_DUST),
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
    texture = registry.get(scatter.texture)(**scatter.options)
    number = int(rng.integers(*scatter.number, endpoint=True))
    low, high = np.log(scatter.height).tolist()
    heights = np.exp(rng.uniform(low, high, min(number, DISTINCT))).tolist()
    drawn = [texture.draw(rng, max(3, round(h)), max(3, round(h * scatter.aspect))) for h in heights]
    for i in range(number):
        alpha = drawn[i % DISTINCT][:, :: rng.choice((-1, 1))]
        if scatter.aspect == 1:
            alpha = np.rot90(alpha, int(rng.integers(4)))
        height, width = alpha.shape
        top = 0 if height >= HEIGHT else int(rng.integers(-height // 2, HEIGHT - height // 2))
        left = int(rng.integers(-width // 2, WIDTH - width // 2))
        shown = light[max(0, top) : top + height, max(0, left) : left + width]
        part = alpha[max(0, -top) :, max(0, -left) :][: shown.shape[0], : shown.shape[1]]
        shown *= 1 - np.float32(rng.uniform(*scatter.darkness)) * part
