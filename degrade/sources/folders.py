"""Which folders hold footage, and which files of a folder are one sequence."""

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from degrade.core.errors import SourceError
from degrade.sources import raw, whole
from degrade.sources.pictures import describe_picture
from degrade.sources.report import Kind, Note
from degrade.sources.stream import StreamInfo
from degrade.storage import RECORD, UNFINISHED, is_remote

LABELS = re.compile(r"annotations|scribbles", re.IGNORECASE)
"""How folders begin that hold labels in place of footage, as DAVIS'."""

SYSTEM = re.compile(
    r"\..*|__macosx|@eadir|\$recycle\.bin|system volume information|lost\+found|thumbs\.db|desktop\.ini", re.IGNORECASE
)
"""Names of files and folders that systems make for themselves."""

SMALL = re.compile(r"thumbs|thumbnails?|prox(y|ies)", re.IGNORECASE)
"""Names of folders with small copies."""

FORMATS = (".exr", ".dpx", ".tif", ".tiff", ".png", ".jp2", ".bmp", ".ppm", ".pgm", ".webp", ".tga", ".jpg", ".jpeg")
"""Which of two pictures of one name is the original."""

NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")
"""A name with a number: the last one counts."""


def walk(root: Path, notes: list[Note]) -> Iterator[tuple[Path, PurePosixPath, list[str]]]:
    """Each folder that may hold footage, its path from `root`, and the names of its files.

    Links to folders are followed once all else is seen, but those that lead to what was seen.

    Raises:
        SourceError: `root` is a dataset; a folder cannot be listed.
    """
    if is_remote(root):
        yield from _walk_remote(root, notes)
        return
    seen: set[Path] = set()
    links = [(root, PurePosixPath())]
    while links:
        top, name = links.pop(0)
        real = top.resolve()
        around = top != root and (root.resolve().is_relative_to(real) or top.parent.resolve().is_relative_to(real))
        if real in seen or around:
            notes.append(Note("passed over", "links to what is read already", (str(name),)))
            continue
        for place, subfolders, names in os.walk(top, onerror=_refuse):
            folder, relative = Path(place), name / Path(place).relative_to(top).as_posix()
            subfolders.sort(key=natural)
            seen.add(folder.resolve())
            chosen = _chosen(root, relative, subfolders, names, notes)
            links += [(folder / sub, relative / sub) for sub in chosen if (folder / sub).is_symlink()]
            subfolders[:] = [sub for sub in chosen if not (folder / sub).is_symlink()]
            if names:
                yield folder, relative, names


def _walk_remote(root: Path, notes: list[Note]) -> Iterator[tuple[Path, PurePosixPath, list[str]]]:
    waiting = [PurePosixPath()]
    while waiting:  # level by level: below its first, fsspec's walk passes over what cannot be listed
        relative = waiting.pop()
        folder: Any = root.joinpath(*relative.parts)
        _, subfolders, names = next(folder.fs.walk(folder.path, maxdepth=1, on_error="raise"))
        waiting += [relative / name for name in _chosen(root, relative, subfolders, names, notes)]
        if names:
            yield folder, relative, names


def _chosen(
    root: Path, relative: PurePosixPath, subfolders: list[str], names: list[str], notes: list[Note]
) -> list[str]:
    """The subfolders that are looked into; of a dataset none, and no files."""
    if UNFINISHED in subfolders or RECORD in names:
        if relative == PurePosixPath():
            raise SourceError(f"{root}: is a dataset of pairs, no footage; name a folder of frames in it")
        notes.append(Note("passed over", "datasets", (str(relative),)))
        names.clear()
        return []
    chosen = []
    for sub in subfolders:
        kinds = {LABELS.match: "labels", SYSTEM.fullmatch: "system files", SMALL.fullmatch: "folders of small copies"}
        if what := next((what for matches, what in kinds.items() if matches(sub)), None):
            notes.append(Note("passed over", what, (str(relative / sub),)))
        else:
            chosen.append(sub)
    return chosen


def natural(name: str) -> list[Any]:
    """Sort key that counts digits as numbers, and then the name itself: ``1`` and ``01`` have an order."""
    parts: Iterable[str] = re.split(r"(\d+)", name)
    return [[(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name]


def _refuse(error: OSError) -> None:
    raise SourceError(f"{error.filename}: {error.strerror}") from error


@dataclass
class Arranged:
    """The pictures of a folder."""

    frames: list[Path] = field(default_factory=list)
    """Of one sequence, in order."""
    about: StreamInfo | None = None
    """What these are."""
    stills: list[Path] = field(default_factory=list)
    """Each a sequence of its own, of one or several pages."""


def arrange(pictures: list[Path], relative: PurePosixPath, notes: list[Note]) -> Arranged:
    """Tells the frames of a sequence from what lies among them.

    Args:
        pictures: Of one folder, in natural order; one or more.
        relative: The folder's path; in the topmost, pictures of different sizes are stills.
        notes: Where to tell what is passed over.

    Raises:
        SourceError: None of them is a picture.
    """
    pictures = _without_proxies(pictures, relative, notes)
    at_top = relative == PurePosixPath()
    headers = _headers(pictures if at_top or not is_remote(pictures[0]) else pictures[:1])
    found = {path: header for path, header in headers.items() if not isinstance(header, SourceError)}
    if not found:
        raise next(error for error in headers.values() if isinstance(error, SourceError))
    paged = [path for path, (_, pages) in found.items() if pages > 1]
    frames = [path for path in pictures if path not in paged]
    sizes = {path: (about.height, about.width) for path, (about, pages) in found.items() if pages == 1}
    if len(set(sizes.values())) > 1:
        (common, count), _ = Counter(sizes.values()).most_common(2)
        others = [path for path, size in sizes.items() if size != common]
        pattern, _ = Counter(_pattern(path) for path in sizes if sizes[path] == common).most_common(1)[0]
        odd = [path for path in others if _pattern(path) == pattern]
        strangers = [path for path in others if path not in odd]
        numbered = bool(pattern) and count >= max(LEAST, LEAST * len(strangers), LEAST_OF_ODD * len(odd))
        if at_top and not numbered:
            return Arranged(stills=pictures)
        if numbered:
            _tell(notes, "passed over", "pictures of another size", strangers, relative)
            frames = [path for path in frames if path not in strangers]
        _tell(notes, "odd", "frames of another size", odd if numbered else others, relative)
        about = next(found[path][0] for path in frames if sizes.get(path) == common)
    elif frames:
        about = next((found[path][0] for path in frames if path in found), None) or StreamInfo(0, 0)
    else:
        return Arranged(stills=paged)
    patterns = Counter(_pattern(path) for path in frames)
    several = [one for one, count in patterns.items() if one and count >= LEAST]
    if len(several) > 1:
        firsts = [next(path for path in frames if _pattern(path) == one) for one in several]
        _tell(notes, "odd", "several numberings in one sequence", firsts, relative)
    if gaps := _gaps(frames):
        notes.append(Note("odd", "missing numbers", tuple(str(relative / gap) for gap in gaps)))
    return Arranged(frames, about, paged)


LEAST, LEAST_OF_ODD = 3, 8
"""So many frames of one size and numbered names are a sequence, for each picture of another size and name among them,
and for each frame of another size."""


def _headers(pictures: list[Path]) -> dict[Path, tuple[StreamInfo, int] | SourceError]:
    """What each is and its number of pages, or why it is none; PNGs with the same header are parsed once."""
    headers: dict[Path, tuple[StreamInfo, int] | SourceError] = {}
    known: dict[bytes, tuple[StreamInfo, int]] = {}
    for path in pictures:
        try:
            head = b""
            if path.suffix.lower() == ".png":
                with path.open("rb") as file:
                    head = file.read(PNG_HEADER)
            if head not in known:
                found = describe_picture(path)
                if len(head) == PNG_HEADER and head.startswith(whole.PNG):
                    known[head] = found
            else:
                found = known[head]
            headers[path] = found
        except SourceError as error:
            headers[path] = error
        except OSError as error:
            headers[path] = SourceError(f"{path}: {error.strerror or error}")
    return headers


PNG_HEADER = 37
"""Bytes: the signature, the header, and the length of the chunk that follows."""


def _without_proxies(pictures: list[Path], relative: PurePosixPath, notes: list[Note]) -> list[Path]:
    """Of several pictures of one name, ``0.tif`` and ``0.jpg``, the original alone."""
    originals: dict[str, Path] = {}
    for path in pictures:
        other = originals.setdefault(path.stem, path)
        if _rank(path) < _rank(other):
            originals[path.stem] = path
    chosen = set(originals.values())
    _tell(notes, "passed over", "copies beside originals", [p for p in pictures if p not in chosen], relative)
    return [path for path in pictures if path in chosen]


def _rank(path: Path) -> int:
    suffix = path.suffix.lower()
    if suffix in raw.SUFFIXES:
        return -1
    return FORMATS.index(suffix) if suffix in FORMATS else len(FORMATS)


def _pattern(path: Path) -> tuple[str, str] | None:
    """What the names of numbered frames have in common."""
    parts = NUMBERED.fullmatch(path.stem)
    return (parts[1], parts[3] + path.suffix.lower()) if parts else None


def _gaps(frames: list[Path]) -> list[str]:
    """Ranges of numbers that are missing between frames, as ``scan_0005 to scan_0006``."""
    names = [(parts[1], parts[2], parts[3]) for path in frames if (parts := NUMBERED.fullmatch(path.stem))]
    steps = Counter(int(b[1]) - int(a[1]) for a, b in itertools.pairwise(names) if a[::2] == b[::2])
    step = steps.most_common(1)[0][0] if steps else 0
    gaps = []
    for (prefix, a, suffix), (other, b, end) in itertools.pairwise(names):
        if (prefix, suffix) == (other, end) and step > 0 and int(b) - int(a) > step:
            ends = sorted({int(a) + step, int(b) - step})
            gaps.append(" to ".join(f"{prefix}{number:0{len(a)}d}{suffix}" for number in ends))
    return gaps


def _tell(notes: list[Note], kind: Kind, what: str, paths: list[Path], relative: PurePosixPath) -> None:
    if paths:
        notes.append(Note(kind, what, tuple(str(relative / path.name) for path in paths)))
