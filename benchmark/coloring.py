"""Colour tasks: what models are given of a clip, what they make of it, and what they learn from."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from degrade.adapters.torch import Sample
from degrade.benchmark.task import Colorization, Task
from degrade.core.errors import SpecError
from degrade.core.types import Array
from degrade.models._colorization import ColorizationModel, Reference, coloring
from degrade.models._lab import lab_to_rgb, rgb_to_lab
from degrade.models._stream import colorize, restore
from degrade.models.base import Model, RestorationModel, restoring

AB_SCALE = 110.0
"""Of a and b in losses, which expect numbers of about 1."""


class Lesson(NamedTuple):
    """What a model has made of a training sample, and what it should have; without the key frame."""

    ab: Tensor
    """a and b (B, T, 2, H, W), in units of 110."""
    wanted_ab: Tensor
    frames: Tensor
    """RGB (B, T, 3, H, W), of what was made with the L that it was given."""
    wanted: Tensor
    mask: Tensor
    """(B, T, 1, H, W), the damage's alpha."""


def fitting(task: Task, model: Model) -> RestorationModel | ColorizationModel:
    """The model, which must do what the task asks for.

    Raises:
        SpecError: It does something else.
    """
    return coloring(model) if task.colorization else restoring(model)


def key_distances(asked: Colorization, length: int) -> tuple[int, ...]:
    """Of each frame that is scored, in frames from the nearest key frame."""
    return tuple(min(abs(t - key) for key in asked.key_frames) for t in range(min(asked.frames or length, length)))


def grey(frames: Array) -> Array:
    """RGB (T, H, W, 3) in [0, 1] of the L of such frames."""
    clip = torch.from_numpy(frames).permute(0, 3, 1, 2)
    return lab_to_rgb(_grey(rgb_to_lab(clip))).clamp(0, 1).permute(0, 2, 3, 1).numpy()


def _grey(lab: Tensor) -> Tensor:
    return torch.cat((lab[..., :1, :, :], torch.zeros_like(lab[..., 1:, :, :])), -3)


@torch.no_grad()
def color_clip(
    asked: Colorization,
    model: ColorizationModel,
    sample: Sample,
    device: str,
    restorer: RestorationModel | None = None,
) -> Array:
    """The first `asked.frames` of a clip in colour, (T, H, W, 3) in [0, 1]; L is that of the film.

    With a `restorer` it is the L of the grey film that this has restored.

    Raises:
        SpecError: A key frame lies beyond the clip.
    """
    film, clean = (sample[kind][None].to(device) for kind in ("lq", "gt"))
    last = clean.shape[1] - 1
    if beyond := [key for key in asked.key_frames if key > last]:
        raise SpecError(f"frame {beyond[0]} lies beyond a clip of frames 0 to {last}", "colorization.key_frames")
    film = rgb_to_lab(film[:, : asked.frames])
    if restorer is not None:
        film = rgb_to_lab(restore(restorer, lab_to_rgb(_grey(film)).clamp(0, 1)))
    lightness = film[:, :, :1]
    ab = colorize(model, lightness, references(clean, asked.key_frames))
    made: Array = _rgb(lightness, ab)[0].float().cpu().permute(0, 2, 3, 1).numpy()
    return made


def references(clean: Tensor, key_frames: Iterable[int]) -> list[Reference]:
    """Frames of a clip (B, T, 3, H, W) as key frames."""
    return [Reference(clean[:, key], key) for key in key_frames]


def lesson(network: Any, film: Tensor, clean: Tensor, mask: Tensor, step: int) -> Lesson:
    """Colours a sample (B, T, 3, H, W) by one of its frames, as RTN's authors do: any of them, as the step has it."""
    length = clean.shape[1]
    key = int(torch.randint(length, (), generator=torch.Generator().manual_seed(step)))
    rest: Sequence[int] = [t for t in range(length) if t != key] or [key]
    lightness = rgb_to_lab(film)[:, :, :1]
    ab = network(lightness, references(clean, [key]))[:, rest]
    wanted = rgb_to_lab(clean[:, rest])[:, :, 1:]
    return Lesson(ab / AB_SCALE, wanted / AB_SCALE, _rgb(lightness[:, rest], ab), clean[:, rest], mask[:, rest])


def _rgb(lightness: Tensor, ab: Tensor) -> Tensor:
    """(B, T, 3, H, W), clipped to what a screen can show."""
    return lab_to_rgb(torch.cat((lightness, ab), 2)).clamp(0, 1)
