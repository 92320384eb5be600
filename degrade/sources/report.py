"""What was found on opening footage: what is passed over, assumed, dropped."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from degrade.sources.fields import WORDS
from degrade.sources.stream import BT709, UNSPECIFIED, StreamInfo

Kind = Literal["passed over", "odd", "assumed", "dropped", "damaged"]

SHOWN = 2
"""Places that the line names of each kind."""


@dataclass(frozen=True)
class Note:
    """Something that is not as the footage says by itself."""

    kind: Kind
    what: str
    """In the words of a list: ``proxies``, ``sound``."""
    where: tuple[str, ...]
    """Relative paths, or ids of sequences."""


def gathered(notes: Iterable[Note]) -> list[Note]:
    """Notes of one kind on the same thing as one, in the order of the first."""
    places: dict[tuple[Kind, str], list[str]] = {}
    for note in notes:
        places.setdefault((note.kind, note.what), []).extend(note.where)
    return [Note(kind, what, tuple(where)) for (kind, what), where in places.items()]


def of_stream(name: str, about: StreamInfo) -> list[Note]:
    """What is dropped and assumed of a stream that is read, of the sequence of that name."""
    notes = []
    if about.rate is None:
        notes.append(Note("assumed", "24 frames per second", (name,)))
    if about.chroma and about.color.matrix == UNSPECIFIED:
        stored = (about.width, about.height) if about.rotation % 180 else (about.height, about.width)
        matrix = about.color.matrix_for(*stored)
        notes.append(Note("assumed", "colours of BT.709" if matrix == BT709 else "colours of BT.601", (name,)))
    if about.times:
        notes.append(Note("odd", "variable frame rate", (name,)))
    if about.logarithmic:
        notes.append(Note("odd", "logarithmic, taken as stored (curve: cineon makes display values)", (name,)))
    if about.scan:
        cure = "telecine" if about.scan == "telecine" else "bwdif"
        notes.append(Note("odd", f"{WORDS[about.scan]}, taken as stored; deinterlace: {cure} makes frames", (name,)))
    if about.alpha:
        notes.append(Note("dropped", "alpha", (name,)))
    if about.sound:
        notes.append(Note("dropped", "sound", (name,)))
    if about.timecode:
        notes.append(Note("dropped", "timecode", (name,)))
    return notes


def line(sequences: int, frames: int, notes: list[Note]) -> str:
    """All in one line: ``1 sequence, 12 frames; passed over: copies beside originals (12: 00000.jpg, 00001.jpg …)``."""
    parts = [f"{sequences} sequence{'s' * (sequences > 1)}, {frames} frame{'s' * (frames != 1)}"]
    kinds = dict.fromkeys(note.kind for note in notes)
    parts += [f"{kind}: {short([note for note in notes if note.kind == kind], sequences)}" for kind in kinds]
    return "; ".join(parts)


def short(notes: list[Note], sequences: int = 1) -> str:
    """Notes of one kind in a few words."""
    return ", ".join(_short(note, sequences) for note in notes)


def _short(note: Note, sequences: int) -> str:
    if note.kind in ("assumed", "dropped"):
        return note.what + ("" if len(note.where) == sequences else f" ({len(note.where)} of {sequences})")
    more = " …" if len(note.where) > SHOWN else ""
    return f"{note.what} ({len(note.where)}: {', '.join(note.where[:SHOWN])}{more})"
