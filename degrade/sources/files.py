"""Footage on disk or at a URL: a picture, a video, or a folder of any depth."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources import video
from degrade.sources.base import PICTURES, FrameSequence, Reader, Source
from degrade.sources.pictures import Pages, Pictures, describe_picture
from degrade.sources.video import Video
from degrade.storage import MANIFEST, RECORD, UNFINISHED, is_remote, reaching

LABELS = re.compile(r"annotations|scribbles|__macosx|\.", re.IGNORECASE)
"""How folders and files begin that are no footage: DAVIS' labels, hidden ones."""


class Files(Source):
    """Sequences of pictures and videos.

    Args:
        path: One of

            - a picture: a sequence of one frame;
            - a video file;
            - a folder: every folder in it that holds pictures is one sequence, named by its relative path,
              and so is every video file, named by its path without suffix. This covers REDS
              (``train_sharp/000/00000000.png``), DAVIS (``JPEGImages/480p/bear/00000.jpg``;
              ``Annotations`` are passed over) and Vimeo-90K (``sequences/00001/0001/im1.png``);
            - a folder that itself holds pictures: frames of one clip, named as the folder, if all have the
              same size; if sizes differ, each picture is a still of its own, named by its stem.

            Datasets that ``degrade generate`` has written are no footage: in a folder they are passed over.

    Frames are in natural order: ``im2.png`` before ``im10.png``.

    Raises:
        SourceError: `path` is missing or empty, holds a file that cannot be read, or two sequences of
            one name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.footage: dict[str, Reader] = {}
        if path.is_dir():
            self._scan(path)
            if not self.footage:
                raise SourceError(f"{path}: no pictures or videos in this folder")
        elif not path.exists():
            raise SourceError(f"{path}: no such file or folder")
        else:
            opens = Pages.open(path) if _is_picture(path) else Video.open(path)
            self._add(path.stem, opens, path)
        self._sequences = [
            FrameSequence(name, item.frames, item.stream)
            for name, item in sorted(self.footage.items(), key=lambda pair: natural(pair[0]))
        ]

    def _scan(self, root: Path) -> None:
        for folder, relative, subfolders, names in _walk(root):
            if _is_dataset(subfolders, names):
                if relative == PurePosixPath():
                    raise SourceError(f"{root}: is a dataset of pairs, no footage; name a folder of frames in it")
                subfolders.clear()
                continue
            subfolders[:] = [name for name in subfolders if not LABELS.match(name) and not _loops(folder / name)]
            files = [folder / name for name in sorted(names, key=natural) if not LABELS.match(name)]
            for file in files:
                if file.suffix.lower() in video.SUFFIXES:
                    self._add((relative / file.stem).as_posix(), Video.open(file), file)
            frames = [file for file in files if _is_picture(file)]
            if not frames:
                continue
            at_top = relative == PurePosixPath()
            if at_top and len({_size(frame) for frame in frames}) > 1:
                for frame in frames:
                    self._add(frame.stem, Pages.open(frame), frame)
            else:
                name = _name(root) if at_top else relative.as_posix()
                self._add(name, Pictures.open(frames), folder)

    def _add(self, name: str, footage: Reader, path: Path) -> None:
        if name in self.footage:
            raise SourceError(f"{path}: there is another sequence {name!r} in this folder; rename one")
        self.footage[name] = footage

    def sequences(self) -> list[FrameSequence]:
        """See `Source.sequences`."""
        return self._sequences

    def read(self, sequence: FrameSequence | str, start: int, stop: int) -> Array:
        """See `Source.read`."""
        with reaching(self.path, SourceError):
            return self._get(sequence).read(start, stop)

    def fingerprint(self, sequence: FrameSequence | str) -> str:
        """See `Source.fingerprint`."""
        with reaching(self.path, SourceError):
            return self._get(sequence).fingerprint()

    def holds(self, place: Path) -> bool:
        """See `Source.holds`."""
        if is_remote(self.path) or is_remote(place) or not self.path.is_dir():
            return False
        return place.resolve().is_relative_to(self.path.resolve())

    def _get(self, sequence: FrameSequence | str) -> Reader:
        name = sequence if isinstance(sequence, str) else sequence.id
        return self.footage[name] if name in self.footage else self.footage[self.find(name).id]


def natural(name: str) -> list[Any]:
    """Sort key that counts digits as numbers, and then the name itself: ``1`` and ``01`` have an order."""
    parts: Iterable[str] = re.split(r"(\d+)", name)
    return [[(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name]


def _walk(root: Path) -> Iterator[tuple[Path, PurePosixPath, list[str], list[str]]]:
    """Each folder, its path from `root`, and its folders, of which some may be taken out, and files."""
    if is_remote(root):
        waiting = [PurePosixPath()]
        while waiting:  # level by level: below its first, fsspec's walk passes over what cannot be listed
            relative = waiting.pop()
            folder: Any = root.joinpath(*relative.parts)
            _, subfolders, names = next(folder.fs.walk(folder.path, maxdepth=1, on_error="raise"))
            yield folder, relative, subfolders, names
            waiting += [relative / name for name in subfolders]
        return
    for place, subfolders, names in os.walk(root, onerror=_refuse, followlinks=True):
        folder = Path(place)
        yield folder, PurePosixPath(folder.relative_to(root).as_posix()), subfolders, names


def _name(root: Path) -> str:
    return root.name if is_remote(root) else root.resolve().name


def _refuse(error: OSError) -> None:
    raise SourceError(f"{error.filename}: {error.strerror}") from error


def _loops(folder: Path) -> bool:
    """Whether this is a link to a folder that it lies in."""
    return not is_remote(folder) and folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _is_dataset(subfolders: list[str], names: list[str]) -> bool:
    """Whether a folder holds what ``degrade generate`` has written, or is writing, from footage around it."""
    return UNFINISHED in subfolders or {RECORD, MANIFEST} <= set(names)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES


def _size(path: Path) -> tuple[int, int]:
    about = describe_picture(path)
    return about.height, about.width
