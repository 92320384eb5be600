"""All ops, one file each: ``from degrade.ops import Dust``."""

from typing import Any

from degrade.core.registry import ops as registry

__all__ = ["registry"]


def __getattr__(name: str) -> Any:
    """`Dust` for the class in ``dust.py``; the file is imported when first asked for."""
    stem = "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
    if name[0].isupper() and stem in registry:
        return registry.get(stem)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *("".join(map(str.capitalize, stem.split("_"))) for stem in registry.names())]
