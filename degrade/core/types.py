"""Data that ops exchange: clips, layers, masks and traces."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from degrade.core import registry
from degrade.core.errors import SourceError
from degrade.core.fields import Strict
from degrade.core.memory import bands

Array = np.ndarray
"""Frames: float32 (T, H, W, C) in [0, 1], C 1 (grey) or 3 (RGB). Masks: the same with C 1."""
Masks = Literal["union", "layers", "none"]
"""Which masks are made: one of all defects, one for each op as well, or none."""
VISIBLE = 25 / 255
"""Alpha above which a pixel counts as damaged; lower values are the faint rim of a defect."""


class ClipInfo(Strict):
    """The clip that damage is drawn for."""

    frames: int
    """Length of the whole clip, not of the window that is rendered."""
    height: int
    """In pixels."""
    width: int
    """In pixels."""
    channels: Literal[1, 3] = 3
    """1 grey, 3 RGB."""
    id: str = ""
    """Name that keys the clip's random streams."""

    @classmethod
    def of(cls, clip: Array, id: str = "") -> "ClipInfo":
        """Describes a clip (T, H, W, C)."""
        frames, height, width, channels = clip.shape
        return cls(frames=frames, height=height, width=width, channels=channels, id=id)

    def scaled(self, scale: float) -> "ClipInfo":
        """The same clip at another size, at least one pixel high and wide."""
        height, width = (max(1, round(side * scale)) for side in (self.height, self.width))
        return self.model_copy(update={"height": height, "width": width})


class Params(Strict):
    """Everything that an op drew for one clip, as plain numbers: enough to render it without drawing again."""

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """Long sequences by their number of entries."""
        for name, value in self:
            listed = isinstance(value, tuple | list | array)
            long = listed and (len(value) > 4 or any(isinstance(entry, list | tuple | array | dict) for entry in value))
            yield name, _Shown(f"<{len(value)}>") if long else value


class _Shown(str):
    """Text that is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Layer(NamedTuple):
    """What an op returns: frames (N, H, W, C) and, for contaminants, masks (N, H, W, 1) by label."""

    frames: Array
    masks: dict[str, Array]


@dataclass(frozen=True, repr=False)
class Trace:
    """What was drawn for one clip, and by which pipeline; `replay` gives the same pixels from it.

    Attributes:
        info: The clip.
        pipeline: The ops of the pipeline as a spec has them, JSON-ready.
        steps: The ops that fired, in order: ``{"label": …, "params": …}``; JSON-ready.
    """

    info: ClipInfo
    pipeline: list[dict[str, Any]]
    steps: list[dict[str, Any]]

    def __repr__(self) -> str:
        return f"Trace({_form(self.info.frames, self.info.height, self.info.width)}; {_names(self.fired())})"

    def to_json(self) -> dict[str, Any]:
        """A plain, JSON-ready dictionary."""
        return {"clip": self.info.model_dump(), "pipeline": self.pipeline, "steps": self.steps}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Trace":
        """The inverse of `to_json`.

        Raises:
            SpecError, KeyError, TypeError: It is no trace.
        """
        trace = cls(ClipInfo(**data["clip"]), data["pipeline"], data["steps"])
        if not isinstance(trace.pipeline, list) or not isinstance(trace.steps, list):
            raise TypeError("a trace holds lists of ops")
        trace.fired()  # every step has its label and params
        return trace

    def replay(self, clip: Array) -> "Damaged":
        """Damages a clip as recorded, drawing nothing.

        Args:
            clip: Of the recorded clip's frames, size and channels; see `Pipeline.__call__`.

        Raises:
            SpecError: It is of another size, or an op is not known here.
            SourceError: It is no clip.
        """
        damaged: Damaged = registry.ops.get("pipeline")(self.pipeline).replay(clip, self)
        return damaged

    def fired(self) -> list[str]:
        """Labels of all ops that fired, inner ones as ``outer/inner``."""
        return list(fired(self.steps))


def fired(steps: Iterable[dict[str, Any]], prefix: str = "") -> Iterator[str]:
    """Labels of all ops in steps, inner ones as ``outer/inner``; params are records, or JSON of these."""
    for step in steps:
        params = step["params"]
        inner = params.get("steps", ()) if isinstance(params, dict) else getattr(params, "steps", ())
        yield prefix + step["label"]
        yield from fired(inner, f"{prefix}{step['label']}/")


@dataclass(frozen=True, repr=False)
class Damaged:
    """A damaged clip or picture; notebooks show some of its frames, and their masks.

    Attributes:
        frames: In the shape and dtype of what was given.
        masks: Each contaminant's alpha by label, (T, H, W, 1) or (H, W, 1), float32 in [0, 1].
        trace: What was drawn.
    """

    frames: Array
    masks: dict[str, Array]
    trace: Trace

    @property
    def mask(self) -> Array:
        """The union (maximum) of all masks, zero where there is none."""
        return union(self.masks, (*self.frames.shape[:-1], 1) if self.frames.ndim > 2 else (*self.frames.shape, 1))

    def __repr__(self) -> str:
        clip = _as_4d(self.frames)
        form = _form(*clip.shape[:3]) if self.frames.ndim == 4 else f"{clip.shape[1]}×{clip.shape[2]}"
        kind = f"{'grey' if clip.shape[3] == 1 else 'RGB'} {self.frames.dtype}"
        return f"Damaged({form} {kind}; masks: {_names(self.masks)}; fired: {_names(self.trace.fired())})"

    def _repr_png_(self) -> bytes:
        from degrade.core.display import png, sheet  # for notebooks alone

        clip = _as_4d(self.frames)
        shown = sorted({len(clip) * (2 * i + 1) // 6 for i in range(3)})
        rows = []
        for kind, pictures in (("damaged", clip), ("mask", _as_4d(self.mask)))[: 2 if self.masks else 1]:
            rows.append([(f"{kind}, frame {t}" if len(clip) > 1 else kind, as_8bit(pictures[t])) for t in shown])
        return png(sheet(rows))


def _as_4d(data: Array) -> Array:
    """A picture or clip as (T, H, W, C)."""
    picture = data[..., None] if data.ndim == 2 else data
    return picture[None] if picture.ndim == 3 else picture


def _form(frames: int, height: int, width: int) -> str:
    return f"{frames} frames {height}×{width}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def union(masks: dict[str, Array], shape: tuple[int, ...]) -> Array:
    """The maximum of all masks; zeros of `shape` if there is none."""
    total = np.zeros(shape, np.float32)
    for mask in masks.values():
        np.maximum(total, mask, out=total)
    return total


def clipped(frames: Array) -> Array:
    """Clips frames to [0, 1], in place."""
    return np.clip(frames, 0, 1, out=frames)  # np.minimum alone takes three times as long


def reached(masks: Array) -> Array:
    """Filtered masks as alpha, in place: everything that the filter's weights reach, negative ones included."""
    return np.clip(np.abs(masks, out=masks), 0, 1, out=masks)


def as_clip(data: Array) -> Array:
    """Converts pixels of any accepted form to float32 (T, H, W, C) in [0, 1]; without a copy if possible.

    Args:
        data: uint8, uint16, or floats in [0, 1]; a picture (H, W) or (H, W, C), or a clip (T, H, W, C).

    Raises:
        SourceError: Another shape or dtype, no pixels, values out of [0, 1] or not finite.
    """
    clip = np.asarray(data)
    if clip.ndim == 2:
        clip = clip[..., None]
    if clip.ndim == 3:
        clip = clip[None]
    if clip.ndim != 4 or clip.shape[-1] not in (1, 3) or not clip.size:
        forms = "a clip is (T, H, W, C), a picture (H, W) or (H, W, C), with C 1 or 3"
        raise SourceError(f"frames of shape {np.shape(data)}: {forms}")
    if clip.dtype in (np.uint8, np.uint16):
        return clip.astype(np.float32) * np.float32(1 / np.iinfo(clip.dtype).max)
    if clip.dtype.kind != "f":
        raise SourceError(f"frames of dtype {clip.dtype}: uint8, uint16, or floats in [0, 1]")
    if not (clip.min() >= 0 and clip.max() <= 1):
        raise SourceError(f"frames hold values from {clip.min():g} to {clip.max():g}; floats must lie in [0, 1]")
    return clip.astype(np.float32, copy=False)


def to_uint8(frames: Array) -> Array:
    """Floats in [0, 1] as 8 bit, rounded to the nearest."""
    return _whole(frames, np.uint8)


def to_uint16(frames: Array) -> Array:
    """Floats in [0, 1] as 16 bit, rounded to the nearest."""
    return _whole(frames, np.uint16)


def _whole(frames: Array, dtype: type[np.unsignedinteger[Any]]) -> Array:
    """Floats in [0, 1] times the greatest number of a type."""
    whole = np.empty(frames.shape, dtype)
    for frame, made in zip(frames, whole, strict=True) if frames.ndim > 3 else [(frames, whole)]:
        for band in bands(frame.shape):
            scaled = np.clip(frame[band], 0, 1).astype(np.result_type(frame, np.float32), copy=False)
            scaled *= np.iinfo(dtype).max
            scaled += 0.5
            made[band] = scaled
    return whole


def to_dtype(frames: Array, dtype: Any) -> Array:
    """Floats in [0, 1] as uint8, uint16, or floats of a type; without a copy if possible."""
    whole = {np.dtype(np.uint8): to_uint8, np.dtype(np.uint16): to_uint16}.get(np.dtype(dtype))
    return whole(frames) if whole else frames.astype(dtype, copy=False)


def as_8bit(frames: Array) -> Array:
    """Pixels of any accepted type as 8 bit, rounded to the nearest."""
    if frames.dtype == np.uint16:
        return ((frames.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return frames if frames.dtype == np.uint8 else to_uint8(frames)


def mask_to_uint8(mask: Array) -> Array:
    """Alpha as 8 bit, rounded up: 0 on disk means that no contaminant touched the pixel."""
    return np.ceil(mask * np.float32(255)).astype(np.uint8)
