"""Defects to put on film: procedural ones, one file each, and packs of pictures from outside."""

import functools

import numpy as np

from degrade.core.registry import Registry
from degrade.core.types import Array
from degrade.textures._packs import Pack, Template, group_of, open_pack
from degrade.textures.base import Texture

__all__ = ["Pack", "Template", "Texture", "draw", "group_of", "open_pack", "registry"]

registry: Registry[Texture] = Registry("texture", "degrade.textures", Texture)


@functools.lru_cache(maxsize=2048)
def draw(name: str, seed: int, height: int, width: int) -> Array:
    """A procedural texture with its default parameters, (height, width) float32 in [0, 1], read-only.

    Raises:
        SpecError: No texture of that name.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    alpha = registry.get(name)().draw(rng, height, width)
    alpha.flags.writeable = False
    return alpha
