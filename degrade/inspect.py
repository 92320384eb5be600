"""What footage is, in words: what ``degrade inspect`` prints."""

from collections.abc import Callable
from typing import Any

from degrade.sources import FrameSequence, Source
from degrade.sources.fields import WORDS
from degrade.sources.report import Note, gathered

PLACES = 20
"""Of a note that are named."""


def describe(sequence: FrameSequence) -> dict[str, Any]:
    """A sequence, JSON-ready; times in seconds."""
    about = sequence.stream
    return {
        "id": sequence.id,
        "frames": sequence.frames,
        "width": about.width,
        "height": about.height,
        "rotation": about.rotation,
        "mirrored": about.mirrored,
        "aspect": str(about.aspect),
        "fps": None if about.rate is None else str(about.rate),
        "variable": bool(about.times),
        "start": float(about.start),
        "duration": float(about.duration(sequence.frames)),
        "depth": about.depth,
        "chroma": about.chroma,
        "color": about.color.names(),
        "scan": WORDS.get(about.scan, "progressive"),
        "alpha": about.alpha,
        "timecode": about.timecode,
        "sound": list(about.sound),
    }


def report(sequences: list[FrameSequence], notes: list[Note]) -> list[str]:
    """Lines: each sequence, then what was found beside."""
    lines = [f"{sequence.id}: {', '.join(_facts(sequence))}" for sequence in sequences]
    for note in notes:
        named = len(note.where) == 1 or not (len(note.where) == len(sequences) and note.kind in ("assumed", "dropped"))
        places = ", ".join(note.where[:PLACES]) + (" …" if len(note.where) > PLACES else "")
        lines.append(f"{note.kind}: {note.what}" + (f" ({len(note.where)}): {places}" if named else ""))
    return lines


def damaged_frames(source: Source, checked: Callable[[int], object]) -> list[Note]:
    """Reads every frame, and names those that are damaged; `checked` is called with the number of frames read."""
    found = []
    for sequence in source.sequences():
        for number in range(sequence.frames):
            reasons = source.survey(sequence, number, number + 1)
            found += [Note("damaged", "frames", (f"{sequence.id}, frame {at}: {why}",)) for at, why in reasons]
            checked(1)
    return gathered(found)


def _facts(sequence: FrameSequence) -> list[str]:
    about = sequence.stream
    facts = [f"{sequence.frames} frame{'s' * (sequence.frames != 1)}", f"{about.width}×{about.height}"]
    facts += ["mirrored"] * about.mirrored + [f"turned by {about.rotation}°"] * bool(about.rotation)
    if about.aspect != 1:
        facts.append(f"pixels {about.aspect.numerator}:{about.aspect.denominator}")
    if about.rate is not None:
        facts.append(f"{float(about.rate):.6g} frames per second{' on average' if about.times else ''}")
        facts.append(f"{float(about.duration(sequence.frames)):.6g} s")
    if about.start:
        facts.append(f"from {float(about.start):.6g} s on")
    facts += [f"{about.depth} bit", *filter(None, (about.chroma, " ".join(about.color.names())))]
    facts += [f"sound: {track}" for track in about.sound]
    return facts + [f"timecode {about.timecode}"] * bool(about.timecode)
