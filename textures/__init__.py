"""Textures of defects: procedural ones, one file each, and packs of templates on disk."""

from degrade.textures._draw import draw, registry
from degrade.textures._packs import Pack, Template, group_of, open_pack
from degrade.textures.base import ProceduralTexture

__all__ = ["Pack", "ProceduralTexture", "Template", "draw", "group_of", "open_pack", "registry"]
