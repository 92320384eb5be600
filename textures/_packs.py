"""Packs of damage templates: folders of pictures, and a built-in one that is drawn procedurally.

Templates are converted to 8-bit grey, dark defects on a light ground. Three layouts are known:

- RTN's ``noise_data``: a folder of that name, or one whose pictures are in the folders 001 to 012. Pictures are
  used unchanged, and the rules of RTN's folders apply.
- Any other tree of pictures, such as the classes of FilmDamageSimulator. A picture with transparency is a defect
  where it is opaque, whatever its colour. One without is used unchanged if its median is 128 or more, and inverted
  otherwise. No rules apply.
- ``builtin:rtn``: drawn by the textures of this package in RTN's folder layout and under its rules, since RTN's own
  templates carry no licence.
"""

import functools
import hashlib
import importlib.metadata
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np

from degrade.core.cache import ByteCache
from degrade.core.errors import SourceError, SpecError, unknown
from degrade.core.types import Array
from degrade.sources.base import PICTURES
from degrade.textures import _rtn

CACHE_BYTES = 48 * 2**20
"""Pixels of templates that a process keeps, those used last: all 44 MiB of `builtin:rtn`; a single greater template is
still read."""
PACKED_BYTES = 64 * 2**20
"""What it keeps of them compressed: they are unpacked in a millisecond, where drawing one takes twenty."""


@dataclass(frozen=True)
class Rule:
    """How the templates of one folder are to be used."""

    whole: bool = False
    """Always resized as a whole, never cut."""
    thicken: bool = False
    """Thin defects: a minimum filter may widen them."""
    modes: tuple[str, ...] = ()
    """The blend modes they are meant for; any if empty."""
    lines: bool = False
    """Vertical lines, for moving scratches."""


RTN_GROUPS = {f"{number:03}" for number in range(1, 13)}
RTN_RULES = {
    **dict.fromkeys(RTN_GROUPS, Rule(thicken=True)),
    "001": Rule(lines=True),
    "008": Rule(whole=True),
    "010": Rule(),
    "011": Rule(modes=("add",)),
}


@dataclass(frozen=True, eq=False)
class Template:
    """A scanned or drawn piece of damage.

    Attributes:
        name: In its pack, with its folder: ``"004/hair-12.png"``.
        pixels: (H, W) uint8, read-only; a light ground with dark defects.
        stamp: Another one where its file has changed.
    """

    name: str
    pixels: Array
    stamp: tuple[int, ...] = ()
    _counts: dict[tuple[float, int], Array] = field(default_factory=dict, repr=False)

    @functools.cached_property
    def mean(self) -> float:
        """Mean level, 0 to 255."""
        return float(cv2.mean(self.pixels)[0])

    def defect(self, darker: float, border: int, at: float) -> tuple[int, int] | None:
        """Row and column of a defect pixel, or None if there is none.

        Args:
            darker: A defect is darker than the mean by more than so many levels.
            border: Columns at left and right that are ignored.
            at: In [0, 1): which of the defect's pixels, counted row by row.
        """
        inner = self.pixels[:, border : max(border, self.pixels.shape[1] - border)]
        limit = self.mean - darker
        if (darker, border) not in self._counts:
            self._counts[darker, border] = np.cumsum(np.count_nonzero(inner < limit, axis=1))
        counts = self._counts[darker, border]
        if not counts[-1]:
            return None
        rank = min(int(at * counts[-1]), int(counts[-1]) - 1)
        row = int(np.searchsorted(counts, rank, side="right"))
        before = int(counts[row - 1]) if row else 0
        return row, border + int(np.flatnonzero(inner[row] < limit)[rank - before])


@dataclass(frozen=True)
class Pack(ABC):
    """Templates by name; cheap to make and to send to another process, since pixels are read on use."""

    name: str
    """``builtin:rtn``, or the folder's absolute path."""
    templates: tuple[str, ...]
    """Sorted names, each with its folder."""
    layout: Literal["rtn", "pictures"]
    """Whether RTN's rules hold."""

    def rule(self, template: str) -> Rule:
        """The rule of a template's folder."""
        return RTN_RULES.get(group_of(template), Rule()) if self.layout == "rtn" else Rule()

    def select(self, groups: Iterable[str]) -> tuple[str, ...]:
        """The templates of these groups, or all if there are none given.

        Raises:
            SpecError: The pack has no such group.
        """
        wanted = set(groups)
        if not wanted:
            return self.templates
        known = {group_of(template) for template in self.templates}
        for group in sorted(wanted - known):
            raise SpecError(f"{self.name}: {unknown('group', group, known)}", "groups")
        return tuple(template for template in self.templates if group_of(template) in wanted)

    def load(self, template: str) -> Template:
        """A template, out of the process's cache if it is there.

        Raises:
            SourceError: No such template, or it cannot be read.
        """
        if template not in self.templates:
            raise SourceError(f"{self.name}: {unknown('template', template, self.templates)}")
        stamp = self.stamp(template)
        return _cache.get((self.name, template, stamp), lambda: self._load(template, stamp))

    def _load(self, template: str, stamp: tuple[int, ...]) -> Template:
        shape, packed = _packed.get((self.name, template, stamp), lambda: _pack(self._read(template)))
        return Template(template, np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape), stamp)

    def stamp(self, template: str) -> tuple[int, ...]:
        """Changes with the template's file, if it has one."""
        return ()

    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256 of all that the templates depend on."""

    @abstractmethod
    def _read(self, template: str) -> Array:
        """Pixels (H, W) uint8."""


@dataclass(frozen=True)
class _Folder(Pack):
    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for template in self.templates:
            digest.update(template.encode() + b"\0" + hashlib.sha256(_bytes(Path(self.name, template))).digest())
        return digest.hexdigest()

    def stamp(self, template: str) -> tuple[int, ...]:
        try:
            about = Path(self.name, template).stat()
        except OSError as error:
            raise SourceError(f"{Path(self.name, template)}: {error.strerror}") from error
        return about.st_size, about.st_mtime_ns

    def _read(self, template: str) -> Array:
        grey, alpha = _decode(Path(self.name, template))
        if self.layout == "rtn":
            return grey
        if alpha is not None and alpha.min() < 255:
            return 255 - alpha
        return grey if np.median(grey) >= 128 else 255 - grey


@dataclass(frozen=True)
class _Drawn(Pack):
    version: ClassVar[str] = importlib.metadata.version("film-degrade")

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.name} of film-degrade {self.version}".encode()).hexdigest()

    def _read(self, template: str) -> Array:
        return _rtn.draw(template)


def open_pack(name: str) -> Pack:
    """A pack of templates.

    Args:
        name: ``builtin:rtn``, or a folder; see the module for the layouts.

    Raises:
        SourceError: No such pack or folder, or no picture in it.
    """
    if name.startswith("builtin:"):
        return _open_builtin(name)
    try:
        return _open_folder(Path(name).expanduser().absolute())
    except (OSError, RuntimeError) as error:  # a name too long for the disk, or ~somebody
        raise SourceError(f"{name}: {getattr(error, 'strerror', None) or error}") from error


@functools.cache
def _open_builtin(name: str) -> Pack:
    if name != "builtin:rtn":
        raise SourceError(unknown("pack", name, ["builtin:rtn"]))
    return _Drawn(name, _rtn.names(), "rtn")


@functools.lru_cache(maxsize=32)
def _open_folder(path: Path) -> Pack:
    if not path.is_dir():
        raise SourceError(f"{path}: {'not a folder' if path.exists() else 'no such folder'}")
    relative = (file.relative_to(path) for file in path.rglob("*") if file.suffix.lower() in PICTURES)
    templates = sorted(r.as_posix() for r in relative if not any(part[0] == "." for part in r.parts))
    if not templates:
        raise SourceError(f"{path}: holds no pictures ({', '.join(sorted(PICTURES))})")
    rtn = path.name == "noise_data" or {group_of(template) for template in templates} == RTN_GROUPS
    return _Folder(str(path), tuple(templates), "rtn" if rtn else "pictures")


def group_of(template: str) -> str:
    """The folder of a template; empty for one at the top."""
    return template.rpartition("/")[0]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def _decode(path: Path) -> tuple[Array, Array | None]:
    """A picture's luma and its alpha, if it has one, both (H, W) uint8."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if picture.mode.startswith(("I", "F")):  # 16 bit: Pillow's own conversion would clip it
                deep = np.asarray(picture, np.float64)
                return np.clip(np.rint(deep / 257), 0, 255).astype(np.uint8), None
            if "A" in picture.getbands() or "transparency" in picture.info:
                layers = picture.convert("RGBA")
                return np.array(layers.convert("L")), np.array(layers.getchannel("A"))
            return np.array(picture.convert("L")), None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or "damaged"
        unidentified = isinstance(error, Image.UnidentifiedImageError)
        raise SourceError(f"{path}: {'not a picture' if unidentified else reason}") from error


def _pack(pixels: Array) -> tuple[tuple[int, ...], bytes]:
    return pixels.shape, zlib.compress(pixels.tobytes(), 1)


_packed: ByteCache[tuple[tuple[int, ...], bytes]] = ByteCache(PACKED_BYTES, lambda packed: len(packed[1]))
_cache: ByteCache[Template] = ByteCache(CACHE_BYTES, lambda template: template.pixels.nbytes)
