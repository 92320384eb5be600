"""Drawing procedural textures by name."""

import numpy as np

from degrade.core.cache import ByteCache
from degrade.core.registry import Registry
from degrade.core.types import Array
from degrade.textures.base import ProceduralTexture

registry: Registry[ProceduralTexture] = Registry("texture", "degrade.textures", ProceduralTexture)

_cache: ByteCache[Array] = ByteCache(4 * 2**20, lambda alpha: alpha.nbytes)


def draw(name: str, seed: int, height: int, width: int) -> Array:
    """A procedural texture with its default parameters, (height, width) float32 in [0, 1], read-only.

    Raises:
        SpecError: No texture of that name.
    """
    return _cache.get((name, seed, height, width), lambda: _draw(name, seed, height, width))


def _draw(name: str, seed: int, height: int, width: int) -> Array:
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    alpha = registry.get(name)().draw(rng, height, width)
    alpha.flags.writeable = False
    return alpha
