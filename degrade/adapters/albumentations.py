"""Our ops and pipelines as a transform of albumentations; the other way round see the op `albumentation`."""

from typing import Any, Literal

import albumentations
import numpy as np
from albumentations.core.type_definitions import Targets

from degrade import presets
from degrade.core.errors import SpecError
from degrade.core.op import Op
from degrade.core.types import Array, ClipInfo, as_clip, to_uint8, union
from degrade.pipeline import Pipeline


class Degrade(albumentations.DualTransform):
    """Film damage in a `Compose`.

    Targets: ``image`` (H, W) or (H, W, C) is a clip of one frame; ``images`` (N, H, W) or (N, H, W, C) is one clip
    of N, coherent in time; uint8 or floats in [0, 1], RGB. ``mask`` and ``masks`` are annotations that move with
    the picture, or the damage's own masks. All that is drawn comes from one number out of the transform's random
    state, so ``Compose(…, seed=…)`` repeats it, `ReplayCompose` keeps it, and `to_dict` holds the ops as a spec has
    them.

    Args:
        ops: Name of a preset, an op, or a list of ops as in a spec.
        masks: ``"move"``: masks move with the picture, whole numbers as labels, floats as alpha in [0, 1].
            ``"fill"``: the same for alpha, uint8 or floats, raised to that of the damage; give zeros to have the
            damage's alone. As many ``masks`` as there are ``images`` belong to a frame each, else all to the first.
        p: Probability that the transform is applied.

    Raises:
        SpecError: An unknown op or value; masks of another kind; boxes or keypoints where the picture moves.
        SourceError: Pixels of another shape, type or range.
    """

    _targets = (Targets.IMAGE, Targets.MASK)

    def __init__(self, ops: str | Op | list[Any], masks: Literal["move", "fill"] = "move", p: float = 1.0) -> None:
        super().__init__(p=p)
        if masks not in ("move", "fill"):
            raise SpecError(f"must be 'move' or 'fill', got {masks!r}", "masks")
        pipeline = presets.load(ops) if isinstance(ops, str) else ops
        if not (isinstance(pipeline, Pipeline) and pipeline.p == 1):
            pipeline = Pipeline(ops=(pipeline,) if isinstance(pipeline, Op) else pipeline)
        self.pipeline = pipeline
        self.ops = [op.to_spec() for op in pipeline.ops]
        self.masks = masks

    @property
    def targets(self) -> dict[str, Any]:
        """What it changes; `apply_with_params` does it for all at once."""
        return dict.fromkeys(("image", "images", "mask", "masks"), self.apply_with_params)

    def get_params(self) -> dict[str, Any]:
        """Draws the seed of the damage."""
        return {"seed": self.py_random.getrandbits(53)}

    def apply_with_params(self, params: dict[str, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Damages every target of one call alike."""
        kinds = {key: self._additional_targets.get(key, key) for key in kwargs if key in self._key2func}
        pictures = {key: _clip(kwargs[key], kind) for key, kind in kinds.items() if kind in ("image", "images")}
        longest = max(pictures.values(), key=len)
        count, height, width, channels = longest.shape
        info = ClipInfo(frames=count, height=height, width=width, channels=channels)
        drawn = self.pipeline.draw(info, params["seed"])
        boxed = any(kwargs.get(key) is not None for key in ("bboxes", "keypoints"))
        if boxed and self.pipeline.move(longest, drawn, 0) is not longest:
            raise SpecError("boxes and keypoints cannot follow ops that move the picture")
        done = dict(kwargs)
        alpha = np.zeros((count, height, width, 1), np.float32)
        for key, clip in pictures.items():
            layer = self.pipeline.render(clip, drawn, 0)
            out = to_uint8(layer.frames) if kwargs[key].dtype == np.uint8 else layer.frames.astype(kwargs[key].dtype)
            done[key] = out.reshape(kwargs[key].shape)
            if clip is longest:
                alpha = union(layer.masks, alpha.shape)
        for key, kind in kinds.items():
            if kind == "mask":
                done[key] = self._mask(kwargs[key], 0, alpha, drawn)
            elif kind == "masks":
                each = range(count) if len(kwargs[key]) == count else [0] * len(kwargs[key])
                moved = [self._mask(mask, t, alpha, drawn) for mask, t in zip(kwargs[key], each, strict=True)]
                done[key] = np.stack(moved) if isinstance(kwargs[key], np.ndarray) else moved
        return done

    def _mask(self, mask: Array, t: int, alpha: Array, drawn: Any) -> Array:
        """A mask (H, W) or (H, W, K) of frame t."""
        layers = np.moveaxis(mask if mask.ndim == 3 else mask[..., None], -1, 0)[..., None]
        if mask.dtype.kind == "f" or self.masks == "fill":
            if mask.dtype != np.uint8 and mask.dtype.kind != "f":
                raise SpecError(f"to be filled must be uint8 or floats, got {mask.dtype}", "mask")
            soft = np.concatenate([self.pipeline.move(as_clip(layer), drawn, t) for layer in layers], axis=-1)[0]
            if self.masks == "fill":
                soft = np.maximum(soft, alpha[t])
            return (to_uint8(soft) if mask.dtype == np.uint8 else soft.astype(mask.dtype)).reshape(mask.shape)
        return np.stack([self._labels(layer[..., 0], t, drawn) for layer in layers], axis=-1).reshape(mask.shape)

    def _labels(self, labels: Array, t: int, drawn: Any) -> Array:
        """Whole numbers (H, W), moved without mixing: where most of a pixel comes from, there its label does."""
        known = np.unique(labels)
        shares = [
            self.pipeline.move((labels == label)[None, ..., None].astype(np.float32), drawn, t) for label in known
        ]
        return known[np.argmax(np.concatenate(shares, axis=-1)[0], axis=-1)]


def _clip(pixels: Array, kind: str) -> Array:
    """The pixels of a target as (T, H, W, C)."""
    return as_clip(pixels[..., None] if kind == "images" and pixels.ndim == 3 else pixels)
