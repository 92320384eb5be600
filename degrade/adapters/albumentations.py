"""Our ops and pipelines as a transform of albumentations; the other way round see the op `albumentation`."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np

from degrade import presets
from degrade.core.errors import SpecError
from degrade.core.op import Op
from degrade.core.types import Array, ClipInfo, as_clip, to_dtype, to_uint8, union

try:
    import albumentations
    from albumentations.core.type_definitions import Targets
except ImportError as error:
    raise ImportError("needs the extra `albumentations`: pip install 'film-degrade[albumentations]'") from error


KINDS = {"image": "image", "images": "images", "volume": "images", "mask": "mask", "masks": "masks", "mask3d": "masks"}
"""What each target is treated as: a volume is a clip of its slices."""
SEVERAL = {"volumes", "masks3d"}
"""Targets that hold several clips."""


class Degrade(albumentations.DualTransform):
    """Film damage in a `Compose`.

    Targets: ``image`` (H, W) or (H, W, C) is a clip of one frame; ``images`` (N, H, W) or (N, H, W, C) is one clip of
    N, coherent in time, and so is ``volume``; uint8 or floats in [0, 1], RGB. ``mask``, ``masks`` and ``mask3d`` are
    annotations that move with the picture, or the damage's own masks. All that is drawn comes from one number out of
    the transform's random state, so ``Compose(…, seed=…)`` repeats it, `ReplayCompose` keeps it, and `to_dict` holds
    the ops as a spec has them.

    Args:
        ops: Name of a preset, an op, or a list of ops as in a spec.
        masks: ``"move"``: masks move with the picture, whole numbers as labels, floats as alpha in [0, 1].
            ``"fill"``: the same for alpha, uint8 or floats, raised to that of the damage; give zeros to have the
            damage's alone. As many ``masks`` as there are ``images`` belong to a frame each, else all to the first.
        p: Probability that the transform is applied.

    Raises:
        SpecError: An unknown op or value; masks of another kind; several volumes; boxes or keypoints where the
            picture moves.
        SourceError: Pixels of another shape, type or range.
    """

    _targets = (Targets.IMAGE, Targets.MASK)

    def __init__(self, ops: str | Op | list[Any], masks: Literal["move", "fill"] = "move", p: float = 1.0) -> None:
        super().__init__(p=p)
        if masks not in ("move", "fill"):
            raise SpecError(f"must be 'move' or 'fill', got {masks!r}", "masks")
        self.pipeline = presets.as_pipeline(ops)
        self.ops = [op.to_spec() for op in self.pipeline.ops]
        self.masks = masks

    @property
    def targets(self) -> dict[str, Any]:
        """What it changes; `apply_with_params` does it for all at once."""
        return dict.fromkeys((*KINDS, *SEVERAL), self.apply_with_params)

    def get_params(self) -> dict[str, Any]:
        """Draws the seed of the damage."""
        return {"seed": self.py_random.getrandbits(53)}

    def apply_with_params(self, params: dict[str, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Damages every target of one call alike."""
        kinds = {key: self._additional_targets.get(key, key) for key in kwargs if key in self._key2func}
        if several := SEVERAL.intersection(kinds.values()):
            raise SpecError("one clip at a time; give it as volume, its masks as mask3d", min(several))
        kinds = {key: KINDS[kind] for key, kind in kinds.items()}
        clips = {key: _clip(kwargs[key], kind) for key, kind in kinds.items() if kind in ("image", "images")}
        leading = max(clips.values(), key=len)
        boxed = any(kwargs.get(key) is not None for key in ("bboxes", "keypoints"))
        done = dict(kwargs)
        for key, clip in clips.items():
            drawn = self.pipeline.draw(ClipInfo.of(clip), params["seed"])
            layer = self.pipeline.render(clip, drawn, 0, masks="union" if self.masks == "fill" else "none")
            out = to_dtype(layer.frames, kwargs[key].dtype)
            done[key] = out.reshape(kwargs[key].shape)
            if clip is leading:
                move = partial(self.pipeline.move, params=drawn, start=0)
                alpha = union(layer.masks, (*clip.shape[:3], 1)) if self.masks == "fill" else None
        if boxed and not np.may_share_memory(move(leading), leading):
            raise SpecError("boxes and keypoints cannot follow ops that move the picture")
        for key, kind in kinds.items():
            if kind == "mask":
                done[key] = _follow(np.stack([kwargs[key]] * len(leading)), move, alpha)[0]
            elif kind == "masks" and len(kwargs[key]) == len(leading):
                done[key] = _follow(np.stack(list(kwargs[key])), move, alpha)
            elif kind == "masks":
                done[key] = np.stack([_follow(np.stack([mask] * len(leading)), move, alpha)[0] for mask in kwargs[key]])
            if kind == "masks" and not isinstance(kwargs[key], np.ndarray):
                done[key] = list(done[key])
        return done


def _follow(masks: Array, move: Callable[[Array], Array], alpha: Array | None) -> Array:
    """Masks (T, H, W) or (T, H, W, K) of a clip's frames, moved, and raised to `alpha` (T, H, W, 1) if it is given."""
    layers = np.moveaxis(masks if masks.ndim == 4 else masks[..., None], -1, 0)[..., None]
    if alpha is None and masks.dtype.kind != "f":
        return np.concatenate([_labels(layer, move) for layer in layers], axis=-1).reshape(masks.shape)
    if masks.dtype != np.uint8 and masks.dtype.kind != "f":
        raise SpecError(f"to be filled must be uint8 or floats, got {masks.dtype}", "mask")
    soft = np.concatenate([move(as_clip(layer)) for layer in layers], axis=-1)
    if alpha is not None:
        soft = np.maximum(soft, alpha)
    return (to_uint8(soft) if masks.dtype == np.uint8 else soft.astype(masks.dtype)).reshape(masks.shape)


def _labels(labels: Array, move: Callable[[Array], Array]) -> Array:
    """Whole numbers (T, H, W, 1), moved without mixing: a pixel has the label that most of it comes from."""
    known = np.unique(labels)
    shares = np.concatenate([move((labels == label).astype(np.float32)) for label in known], axis=-1)
    return known[np.argmax(shares, axis=-1)][..., None]


def _clip(pixels: Array, kind: str) -> Array:
    """The pixels of a target as (T, H, W, C)."""
    return as_clip(pixels[..., None] if kind == "images" and pixels.ndim == 3 else pixels)
