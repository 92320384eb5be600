"""Footage on disk or at a URL: a picture, a video, or a folder of any depth."""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from degrade.core.errors import SourceError
from degrade.core.types import Array
from degrade.sources import content, folders, report
from degrade.sources.base import VIDEO_SUFFIXES, Deinterlace, Depth, FrameSequence, OnDamaged, Reader, Source
from degrade.sources.curves import Curve, develop
from degrade.sources.damaged import Mended, mend
from degrade.sources.folders import natural
from degrade.sources.pictures import Pages, Pictures
from degrade.sources.report import Note
from degrade.sources.tracks import Tracks
from degrade.sources.video import Video
from degrade.storage import is_remote, reaching

FULL, DARK = 65535, 4095
"""The top of 16 bits; and that of 12, below which pictures of 16 bits are hardly what they claim."""


NAMED = {"": "files that are no footage", "proxy": "copies beside originals"}
NAMED |= {kind: kind for kind in ("system files", "links to nothing", "pipes and devices")}
"""What is said of kinds of files that are passed over; of others `content.refusal` says it."""


class Files(Source):
    """Sequences of pictures and videos.

    Args:
        path: One of

            - a picture: a sequence of one frame, or of its pages;
            - a video file;
            - a folder: every folder in it that holds pictures is one sequence, named by its relative path,
              and so is every video file and every picture of several pages, named by its path without suffix. This
              covers REDS (``train_sharp/000/00000000.png``), DAVIS (``JPEGImages/480p/bear/00000.jpg``;
              ``Annotations`` are passed over) and Vimeo-90K (``sequences/00001/0001/im1.png``);
            - a folder that itself holds pictures: frames of one clip, named as the folder, if they have the
              same size, but for a few strangers among numbered ones; if sizes differ, each picture is a still of its
              own, named by its stem.

            What is passed over, as datasets that ``degrade generate`` has written, is in `notes`.
        on_damaged: What is done where frames are damaged. But for ``error``, each frame is read once on opening.
        curve: By which stored densities become display values; values are taken as they are stored if not given.
        deinterlace: What is done with the fields of videos; pictures are taken as they are.

    Frames are in natural order: ``im2.png`` before ``im10.png``. Bytes of a name that are no UTF-8 are
    in its id as in URLs, ``b%E4r``.

    Raises:
        SourceError: `path` is missing or empty, holds a video or pictures that cannot be read, or two sequences of
            one name.
    """

    def __init__(
        self,
        path: Path,
        on_damaged: OnDamaged = "error",
        curve: Curve | None = None,
        deinterlace: Deinterlace = "none",
    ) -> None:
        self.path, self.on_damaged, self.curve, self.deinterlace = path, on_damaged, curve, deinterlace
        self.footage: dict[str, Reader] = {}
        self._scanned: list[Note] = []
        if path.is_dir():
            self._scan(path)
            if not self.footage:
                found = [note for note in self._scanned if note.kind == "passed over"]
                others = f"; passed over: {report.short(found)}" if found else ""
                raise SourceError(f"{path}: no pictures or videos in this folder{others}")
        elif not path.exists():
            raise SourceError(f"{path}: no such file or folder")
        elif not path.is_file():
            raise SourceError(f"{path}: neither a file nor a folder")
        else:
            kind = content.content(path)
            if kind not in ("picture", *content.TRIED):
                raise SourceError(f"{path}: {content.refusal(kind)}")
            self._add(path.stem, Pages.open(path) if kind == "picture" else self._video(path), path)
        ordered = sorted(self.footage.items(), key=lambda pair: natural(pair[0]))
        self._told: list[Note] = []
        for name, reader in ordered:
            self._told += report.of_stream(name, reader.stream)
            if deinterlace != "none" and isinstance(reader.original, Video):
                self._told.append(Note("assumed", f"fields, and made into frames ({deinterlace})", (name,)))
            if isinstance(reader, Mended):
                done = {"repeat": "frames, repeated", "skip": "frames, skipped"}[on_damaged]
                self._told.append(Note("damaged", done, tuple(f"{name}: {number}" for number in reader.damaged)))
        self._sequences = [FrameSequence(name, reader.frames, reader.stream) for name, reader in ordered]

    def _scan(self, root: Path) -> None:
        for folder, relative, names in folders.walk(root, self._scanned):
            pictures = []
            for name in sorted(names, key=natural):
                file = folder / name
                if folders.SYSTEM.fullmatch(name):
                    kind = "system files"
                elif not is_remote(file) and not file.is_file():  # which would be waited for, or end it all
                    kind = "links to nothing" if file.is_symlink() else "pipes and devices"
                else:
                    kind = content.content(file)
                if kind == "picture":
                    pictures.append(file)
                elif kind == "video":
                    self._try_video(file, relative)
                else:
                    told = NAMED.get(kind) or content.refusal(kind)
                    self._scanned.append(Note("passed over", told, (str(relative / name),)))
            if pictures:
                self._add_pictures(root, relative, pictures)

    def _try_video(self, file: Path, relative: PurePosixPath) -> None:
        name = (relative / file.stem).as_posix()
        try:
            video = self._video(file)
        except SourceError as error:
            if file.suffix.lower() in VIDEO_SUFFIXES:
                raise
            self._scanned.append(Note("passed over", "files that cannot be opened", (str(error),)))
        else:
            self._add(name, video, file)

    def _video(self, file: Path) -> Video:
        return Video.open(file, cut=self.on_damaged != "error", deinterlace=self.deinterlace)

    def _add_pictures(self, root: Path, relative: PurePosixPath, pictures: list[Path]) -> None:
        found = folders.arrange(pictures, relative, self._scanned)
        for still in found.stills:
            self._add((relative / still.stem).as_posix(), Pages.open(still), still)
        if found.frames and found.about:
            name = _name(root) if relative == PurePosixPath() else relative.as_posix()
            self._add(name, Pictures(tuple(found.frames), found.about), found.frames[0].parent)

    def _add(self, name: str, footage: Reader, path: Path) -> None:
        name = _text(name)
        if name in self.footage:
            raise SourceError(f"{path}: there is another sequence {name!r} in this folder; rename one")
        self.footage[name] = mend(develop(footage, self.curve), self.on_damaged)

    @cached_property
    def _few_bits(self) -> list[Note]:
        """Pictures of 16 bits of which hardly any are used, as where a scan of 10 was not scaled. Some are read."""
        originals = {} if is_remote(self.path) else {name: r.original for name, r in self.footage.items()}
        deep = {name: r for name, r in originals.items() if not isinstance(r, Video) and r.stream.depth > 8}
        tops = {name: _brightest(reader) for name, reader in deep.items()}
        told = "with values up to {} of {}, {:.1%} of the range: fewer bits in 16?"
        return [Note("odd", told.format(top, FULL, top / FULL), (name,)) for name, top in tops.items() if top <= DARK]

    def sequences(self) -> list[FrameSequence]:
        """See `Source.sequences`."""
        return self._sequences

    def notes(self) -> list[Note]:
        """See `Source.notes`."""
        return report.gathered([*self._scanned, *self._few_bits, *self._told])

    def read(self, sequence: FrameSequence | str, start: int, stop: int, depth: Depth = 8) -> Array:
        """See `Source.read`."""
        with reaching(self.path, SourceError):
            return self._get(sequence).read(start, stop, depth)

    def fingerprint(self, sequence: FrameSequence | str) -> str:
        """See `Source.fingerprint`."""
        with reaching(self.path, SourceError):
            return self._get(sequence).fingerprint()

    def names(self, sequence: FrameSequence | str) -> list[str]:
        """See `Source.names`; of pictures those of their files, without suffixes where these are not needed."""
        return self._get(sequence).names()

    def damaged(self, sequence: FrameSequence | str, start: int, stop: int) -> tuple[int, ...]:
        """See `Source.damaged`."""
        reader = self._get(sequence)
        return reader.damaged_in(start, stop) if isinstance(reader, Mended) else ()

    def survey(self, sequence: FrameSequence | str, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """See `Source.survey`."""
        with reaching(self.path, SourceError):
            yield from self._get(sequence).survey(start, stop)

    def tracks(self, sequence: FrameSequence | str) -> Tracks | None:
        """See `Source.tracks`."""
        return self._get(sequence).tracks()

    def holds(self, place: Path) -> bool:
        """See `Source.holds`."""
        if is_remote(self.path) or is_remote(place) or not self.path.is_dir():
            return False
        return place.resolve().is_relative_to(self.path.resolve())

    def _get(self, sequence: FrameSequence | str) -> Reader:
        name = sequence if isinstance(sequence, str) else sequence.id
        return self.footage[name] if name in self.footage else self.footage[self.find(name).id]


def _brightest(footage: Reader) -> int:
    """The greatest value of 16 bits in a few frames; beyond `DARK` any, and `FULL` where one cannot be read."""
    top = 0
    for number in (footage.frames // 2, 0, footage.frames - 1):
        try:
            top = max(top, int(np.max(footage.read(number, number + 1, 16))))
        except SourceError:
            return FULL
        if top > DARK:
            break
    return top


def _text(name: str) -> str:
    """A name for records, which are UTF-8: bytes that are none as in URLs, ``%E4``."""
    return re.sub("[\udc80-\udcff]", lambda found: f"%{ord(found[0]) - 0xDC00:02X}", name)


def _name(root: Path) -> str:
    return root.name if is_remote(root) else root.resolve().name
