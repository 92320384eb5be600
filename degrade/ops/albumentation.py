"""Transforms of the library albumentations as ops."""

import functools
import os
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from degrade.core.errors import SpecError, unknown
from degrade.core.op import Family, Op
from degrade.core.rng import Stream, at
from degrade.core.types import Array, ClipInfo, Layer, Params

OVERSHOOT = 0.5
"""How far resampling may lead beyond [0, 1] before it is clipped; what leads further gives no picture."""


class AlbumentationParams(Params):
    """What was drawn."""

    key: int
    """Sets the transform's random state: for the clip, or with the frame's index for each frame."""


class Albumentation(Op[AlbumentationParams]):
    """A transform of albumentations, its random numbers drawn from the clip's streams.

    Drawn per clip, every frame goes through the same transform with the same random numbers. Masks, and targets
    that are to stay aligned, follow a spatial transform; one that changes size, type or range is refused. The library
    comes with the extra `albumentations`.
    """

    family: ClassVar[Family] = "quality"
    carries_exactly: ClassVar[bool] = False  # nobody knows what a transform does

    transform: str = "MotionBlur"
    """Name of the class: pixel-level or spatial, needing nothing but the picture."""
    parameters: dict[str, Any] = {}
    """Its arguments; its own `p` is 1 unless given."""
    per: Literal["clip", "frame"] = "clip"
    """Whether its random numbers are drawn once, or anew for each frame."""

    @model_validator(mode="after")
    def _check(self) -> "Albumentation":
        self._build()
        return self

    def sample(self, info: ClipInfo, rng: Stream) -> AlbumentationParams:
        """Draws the key."""
        return AlbumentationParams(key=rng.key("transform"))

    def render(self, frames: Array, params: AlbumentationParams, start: int) -> Layer:
        """See `Op.render`."""
        return Layer(self._each(frames, params, start, "image"), {})

    def move(self, frames: Array, params: AlbumentationParams, start: int) -> Array:
        """See `Op.move`."""
        return self._each(frames, params, start, "mask") if _spatial(self.transform) else frames

    def _each(self, frames: Array, params: AlbumentationParams, start: int, target: str) -> Array:
        transform = self._build()
        out = np.empty_like(frames)
        for i, frame in enumerate(frames):
            key = params.key if self.per == "clip" else int(at(params.key, start + i).integers(2**53))
            transform.set_random_seed(key)
            try:
                given = {"image": frame.copy()} if target == "image" else {"image": np.zeros_like(frame), target: frame}
                changed = transform(**given)[target]
            except Exception as error:  # of any kind: it is the library's
                raise SpecError(f"{self.transform} does not take this clip: {_first_line(error)}") from error
            if changed.shape[:2] != frame.shape[:2] or changed.size != frame.size or changed.dtype != np.float32:
                became = f"{changed.dtype} of shape {changed.shape}"
                raise SpecError(f"{self.transform} makes float32 of shape {frame.shape} into {became}; ops keep both")
            low, high = float(changed.min()), float(changed.max())
            if not -OVERSHOOT <= low <= high <= 1 + OVERSHOOT:
                raise SpecError(
                    f"{self.transform} leaves the range [0, 1]: {low:g} to {high:g}; apply it after the ops"
                )
            np.clip(changed.reshape(frame.shape), 0, 1, out=out[i])
        return out

    def _build(self) -> Any:
        """The transform, new: it holds a random state."""
        if self.transform not in _transforms():
            raise SpecError(unknown("albumentations transform", self.transform, _transforms()), "transform")
        cls = _transforms()[self.transform]
        if issubclass(cls, _library().Normalize):
            raise SpecError(f"{self.transform} leaves the range [0, 1]; apply it after the ops", "transform")
        strict = {"strict": True} if "InitSchema" in vars(cls) else {}  # else unknown arguments are but warned of
        try:
            made = cls(**{"p": 1, **self.parameters, **strict})
            needs = set(made.targets_as_params) - {"image"}
        except Exception as error:  # of any kind: it is the library's
            raise SpecError(f"{self.transform}: {_first_line(error)}", "parameters") from None
        if needs:
            raise SpecError(f"{self.transform} needs more than the picture: {', '.join(sorted(needs))}", "transform")
        if hasattr(made, "mask_interpolation"):  # masks here are alpha, and the target is a picture
            made.mask_interpolation = made.interpolation
        return made


@functools.cache
def _transforms() -> dict[str, Any]:
    """The classes by name."""
    library = _library()
    kinds, volumes = (library.ImageOnlyTransform, library.DualTransform), library.Transform3D
    found = {name: cls for name, cls in vars(library).items() if isinstance(cls, type) and issubclass(cls, kinds)}
    return {n: c for n, c in found.items() if c not in (*kinds, library.Lambda) and not issubclass(c, volumes)}


def _spatial(name: str) -> bool:
    return issubclass(_transforms()[name], _library().DualTransform)


def _library() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else it asks the network on import
    try:
        import albumentations
    except ImportError as error:
        raise SpecError("needs the extra `albumentations`: pip install 'film-degrade[albumentations]'") from error
    return albumentations


def _first_line(error: Exception) -> str:
    """The gist of an error, which for pydantic's stands at the end of the third line."""
    lines = str(error).splitlines() or [type(error).__name__]
    return " ".join(line.strip() for line in lines[1:3]).partition(" [type=")[0] if len(lines) > 2 else lines[0]
