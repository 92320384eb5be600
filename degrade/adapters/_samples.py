"""What the datasets of `degrade.adapters.torch` share: samples, how they are cut out of frames, and batches of them."""

from collections.abc import Callable, Hashable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import cv2
import numpy as np
import torch
from pydantic import Field

from degrade.core.errors import DatasetError, SpecError
from degrade.core.fields import Probability, Strict
from degrade.core.types import VISIBLE, Array
from degrade.spec import Positive

Sample = dict[str, Any]
"""``lq``, ``gt`` (T, C, H, W) and ``mask`` (T, 1, H, W), float32 tensors in [0, 1], and ``clip``, a name. Of a dataset
that was written without masks there is none."""

Part = tuple[Any, tuple[int, ...]]
"""A window of frames (T, H, W, C), and the axes by which it is flipped."""

T = TypeVar("T")


class Sizes(Strict):
    """What is asked of a dataset, checked."""

    samples: Positive | None = None
    frames: Positive | None = None
    crop: tuple[Positive, Positive] | None = None
    intervals: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1,)
    cuts: Positive = 1
    on_damage: Probability = 0.0


class Epoch:
    """The number of the epoch, in memory that all processes share: workers that stay see it change."""

    def __init__(self) -> None:
        self._number = torch.zeros((), dtype=torch.int64).share_memory_()

    def __int__(self) -> int:
        return int(self._number)

    def set(self, number: int) -> None:
        """From here on."""
        self._number.fill_(number)


class Latest(Generic[T]):
    """Keeps what was made last, for as long as the same is asked for."""

    def __init__(self) -> None:
        self._kept: tuple[Hashable, T] | None = None

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        """What belongs to the key; made if it is not what was made last."""
        kept = self._kept  # which other threads may change
        if kept is None or kept[0] != key:
            kept = self._kept = key, make()
        return kept[1]


def random_part(sides: tuple[int, ...], crop: tuple[int, ...], draw: np.random.Generator) -> Part:
    """A random part of frames (T, H, W, C) of these sides."""
    top, left = (int(draw.integers(side - cut + 1)) for side, cut in zip(sides, crop, strict=True))
    flips = tuple(axis for axis in range(3) if draw.random() < 0.5)  # in time, upside down, left to right
    return np.s_[:, top : top + crop[0], left : left + crop[1]], flips


def onto_damage(parts: list[Part], mask: Array, share: float, draw: np.random.Generator) -> list[Part]:
    """The parts, this share of them moved so as to hold a defect, small or large; all stay where nothing is damaged."""
    damaged = [frame for frame in mask[..., 0] > VISIBLE if frame.any()] if share else []
    if not damaged:
        return parts
    moved = []
    for (time, *window), flips in parts:
        if draw.random() < share:
            count, labels = cv2.connectedComponents(damaged[draw.integers(len(damaged))].astype(np.uint8))
            pixels = np.argwhere(labels == draw.integers(1, count))
            for i, (place, side) in enumerate(zip(pixels[draw.integers(len(pixels))], mask.shape[1:3], strict=True)):
                length = window[i].stop - window[i].start
                start = int(np.clip(place - draw.integers(length), 0, side - length))
                window[i] = slice(start, start + length)
        moved.append(((time, *window), flips))
    return moved


def tensor(frames: Array) -> torch.Tensor:
    """(T, H, W, C) as a contiguous tensor (T, C, H, W) of its own: what is done to it in place changes nothing else."""
    return torch.from_numpy(np.array(frames.transpose(0, 3, 1, 2), order="C"))


def wrapper(tv_tensors: bool) -> Callable[[Sample], Sample]:
    """What makes the tensors of a sample torchvision's, if asked to: ``lq`` and ``gt`` a `Video`, ``mask`` a `Mask`.

    Raises:
        SpecError: torchvision is not installed.
    """
    if not tv_tensors:
        return _as_it_is
    try:
        import torchvision.tv_tensors  # noqa: F401
    except ImportError as error:
        raise SpecError(f"needs torchvision ({error})", "tv_tensors") from error
    return _wrapped


def _as_it_is(sample: Sample) -> Sample:
    return sample


def _wrapped(sample: Sample) -> Sample:
    from torchvision.tv_tensors import Mask, Video

    kinds = {"lq": Video, "gt": Video, "mask": Mask}
    return {kind: kinds[kind](data) if kind in kinds else data for kind, data in sample.items()}


def collate(samples: Sequence[Sample]) -> Sample:
    """A batch of samples of any length and size, for a `DataLoader`'s `collate_fn`.

    Returns:
        ``lq``, ``gt`` (B, T, C, H, W) and ``mask`` (B, T, 1, H, W), each sample at the start of zeros of the
        greatest size; ``valid`` (B, T, 1, H, W), 1 where there is a sample; ``clip``, a list of names.

    Raises:
        DatasetError: Grey and colour samples in one batch.
    """
    channels = {sample["lq"].shape[1] for sample in samples}
    if len(channels) > 1:
        raise DatasetError("a batch cannot hold grey and colour samples")
    present = [sample | {"valid": torch.ones_like(sample["lq"][:, :1])} for sample in samples]
    frames, _, height, width = (max(sides) for sides in zip(*(s["lq"].shape for s in samples), strict=True))

    def padded(data: torch.Tensor) -> torch.Tensor:
        count, _, rows, columns = data.shape
        return torch.nn.functional.pad(data, (0, width - columns, 0, height - rows, 0, 0, 0, frames - count))

    batch = {kind: torch.stack([padded(s[kind]) for s in present]) for kind in present[0] if kind != "clip"}
    return batch | {"clip": [sample["clip"] for sample in samples]}
