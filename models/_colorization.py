"""The interface of colourisation models."""

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from degrade.core.errors import SourceError, SpecError
from degrade.models._lab import rgb_to_lab
from degrade.models.base import Model, check_made, to_multiple

GREY_CHROMA = 2.0
"""Chroma (√(a² + b²)), of all but the most colourful hundredth of a picture, up to which it passes for grey."""
SAME_SHAPE = 0.02
"""Difference of the aspect ratios of a film and of a picture of one of its frames that is put down to rounding."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture that shows which colours a film has; a key frame, if its place in time is known."""

    picture: Tensor
    """(B, 3, h, w), RGB in [0, 1], of any size; a key frame has the aspect ratio of the film."""
    time: int | None = None
    """Which frame of the clip it shows, the first being 0; it may lie before the clip or after it. None: of no known
    time, or of something else."""


class Guides(NamedTuple):
    """References in LAB."""

    keys: dict[int, Tensor]
    """Key frames (B, 3, H, W), of the film's size, by their time, in order."""
    pictures: list[Tensor]
    """The others, (B, 3, h, w)."""


class ColorizationModel(Model):
    """Colours grey clips.

    A subclass has a `card` of the kind ``colorization`` and `colorize`; sizes, padding and errors are handled here.
    """

    @abstractmethod
    def colorize(self, lightness: Tensor, keys: Mapping[int, Tensor], pictures: Sequence[Tensor]) -> Tensor:
        """a and b (B, T, 2, H, W) of a clip.

        Args:
            lightness: L (B, T, 1, H, W), 0 to 100; H and W are multiples of `card.multiple`.
            keys: L, a and b of key frames, (B, 3, H, W), by their time, in order; empty if there are none.
            pictures: Of references without a time, (B, 3, h, w) each; empty unless the card says `pictures`.
        """

    def forward(self, lightness: Tensor, references: Sequence[Reference] = ()) -> Tensor:
        """Colour a clip.

        Key frames within the clip keep the colours that they were given, unless the model is in training mode.

        Args:
            lightness: L of LAB (B, T, 1, H, W), 0 to 100, any T from 1 on, H and W from `card.min_size` on.
            references: Any number. Those whose colours a model has no use for are passed over.

        Returns:
            a and b (B, T, 2, H, W), of the type of `lightness`, which is left as it is: with it, they are the clip's
            LAB.

        Raises:
            SourceError: L or a picture of the wrong shape, type or range, two pictures of one frame, or one that does
                not have the film's aspect ratio.
            SpecError: Pictures without a time given to a model that knows colours by their place in time only.
        """
        self.check(lightness)
        return self.paint(lightness, self.prepare(lightness, references))

    def check(self, lightness: Tensor) -> None:
        """One line that says what is wrong with L, if anything is."""
        if lightness.ndim != 5 or lightness.shape[2] != 1:
            raise SourceError(f"lightness must be (B, T, 1, H, W), L of LAB, got {tuple(lightness.shape)}")
        if not lightness.is_floating_point():
            raise SourceError(f"lightness must be floating point, 0 to 100, got {lightness.dtype}")
        batch, length, _, height, width = lightness.shape
        if batch < 1 or length < 1:
            raise SourceError(f"lightness must hold at least one clip of one frame, got {batch} of {length}")
        if min(height, width) < (least := self.card.min_size):
            raise SourceError(f"lightness must be at least {least} pixels high and wide, got {height}×{width}")
        low, high = lightness.detach().aminmax()
        if not (low > -1 and high < 101):  # NaN fails, too
            raise SourceError(f"lightness must lie between 0 and 100, found {low:.4g} to {high:.4g}")

    def prepare(self, lightness: Tensor, references: Sequence[Reference]) -> Guides:
        """References in LAB, key frames in the size of the film; errors as of `forward`."""
        keys: dict[int, Tensor] = {}
        pictures = []
        for reference in references:
            lab = _lab(reference, lightness)
            if not self.training and _is_grey(lab):
                warnings.warn(f"{_name(reference)} is grey: it gives the film no colour", stacklevel=1)
            if reference.time is None:
                if self.card.key_frames and not self.card.pictures:
                    raise SpecError(f"{type(self).__name__} needs to know which frame a reference shows")
                pictures.append(lab)
            elif reference.time in keys:
                raise SourceError(f"two references show frame {reference.time}")
            else:
                keys[reference.time] = _fitted(lab, reference.time, lightness.shape[-2:])
        return Guides(dict(sorted(keys.items())), pictures if self.card.pictures else [])

    def paint(self, lightness: Tensor, guides: Guides) -> Tensor:
        """`forward`, after the checks."""
        (height, width), multiple = lightness.shape[-2:], self.card.multiple
        keys = {time: to_multiple(lab[:, None], multiple)[:, 0] for time, lab in guides.keys.items()}
        seen = to_multiple(lightness.float(), multiple)
        ab, shape = self.colorize(seen, keys, guides.pictures), (*seen.shape[:2], 2, *seen.shape[3:])
        check_made(f"{type(self).__name__}.colorize", "a and b", ab, shape, finite=not self.training)
        ab = ab[..., :height, :width].to(lightness.dtype)
        if not self.training:
            for time in guides.keys.keys() & set(range(lightness.shape[1])):
                ab[:, time] = guides.keys[time][:, 1:].to(ab.dtype)
        return ab


def coloring(model: Model) -> ColorizationModel:
    """The model, which must be one that colours.

    Raises:
        SpecError: It restores.
    """
    if not isinstance(model, ColorizationModel):
        raise SpecError(f"{type(model).__name__} restores film, and colours none; `benchmark ls` says which do")
    return model


def _lab(reference: Reference, lightness: Tensor) -> Tensor:
    """L, a and b of its picture."""
    name, picture, batch = _name(reference), reference.picture, lightness.shape[0]
    if picture.ndim != 4 or picture.shape[:2] != (batch, 3) or min(picture.shape[2:]) < 1:
        raise SourceError(f"{name} must be ({batch}, 3, h, w), RGB, got {tuple(picture.shape)}")
    if not picture.is_floating_point():
        raise SourceError(f"{name} must be floating point in [0, 1], got {picture.dtype}")
    low, high = picture.detach().aminmax()
    if not (low > -0.01 and high < 1.01):
        raise SourceError(f"{name} must lie in [0, 1], found {low:.4g} to {high:.4g}")
    return rgb_to_lab(picture.to(lightness.device).float())


def _name(reference: Reference) -> str:
    return "a reference" if reference.time is None else f"the reference of frame {reference.time}"


def _is_grey(lab: Tensor) -> bool:
    chroma = lab[:, 1:].norm(dim=1).flatten()
    return bool(chroma.kthvalue(max(int(0.99 * len(chroma)), 1)).values <= GREY_CHROMA)


def _fitted(lab: Tensor, time: int, size: Sequence[int]) -> Tensor:
    """A key frame in the size of the film."""
    (height, width), (h, w) = size, lab.shape[-2:]
    if (h, w) == (height, width):
        return lab
    # A picture of few pixels may be off by one of them.
    if abs(w / h * height / width - 1) > SAME_SHAPE + 1 / min(h, w, height, width):
        raise SourceError(
            f"the reference of frame {time} is {w}×{h} pixels, which does not fit a film of {width}×{height}"
        )
    return resized(lab, size)


def resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """(B, C, h, w) in another size, bilinear, smoothed where it shrinks."""
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False, antialias=True)


def nearest(keys: Mapping[int, Tensor], time: int) -> Tensor | None:
    """The key frame that is nearest in time, the earlier of two; None if there is none."""
    return min(keys.items(), key=lambda key: abs(key[0] - time))[1] if keys else None
