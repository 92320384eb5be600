"""A film in the making: its frames are kept beside it until it is whole, and an interrupted call goes on."""

import hashlib
import importlib.metadata
import inspect
import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import torch

from degrade.benchmark.films import depth_of, keeps_length, pace
from degrade.core import atomic
from degrade.core.atomic import refuse_taken, taken
from degrade.core.errors import DatasetError
from degrade.core.lock import hold
from degrade.core.types import Array
from degrade.models.base import Model
from degrade.sources import FrameSequence, Source
from degrade.sources.folders import NUMBERED
from degrade.sources.pictures import read_picture
from degrade.writers import VIDEOS, Pictures, names_media, open_writer
from degrade.writers.base import SUFFIXES
from degrade.writers.frames import encode
from degrade.writers.tracks import tell


def describe(model: Model, source: Source, masks: Source | None = None, **asked: object) -> str:
    """What an interrupted call must have been to be gone on with; of the footage, its form and its first frames."""
    content = {
        "model": type(model).__name__,
        "config": model.config,
        "color": model.color,
        "code": _code_hash(type(model)),
        "weights": state_hash(model),
        "footage": forms(source, source.sequences()),
        "masks": masks and [masks.fingerprint(sequence) for sequence in masks.sequences()],
        **asked,
    }
    return json.dumps(content, indent=1, sort_keys=True, default=str)


def state_hash(model: Model) -> str:
    """SHA-256 of a model's tensors, and of what else it keeps with them."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if isinstance(value, torch.Tensor):
            data = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        else:
            data = repr(value).encode()
        digest.update(name.encode() + data)
    return digest.hexdigest()


def _code_hash(model: type[Model]) -> str:
    """SHA-256 of the version of this package, and of the file that a model is in; of none if it is in no file."""
    digest = hashlib.sha256(importlib.metadata.version("film-degrade").encode())
    with suppress(OSError, TypeError):
        digest.update(Path(inspect.getfile(model)).read_bytes())
    return digest.hexdigest()


def forms(source: Source, sequences: Sequence[FrameSequence]) -> list[object]:
    """What tells sequences from others, as far as that is known without reading them: form and first frame."""
    firsts = [hashlib.sha256(source.read(sequence, 0, 1).tobytes()).hexdigest() for sequence in sequences]
    names = [source.names(sequence)[0] for sequence in sequences]
    return [[vars(sequence), *about] for sequence, *about in zip(sequences, names, firsts, strict=True)]


@contextmanager
def begun(out: Path, written: Sequence[Path], about: str, resume: bool) -> Iterator[Path]:
    """Marks `out` as begun until all is written, and keeps other calls out of it; if it ends before the first frame,
    nothing is left. Yields the folder that is the mark."""
    mark, empty = out.with_name(f".{out.name}.unfinished"), not out.exists()
    call, parts = mark / "call.json", list(map(frames_of, written))
    with hold(mark / "lock", out):
        try:
            if not call.exists():
                for path in written:
                    if not resume:
                        refuse_taken(path)
                for part in parts:  # of a call whose mark was deleted: nobody knows by which model
                    shutil.rmtree(part, ignore_errors=True)
                atomic.write(call, about)
            elif call.read_text("utf-8") != about:
                beside = [part for part in parts if out not in part.parents]
                left = " and ".join(str(path) for path in (out, *beside, mark) if path.exists())
                cure = f"name another place, or delete {left}"
                raise DatasetError(f"{out}: was begun with another model, setting or footage; {cure}")
            yield mark
            call.unlink()
        finally:
            for part in parts:
                if part.is_dir() and not any(part.iterdir()):
                    part.rmdir()
            nothing = not any(map(taken, written)) and not any(part.exists() for part in parts)
            if nothing and empty and out.is_dir():
                shutil.rmtree(out)
            if nothing or not call.exists():
                shutil.rmtree(mark)


def frames_of(path: Path) -> Path:
    """The folder of the frames of a film that is not whole."""
    return path.with_name(f".{path.name}.frames")


class Making:
    """One film, frame by frame.

    Args:
        source: What it is made of.
        sequence: Of it.
        path: Of the film; a folder or a video.
        fps: Frames per second, see `pace`.
        format: Of the pictures in a folder.
    """

    def __init__(
        self, source: Source, sequence: FrameSequence, path: Path, fps: float | None, format: Pictures
    ) -> None:
        self.source, self.sequence, self.path, self.fps, self.format = source, sequence, path, fps, format
        self.depth = depth_of(sequence, path)
        names = source.names(sequence)
        self.pictures = [frames_of(path) / f"{name}{SUFFIXES[format]}" for name in names]
        self._numbers = _numbers(names)
        self._about, self._order = pace(sequence, fps)
        self._as_long = keeps_length(sequence, fps)

    @property
    def done(self) -> int:
        """How many frames, from the first on, are kept."""
        return next((t for t, picture in enumerate(self.pictures) if not picture.exists()), len(self.pictures))

    def about_tracks(self) -> str:
        """A line on what of sound and the like is copied, and what is not; empty if there is none."""
        suffix = self.path.suffix.lower() if names_media(self.path) else ""
        tracks = self.source.tracks(self.sequence)
        return tell(tracks, self.sequence.stream, suffix, paced=self._as_long, pictures=self.format)

    def keep(self, t: int, frame: Array) -> None:
        """Writes frame `t`, (H, W, C) of `depth` bits.

        Raises:
            DatasetError: It cannot be written.
        """
        path = self.pictures[t]
        path.parent.mkdir(parents=True, exist_ok=True)
        about = self._about if self._as_long else replace(self._about, timecode="")
        try:
            atomic.write(path, encode(frame, self.format, about, self._numbers[t]))
        except OSError as error:
            raise DatasetError(f"{path}: cannot be written: {error.strerror or error}") from error

    def kept(self, t: int) -> Array:
        """Frame `t`, as it was kept."""
        return read_picture(self.pictures[t], self.depth)

    def finish(self, channels: int, told: Callable[[str], object]) -> None:
        """Makes the film of its frames, and tells of packets of sound and the like that are damaged."""
        if self.path.suffix.lower() in VIDEOS:
            tracks = self.source.tracks(self.sequence) if self._as_long else None
            with open_writer(self.path, stream=self._about, tracks=tracks) as writer:
                for t in self._order:
                    writer.write(self.kept(t)[..., :channels])
            shutil.rmtree(frames_of(self.path))
            if writer.lost:
                told(f"{self.path.name}: left out, as damaged: {writer.lost} packets of sound and the like")
            return
        if self.path.is_dir():  # which is empty
            self.path.rmdir()
        frames_of(self.path).replace(self.path)


def _numbers(names: list[str]) -> list[int]:
    """How far each frame is from the first, by the numbers in their names, of which some may be missing."""
    found = [NUMBERED.fullmatch(name) for name in names]
    numbers = [int(one[2]) for one in found if one]
    rising = len(numbers) == len(names) and all(a < b for a, b in itertools.pairwise(numbers))
    return [number - numbers[0] for number in numbers] if rising else list(range(len(names)))
