"""Restores and colours films of any length, in windows, and of any frame size, in tiles.

Windows overlap in time and tiles in space. In each overlap the outer quarter of either side is dropped, since
there a model lacks context, and the middle half is cross-faded.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from degrade.core.errors import SourceError, SpecError
from degrade.models._colorization import ColorizationModel, Guides, Reference
from degrade.models.base import Model, RestorationModel

TILE_OVERLAP = 64


def restore(
    model: RestorationModel,
    frames: Tensor,
    window: int | None = None,
    overlap: int | None = None,
    tile: int | None = None,
    masks: Tensor | None = None,
) -> Tensor:
    """Restore a clip (B, T, C, H, W) in [0, 1] that may be too long or too large for one pass.

    Args and errors as for `stream`.
    """
    given = None if masks is None else masks.unbind(1)
    return torch.stack(list(stream(model, frames.unbind(1), window, overlap, tile, given)), 1)


def stream(
    model: RestorationModel,
    frames: Iterable[Tensor],
    window: int | None = None,
    overlap: int | None = None,
    tile: int | None = None,
    masks: Iterable[Tensor] | None = None,
) -> Iterator[Tensor]:
    """Restore frames as they come; no more than a window of them is held.

    Args:
        model: Runs where its parameters are.
        frames: Each (B, C, H, W) in [0, 1], all of one shape.
        window: Frames restored at once; the card's by default.
        overlap: Frames that neighbouring windows share; the card's by default, at most half the window.
        tile: Longest side restored at once, pixels, at least 128; None: whole frames.
        masks: What is to be filled of each frame, (B, 1, H, W), for models whose card says `fills`.

    Yields:
        The restored frames, in order, on the device that they came from.
    """
    window, overlap = _sizes(model, window, overlap)
    if tile is not None and tile < 2 * TILE_OVERLAP:
        raise SpecError(f"tile must be at least {2 * TILE_OVERLAP} pixels, got {tile}")
    if masks is None:
        return _stream(model, iter(frames), window, overlap, tile)
    joined = (torch.cat(pair, 1) for pair in zip(frames, masks, strict=True))
    return _stream(_Masked(model), joined, window, overlap, tile)


class _Masked(nn.Module):
    """Takes a clip whose last channel is its masks."""

    def __init__(self, model: RestorationModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, clip: Tensor) -> Tensor:
        frames, masks = clip[:, :, :-1], clip[:, :, -1:]
        restored: Tensor = self.model(frames, masks=masks)
        return restored


def colorize(
    model: ColorizationModel,
    lightness: Tensor,
    references: Sequence[Reference] = (),
    window: int | None = None,
    overlap: int | None = None,
) -> Tensor:
    """a and b (B, T, 2, H, W) of a clip (B, T, 1, H, W) that may be too long for one pass.

    Args and errors as for `stream_colors`.
    """
    return torch.stack(list(stream_colors(model, lightness.unbind(1), references, window, overlap)), 1)


def stream_colors(
    model: ColorizationModel,
    lightness: Iterable[Tensor],
    references: Sequence[Reference] = (),
    window: int | None = None,
    overlap: int | None = None,
) -> Iterator[Tensor]:
    """Colour frames as they come; no more than a window of them is held.

    Every window is given all references: those that it does not hold lie before or after it. For a model whose card
    says `carries`, the first frame that a window shares with the one before, as that has coloured it, is a key frame,
    too.

    Args:
        model: Runs where its parameters are.
        lightness: L of each frame, (B, 1, H, W), 0 to 100, all of one shape.
        references: As for the model; times are counted from the first frame.
        window: Frames coloured at once; the card's by default.
        overlap: Frames that neighbouring windows share; the card's by default, at most half the window.

    Yields:
        a and b of the frames, (B, 2, H, W), in order, on the device that they came from.
    """
    window, overlap = _sizes(model, window, overlap)
    return _stream(_Referenced(model, references, window - overlap), iter(lightness), window, overlap, None)


class _Referenced(nn.Module):
    """Takes the windows of a film one after the other, and gives the model its references with each.

    Args:
        model: Colours them.
        references: Of the whole film.
        step: Frames from one window to the next.
    """

    def __init__(self, model: ColorizationModel, references: Sequence[Reference], step: int) -> None:
        super().__init__()
        self.model, self.references, self.step = model, references, step
        self.start, self.guides, self.carried = 0, Guides({}, []), dict[int, Tensor]()

    def forward(self, lightness: Tensor) -> Tensor:
        self.model.check(lightness)
        if self.start == 0:
            self.guides = self.model.prepare(lightness, self.references)
        keys = self.carried | {time - self.start: lab for time, lab in self.guides.keys.items()}
        ab = self.model.paint(lightness, Guides(dict(sorted(keys.items())), self.guides.pictures))
        self.start += self.step
        if keys and self.model.card.carries and self.step < lightness.shape[1]:
            self.carried = {0: torch.cat((lightness[:, self.step], ab[:, self.step]), 1)}
        return ab


def restart(model: RestorationModel, done: int, window: int | None = None, overlap: int | None = None) -> int:
    """Where `stream` must begin again for frame `done` and all later ones to come out as in one go.

    It is the start of the window before that in which frame `done` lies: of this one, only the frames that it shares
    with a window yet earlier differ.
    """
    window, overlap = _sizes(model, window, overlap)
    step = window - overlap
    return max(done // step - 1, 0) * step


def _sizes(model: Model, window: int | None, overlap: int | None) -> tuple[int, int]:
    window = model.card.window if window is None else window
    overlap = min(model.card.overlap, window // 2) if overlap is None else overlap
    if window < 1 or not 0 <= overlap <= window // 2:
        raise SpecError(f"windows of {window} frames can share 0 to {max(window, 0) // 2} of them, got {overlap}")
    return window, overlap


def _stream(
    model: nn.Module, frames: Iterator[Tensor], window: int, overlap: int, tile: int | None
) -> Iterator[Tensor]:
    held: list[Tensor] = []
    tail: list[Tensor] = []  # restored already, and shared with the window to come
    for frame in frames:
        if len(held) == window:  # one more follows, so this window is not the last
            restored = _window(model, held, tail, tile)
            yield from restored[: window - overlap]
            held, tail = held[window - overlap :], restored[window - overlap :]
        held.append(frame)
    if held:
        yield from _window(model, held, tail, tile)


def _window(model: nn.Module, frames: list[Tensor], earlier: list[Tensor], tile: int | None) -> list[Tensor]:
    """Restored frames of one window, its first ones joined to those that the window before has made of them."""
    if any(frame.shape != frames[0].shape for frame in frames):
        raise SourceError("all frames of a film must have the same size")
    clip = torch.stack(frames, 1)
    device = next(model.parameters(), clip).device
    restored = _tiles(model, clip.to(device), tile).to(clip.device)
    rise = ramp(len(earlier))
    shared = [torch.lerp(old, new, w.item()) for old, new, w in zip(earlier, restored.unbind(1), rise, strict=False)]
    return [*shared, *restored.unbind(1)[len(earlier) :]]


@torch.no_grad()
def _tiles(model: nn.Module, clip: Tensor, tile: int | None) -> Tensor:
    """(B, T, C, H, W) restored, tile by tile."""
    height, width = clip.shape[-2:]
    if tile is None or max(height, width) <= tile:
        whole: Tensor = model(clip)
        return whole
    total: Tensor | None = None
    weights = clip.new_zeros(height, width)
    for top, bottom in spans(height, tile):
        for left, right in spans(width, tile):
            weight = (profile(top, bottom, height)[:, None] * profile(left, right, width)).to(clip)
            part = model(clip[..., top:bottom, left:right]) * weight
            if total is None:
                total = part.new_zeros(*part.shape[:-2], height, width)
            total[..., top:bottom, left:right] += part
            weights[top:bottom, left:right] += weight
    assert total is not None
    return total / weights


def ramp(overlap: int) -> Tensor:
    """Weights of the later of two windows over the frames or pixels that they share, from 0 to 1."""
    margin = overlap // 4
    return ((torch.arange(overlap) + 0.5 - margin) / max(overlap - 2 * margin, 1)).clamp(0, 1)


def spans(size: int, tile: int) -> list[tuple[int, int]]:
    """Tiles that cover `size` pixels evenly and share at least TILE_OVERLAP."""
    if size <= tile:
        return [(0, size)]
    count = -(-(size - TILE_OVERLAP) // (tile - TILE_OVERLAP))
    starts = (round(i * (size - tile) / (count - 1)) for i in range(count))
    return [(start, start + tile) for start in starts]


def profile(start: int, stop: int, size: int) -> Tensor:
    """Weight of a tile along one side: falls to 0 towards its neighbours, stays 1 at the border of the frame."""
    weight, rise = torch.ones(stop - start), ramp(TILE_OVERLAP)
    if start > 0:
        weight[:TILE_OVERLAP] = rise
    if stop < size:
        weight[-TILE_OVERLAP:] *= rise.flip(0)
    return weight
