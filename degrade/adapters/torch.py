"""PyTorch: damage as a module for any training loop, damage on the fly as a dataset, and pairs of a written dataset.

Both datasets are map-style. A sample depends on its number and the epoch alone, so batches are the same under any
number of workers, and a run that is resumed at sample n goes on as if it had never stopped. `collate` stacks samples
of different sizes.
"""

import bisect
import itertools
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from degrade import presets
from degrade.adapters._samples import (
    Epoch,
    Latest,
    Part,
    Sample,
    Sizes,
    collate,
    onto_damage,
    random_part,
    tensor,
    wrapper,
)
from degrade.core.composition import OpLike
from degrade.core.errors import DatasetError, SourceError, SpecError
from degrade.core.op import Op
from degrade.core.rng import Stream
from degrade.core.threads import one_thread
from degrade.core.types import Array, ClipInfo, Masks, as_clip
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.pairs import fit, make_pair
from degrade.ops.pipeline import Pipeline
from degrade.spec import Spec

__all__ = ["Degrade", "DegradedClips", "PairedClips", "Sample", "collate"]

Stretch = tuple[str, dict[str, Array], list[Part]]
"""Name and frames of a stretch by kind, and the parts that are cut out of it."""


class Degrade(torch.nn.Module):
    """Damages clips within any training loop: ``damaged = Degrade("film-medium", seed=7)(clips)``.

    No two clips get the same damage. Clips are numbered in the order in which they are given, and the number alone,
    with the seed, says what is drawn; the count is part of `state_dict`, so that a resumed run goes on with other
    damage. Processes of `torch.distributed` count apart. Damage is computed on the CPU, and no gradient goes through.

    Args:
        damage: Name of a preset, an op, or a list of ops as in a spec.
        seed: 0 or greater.
        masks: Return the masks as well.

    Raises:
        SpecError: An unknown preset, op or value.
    """

    count: torch.Tensor
    """How many clips have been numbered, int64."""

    def __init__(self, damage: str | Op | Sequence[OpLike], *, seed: int, masks: bool = False) -> None:
        super().__init__()
        self.pipeline, self.seed, self.masks = presets.as_pipeline(damage), seed, masks
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, clips: torch.Tensor, index: int | None = None) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Damages a clip or a batch of clips.

        Args:
            clips: (T, C, H, W) or (B, T, C, H, W), C 1 or 3; floats in [0, 1], uint8 or uint16; on any device; not
                changed.
            index: Number of the first clip; without it, that after the last.

        Returns:
            Damaged clips in the same shape, type and place; with `masks` also the union of all masks,
            (T, 1, H, W) or (B, T, 1, H, W), float32.

        Raises:
            SpecError: No index in a worker of a `DataLoader`, which starts anew in every epoch and beside others.
            SourceError: Clips of another form.
        """
        if clips.ndim not in (4, 5):
            raise SourceError(f"clips of shape {tuple(clips.shape)}: a clip is (T, C, H, W), a batch (B, T, C, H, W)")
        if index is None:
            if get_worker_info():
                raise SpecError("is needed in a worker of a DataLoader: give the number of the sample", "index")
            index = int(self.count)
            self.count += len(clips) if clips.ndim == 5 else 1
        rank = torch.distributed.get_rank() if _is_distributed() else 0
        batch = clips if clips.ndim == 5 else clips[None]
        floats = batch if batch.dtype in (torch.uint8, torch.uint16) else batch.float()  # NumPy has no bfloat16
        done = [
            self.pipeline(clip, seed=self.seed, clip_id=f"{rank}-{index + i}")
            for i, clip in enumerate(floats.cpu().numpy().transpose(0, 1, 3, 4, 2))
        ]
        damaged = torch.stack([tensor(one.frames) for one in done]).to(clips.device, clips.dtype).reshape(clips.shape)
        if not self.masks:
            return damaged
        masks = torch.stack([tensor(one.mask) for one in done]).to(clips.device)
        return damaged, masks if clips.ndim == 5 else masks[0]


def _is_distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


class DegradedClips(Dataset[Sample]):
    """Stretches of clean footage, damaged while they are read, cut and flipped at random.

    Whole frames are damaged and then cut, so that a sample shows what a dataset of the spec shows; or the other way
    round, see `cut_first`.

    Args:
        spec: Footage, damage and target.
        split: Whose sequences are used.
        samples: How many there are; a sample's number is all that it depends on.
        frames: Length of a sample.
        crop: Height and width of a sample, at most the frame's.
        cut_first: Damage the cut in place of the frame, as RTN's authors do when they train. Only its pixels are
            rendered, and what the spec says relative to the frame (sizes, numbers, places) is relative to the cut.
        intervals: Steps between the frames of a sample, of which one is drawn.
        cuts: Samples cut out of each stretch: samples `cuts` · i to `cuts` · i + `cuts` − 1 show the same frames under
            the same damage. The last stretch is kept, so samples read in order cost a fraction of one by itself.
        on_damage: Share of the samples that are cut around a defect. Defects are few, and most samples cut anywhere
            show next to none.
        seed: Another seed gives other samples.
        curriculum: The damage's severity in epoch 0, 1, …; the last one stays. As the spec has it if not given.
        tv_tensors: Samples hold torchvision's `Video` and `Mask`, which its transforms (v2) move alike.

    Raises:
        SpecError: A value that is not allowed, no sequence in the split, or one that is too small.
    """

    def __init__(
        self,
        spec: Spec,
        split: str = "train",
        *,
        samples: int,
        frames: int,
        crop: tuple[int, int],
        cut_first: bool = False,
        intervals: tuple[int, ...] = (1,),
        cuts: int = 1,
        on_damage: float = 0.0,
        seed: int = 0,
        curriculum: Sequence[float] = (),
        tv_tensors: bool = False,
    ) -> None:
        Sizes(samples=samples, frames=frames, crop=crop, intervals=intervals, cuts=cuts, on_damage=on_damage)
        if cut_first and (cuts > 1 or on_damage):
            raise SpecError("needs whole frames, damaged before they are cut", "cuts" if cuts > 1 else "on_damage")
        self.spec, self.samples, self.frames, self.crop = spec, samples, frames, crop
        self.cut_first, self.intervals, self.cuts, self.seed = cut_first, intervals, cuts, seed
        self.on_damage, self._wrap = on_damage, wrapper(tv_tensors)
        self._latest: Latest[Stretch] = Latest()
        self.source = spec.footage()
        levels = [spec.model_copy(update={"severity": float(severity)}) for severity in curriculum] or [spec]
        self.curriculum = [level.damage() for level in levels]
        self._epoch = Epoch()
        split_of = spec.split_of(sequence.id for sequence in self.source.sequences())
        self.sequences = [s for s in self.source.sequences() if split_of.get(s.id) == split]
        if not self.sequences:
            raise SpecError(f"no sequence is in {split!r}; splits are {', '.join(spec.splits)}", "split")
        reach = (frames - 1) * max(intervals) + 1
        for sequence in self.sequences:
            size = spec.clips.size or (sequence.height, sequence.width)
            if sequence.frames < reach or size[0] < crop[0] or size[1] < crop[1]:
                raise SpecError(
                    f"sequence {sequence.id!r} ({sequence.frames} frames of {size[0]}×{size[1]}) is too small for "
                    f"samples of {reach} frames of {crop[0]}×{crop[1]}"
                )

    def __len__(self) -> int:
        return self.samples

    def set_epoch(self, epoch: int) -> None:
        """From here on, the samples of that epoch, 0 or greater: others than before, at its severity.

        Call it before iterating over a `DataLoader`, whose workers may stay.
        """
        self._epoch.set(epoch)

    @property
    def damage(self) -> Pipeline:
        """The pipeline of this epoch."""
        return self.curriculum[min(int(self._epoch), len(self.curriculum) - 1)]

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.samples:
            raise IndexError(index)
        number = int(self._epoch) * self.samples + index
        damage, first = self.damage, number // self.cuts
        with one_thread() if get_worker_info() else nullcontext():  # workers are the unit of parallel work
            stretch = self._latest((first, damage), lambda: self._render(f"sample-{self.seed}-{first}", damage))
        name, pixels, parts = stretch
        window, flips = parts[number % self.cuts]
        window = np.s_[:] if self.cut_first else window
        sample = {kind: tensor(np.flip(data[window], flips)) for kind, data in pixels.items()}
        return self._wrap(sample | {"clip": name if self.cuts == 1 else f"{name}-{number % self.cuts}"})

    def _render(self, name: str, damage: Pipeline) -> Stretch:
        draw = Stream(self.spec.seed, "samples").generator(name)
        sequence = self.sequences[draw.integers(len(self.sequences))]
        interval = int(draw.choice(self.intervals))
        start = int(draw.integers(sequence.frames - (self.frames - 1) * interval))
        depth, times = self.spec.output.depth, [start + t * interval for t in range(self.frames)]
        read = [self.source.read(sequence, t, t + 1, depth) for t in times]
        height, width = self.spec.clips.size or (sequence.height, sequence.width)
        channels = 1 if self.spec.color == "grey" else 3
        frames = np.stack([fit(frame, height, width, channels) for (frame,) in read])
        parts = [random_part((height, width), self.crop, draw) for _ in range(self.cuts)]
        if self.cut_first:
            frames = frames[parts[0][0]]
        params = damage.draw(ClipInfo.of(frames, name), self.spec.seed)
        masks: Masks = "layers" if self.spec.output.masks == "layers" else "union"
        pair = make_pair(self.spec, damage, params, lambda first, last: frames[first:last], 0, len(frames), masks)
        pixels = {"lq": pair.damaged, "gt": pair.target, "mask": pair.mask}
        return name, pixels, onto_damage(parts, pair.mask, self.on_damage, draw)


class PairedClips(Dataset[Sample]):
    """The clips of a dataset written by ``degrade generate``, or stretches of them, or random cuts.

    Args:
        folder: Of the dataset, or its URL.
        split: ``train``, ``val``, as the dataset has them.
        frames: Cut clips into stretches of so many frames; whole clips if not given.
        samples: So many stretches drawn at random and flipped at random; a sample's number is all that it depends on.
        crop: Height and width of a random part of the frames, at most the frame's; goes with `samples`.
        cuts: As in `DegradedClips`; goes with `samples`.
        on_damage: As in `DegradedClips`; goes with `samples`.
        seed: Of the draws.
        tv_tensors: As in `DegradedClips`.

    Raises:
        SpecError: A value that is not allowed.
        DatasetError: No finished dataset, no clip in the split, or clips smaller than asked.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        *,
        frames: int | None = None,
        samples: int | None = None,
        crop: tuple[int, int] | None = None,
        cuts: int = 1,
        on_damage: float = 0.0,
        seed: int = 0,
        tv_tensors: bool = False,
    ) -> None:
        Sizes(samples=samples, frames=frames, crop=crop, cuts=cuts, on_damage=on_damage)
        given = {"crop": crop, "cuts": cuts > 1, "on_damage": on_damage}
        if any(given.values()) and not samples:
            which = next(name for name, value in given.items() if value)
            raise SpecError("needs samples, which say how many parts are drawn", which)
        self.dataset, self.samples, self.crop, self.cuts, self.seed = DatasetFolder(folder), samples, crop, cuts, seed
        self.on_damage, self._wrap = on_damage, wrapper(tv_tensors)
        self._latest: Latest[Stretch] = Latest()
        self._epoch = Epoch()
        rows = [row for row in self.dataset.clips.values() if row.split == split]
        if not rows:
            raise DatasetError(f"{folder} has no clips in {split!r}")
        if on_damage and "mask" not in self.dataset.kinds:
            raise SpecError(f"needs masks, and {folder} was written without", "on_damage")
        counts = [row.frames // (frames or row.frames) for row in rows]
        self.frames, self._rows, self._ends = frames, rows, list(itertools.accumulate(counts))
        if not self._ends[-1]:
            raise DatasetError(f"{folder}: no clip in {split!r} has {frames} frames")
        height, width = crop or (1, 1)
        for row in rows:
            if row.height < height or row.width < width:
                size = f"{row.height}×{row.width}"
                raise DatasetError(f"{folder}: clip {row.id!r} is {size}, smaller than {height}×{width}")

    def __len__(self) -> int:
        return self.samples or self._ends[-1]

    def set_epoch(self, epoch: int) -> None:
        """From here on, the samples of that epoch, 0 or greater: others than before, if `samples` are drawn.

        Call it before iterating over a `DataLoader`, whose workers may stay.
        """
        self._epoch.set(epoch)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self.samples:
            number = int(self._epoch) * self.samples + index
            clip, pixels, parts = self._latest(number // self.cuts, lambda: self._draw(number // self.cuts))
            window, flips = parts[number % self.cuts]
            pixels = {kind: np.flip(data[window], flips) for kind, data in pixels.items()}
        else:
            clip, pixels = self._read(index)
        return self._wrap({kind: tensor(data) for kind, data in pixels.items()} | {"clip": clip})

    def _draw(self, number: int) -> Stretch:
        draw = Stream(self.seed, "pairs").generator(number)
        clip, pixels = self._read(int(draw.integers(self._ends[-1])))
        sides = pixels["lq"].shape[1:3]
        parts = [random_part(sides, self.crop or sides, draw) for _ in range(self.cuts)]
        if self.on_damage:
            parts = onto_damage(parts, pixels["mask"], self.on_damage, draw)
        return clip, pixels, parts

    def _read(self, index: int) -> tuple[str, dict[str, Array]]:
        """Name and frames of a stretch, counted over all clips."""
        place = bisect.bisect_right(self._ends, index)
        row = self._rows[place]
        length = self.frames or row.frames
        start = (index - (self._ends[place - 1] if place else 0)) * length
        frames = {kind: self.dataset.read(kind, row.id, start, start + length) for kind in self.dataset.kinds}
        return row.id, {kind: as_clip(data) for kind, data in frames.items()}
