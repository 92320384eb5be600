"""What all models share, and the interface of those that restore; `_colorization` has that of those that colour."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from degrade.core.errors import SourceError, SpecError
from degrade.models import losses
from degrade.models._card import ModelCard
from degrade.models._chroma import luma, recoloured

Flows = tuple[Tensor, Tensor]
"""Optical flow between neighbouring frames, pixels, x first, two tensors (B, T−1, 2, H, W). `forward[:, i]`
lives on frame i+1 and points to frame i; `backward[:, i]` lives on frame i and points to frame i+1."""


class Restored(NamedTuple):
    """What a model makes of a clip."""

    frames: Tensor
    """(B, T, C, H, W), in [0, 1]."""
    masks: Tensor | None = None
    """(B, T, 1, H, W), in [0, 1]: 1 where the model sees damage."""


class Model(nn.Module, ABC):
    """What all models share: a card, their configuration, and how the weights of others come in."""

    card: ClassVar[ModelCard]
    config: dict[str, Any]
    """The arguments that it was built with."""
    color: str | None
    """What its weights were trained on, ``grey`` or ``rgb``; None where nobody has said."""

    def __init__(self) -> None:
        super().__init__()
        self.config, self.color = {}, None

    def convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights as others name them, under the names of this model. Files that `save` wrote have those already."""
        return state

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights under this model's names, but of another configuration, for this one."""
        return state


class RestorationModel(Model):
    """Restores damaged clips.

    A subclass has a `card` and `restore`; padding, grey and RGB, and clamping are handled here.
    """

    @abstractmethod
    def restore(self, frames: Tensor, flows: Flows | None) -> Restored:
        """Restore RGB frames (B, T, 3, H, W) whose sides are multiples of `card.multiple`.

        A model whose card says `fills` has one more argument, ``masks: Tensor | None = None``, (B, T, 1, H, W).
        """

    def mask_loss(self, found: Tensor, alpha: Tensor) -> Tensor:
        """How far the masks of a model that learns are from the damage; `loss.mask` of a task weighs it.

        Args:
            found: Masks as `restore` gives them, probabilities.
            alpha: Of the damage, the same shape.
        """
        return losses.detection(found, alpha)

    def forward(
        self, frames: Tensor, flows: Flows | None = None, masks: Tensor | None = None, return_masks: bool = False
    ) -> Any:
        """Restore a clip.

        A model whose weights were trained on grey film restores the luma of RGB frames, and `recoloured` gives it back
        its colour.

        Args:
            frames: (B, T, C, H, W), in [0, 1], RGB or grey, any T from 1 on, H and W from `card.min_size` on.
            flows: Flow between the frames, of the caller's making; only for models whose card says `flow`.
            masks: Where damage is, (B, T, 1, H, W), in [0, 1], if the caller knows: from a scanner's infrared channel,
                or painted. The model fills that, and looks for none unless it is in training mode; only for models
                whose card says `fills`.
            return_masks: Also return where the model sees damage; only for models whose card says `masks`.

        Returns:
            Restored frames of the same shape and type, clipped to [0, 1] unless the model is in training
            mode (clipping would stop gradients); with `return_masks` a `Restored` of frames and masks.

        Raises:
            SourceError: Frames, flows or masks of the wrong shape or type, outside [0, 1], or not finite.
            SpecError: Flows or masks given to a model that has no use for them, or asked of one that makes none; what
                the model makes is of another shape or, unless it is in training mode, not finite.
        """
        name, card = type(self).__name__, self.card
        if flows is not None and not card.flow:
            raise SpecError(f"{name} uses no optical flow; call it without flows")
        if return_masks and not card.masks:
            raise SpecError(f"{name} makes no masks of damage")
        if masks is not None and not card.fills:
            raise SpecError(f"{name} fills no masks that others made; call it without masks")
        check_frames(frames, card)
        batch, length, channels, height, width = frames.shape
        if flows is not None:
            check_flows(flows, (batch, length - 1, 2, height, width))
        if masks is not None:
            check_masks(masks, (batch, length, 1, height, width))
        rgb = to_multiple(frames, card.multiple).expand(-1, -1, 3, -1, -1)
        padded = None if flows is None else (to_multiple(flows[0], card.multiple), to_multiple(flows[1], card.multiple))
        on_luma = self.color == "grey" and channels == 3 and not card.luma
        seen = luma(rgb).expand_as(rgb) if on_luma else rgb
        given = () if masks is None else (to_multiple(masks, card.multiple).to(seen),)
        restored, found = self._checked(self.restore(seen, padded, *given), seen, return_masks)
        if on_luma:
            restored = recoloured(rgb, restored.mean(2, keepdim=True))
        restored = restored[..., :height, :width]
        if channels == 1:
            restored = restored.mean(2, keepdim=True)
        if not self.training:
            restored = restored.clamp(0, 1)
        restored = restored.to(frames.dtype)
        if found is None or not return_masks:
            return restored
        return Restored(restored, found[..., :height, :width].to(frames.dtype))

    def _checked(self, made: Restored, seen: Tensor, with_masks: bool) -> Restored:
        """What `restore` made, if it is what it has to be."""
        name = f"{type(self).__name__}.restore"
        if not isinstance(made, tuple) or len(made) != 2:
            raise SpecError(f"{name} must return Restored(frames, masks), got {type(made).__name__}")
        wanted = {"frames": tuple(seen.shape), "masks": (*seen.shape[:2], 1, *seen.shape[3:])}
        for (what, shape), pixels in zip(wanted.items(), made, strict=True):
            if pixels is not None or what == "frames" or with_masks:
                check_made(name, what, pixels, shape, finite=not self.training)
        return made


def restoring(model: Model) -> RestorationModel:
    """The model, which must be one that restores.

    Raises:
        SpecError: It colours.
    """
    if not isinstance(model, RestorationModel):
        raise SpecError(f"{type(model).__name__} colours grey film, and restores none; `benchmark ls` says which do")
    return model


def pad_frames(x: Tensor, pad: tuple[int, int, int, int]) -> Tensor:
    """(B, T, C, H, W), its border repeated (left, right, top, bottom) times."""
    return F.pad(x.flatten(0, 1), pad, mode="replicate").unflatten(0, x.shape[:2]) if any(pad) else x


def to_multiple(x: Tensor, multiple: int) -> Tensor:
    """(B, T, C, H, W), its lower and right border repeated until the sides are multiples of so many pixels."""
    height, width = x.shape[-2:]
    return pad_frames(x, (0, -width % multiple, 0, -height % multiple))


def check_made(name: str, what: str, pixels: object, shape: tuple[int, ...], *, finite: bool) -> None:
    """Raises SpecError unless what a model made is a tensor of that shape and, if asked for, finite."""
    if not isinstance(pixels, Tensor) or tuple(pixels.shape) != shape:
        got = tuple(pixels.shape) if isinstance(pixels, Tensor) else type(pixels).__name__
        raise SpecError(f"{name} must return {what} of the shape {shape}, got {got}")
    if finite and not pixels.isfinite().all():
        raise SpecError(f"{name} made {what} that are not finite")


def check_frames(frames: Tensor, card: ModelCard) -> None:
    """One line that says what is wrong with a clip, if anything is."""
    if frames.ndim != 5:
        raise SourceError(f"frames must be (B, T, C, H, W), got {tuple(frames.shape)}")
    batch, length, channels, height, width = frames.shape
    if not frames.is_floating_point():
        raise SourceError(f"frames must be floating point in [0, 1], got {frames.dtype}")
    if channels not in card.channels:
        allowed = " or ".join(map(str, card.channels))
        raise SourceError(f"frames must have {allowed} channels (axis 2), got {channels}")
    if batch < 1 or length < 1:
        raise SourceError(f"frames must hold at least one clip of one frame, got {batch} of {length}")
    if min(height, width) < card.min_size:
        raise SourceError(f"frames must be at least {card.min_size} pixels high and wide, got {height}×{width}")
    low, high = frames.detach().aminmax()
    if not (low > -0.01 and high < 1.01):  # a filter's overshoot passes; NaN does not
        if not torch.isfinite(frames).all():
            raise SourceError("frames hold NaN or infinite values")
        raise SourceError(f"frames must lie in [0, 1], found {low:.4g} to {high:.4g}")


def check_flows(flows: Flows, shape: tuple[int, ...]) -> None:
    """One line that says what is wrong with the caller's flows, if anything is."""
    for which, flow in zip(("forward", "backward"), flows, strict=True):
        if tuple(flow.shape) != shape:
            raise SourceError(f"{which} flow must be (B, T−1, 2, H, W) = {shape}, got {tuple(flow.shape)}")
        if not torch.isfinite(flow).all():
            raise SourceError(f"{which} flow holds NaN or infinite values")


def check_masks(masks: Tensor, shape: tuple[int, ...]) -> None:
    """One line that says what is wrong with the caller's masks, if anything is."""
    if tuple(masks.shape) != shape:
        raise SourceError(f"masks must be (B, T, 1, H, W) = {shape}, got {tuple(masks.shape)}")
    low, high = masks.detach().float().aminmax()
    if not (low >= 0 and high <= 1):
        raise SourceError(f"masks must lie in [0, 1], found {low:.4g} to {high:.4g}")
