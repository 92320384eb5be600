"""What restoring did to a film that nobody has a clean copy of: dirt, detail, grain, flicker and weave that are left.

None of it ranks models. Scores without a clean copy are had cheaply: a median that smears the picture leaves no dirt,
sharpened noise passes for detail, and a film that stands still has no warping error. Read them together.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from rich.table import Table

from degrade.benchmark.films import paired
from degrade.benchmark.flow import dis
from degrade.benchmark.metrics import make
from degrade.benchmark.metrics.base import Frame
from degrade.core.display import sheet
from degrade.core.errors import SourceError
from degrade.core.types import Array, to_uint8
from degrade.measure import Film, measure
from degrade.measure._spikes import Part, parts, reduced, scene
from degrade.measure._view import View
from degrade.preview import save_picture
from degrade.sources.base import FrameSequence, Source

MEASURED = {"grain": "sigma", "flicker": "std", "weave": "y"}
"""Instruments, and the quantity of each that is compared."""
WORST = 6
"""Defects that are shown."""
COLUMN = 1 / 8
"""Length of the stretch of a column that a line runs along, in frame heights."""
AROUND = 24
"""Least pixels from the middle of a shown defect to the edge of its picture."""


class Diagnosis(NamedTuple):
    """A film as it was, or as a model has left it. Shares are of what it had at first; none if there was nothing."""

    dirt: float | None
    """Contrast of the specks of the film, against what the neighbours of their frame show, as a share."""
    detail: float | None
    """Energy of the Laplacian outside of them, less its mean along each column, as a share: lines that last are no
    detail. It holds grain, and sharpening raises it."""
    grain: float | None
    """Standard deviation in flat patches, as a share."""
    flicker: float | None
    """Standard deviation, as a share."""
    weave: float | None
    """Standard deviation along the film, as a share."""
    e_warp: float | None
    """Warping error × 10³ under its own motion, as DIS estimates it."""


class Defect(NamedTuple):
    """A speck that stands out much, on the film and where each model has left it."""

    sequence: str
    frame: int
    contrast: float
    pictures: dict[str, Array]
    """By model, the film's under an empty name: (h, w, C) uint8."""


@dataclass(frozen=True)
class Diagnoses:
    """Of a film and of all that was made of it."""

    frames: int
    """Looked at for dirt: all but the first and the last of each sequence."""
    specks: int
    """That one frame shows and its neighbours, moved onto it, do not; mistaken and missed as by `degrade measure`."""
    by_name: dict[str, Diagnosis]
    """The film's under an empty name."""
    worst: list[Defect]
    """Most of all first."""

    def to_json(self, film: str) -> dict[str, Any]:
        """A plain, JSON-ready dictionary; `film` is what the film is called."""
        found = {name or film: shares._asdict() for name, shares in self.by_name.items()}
        return {"film": film, "frames": self.frames, "specks": self.specks, "found": found}


def diagnose(film: Source, restored: Mapping[str, Source], seen: Callable[[], object] = lambda: None) -> Diagnoses:
    """Compares a film with what was made of it, in flat memory whatever its length.

    Args:
        film: As the models were given it.
        restored: What each has made of it, in sequences of the same names, lengths and sizes, by its name.
        seen: Called as each frame has been looked at.

    Raises:
        DatasetError: A sequence that is missing, left over, or of another length or size.
    """
    made = [paired(film, source, name) for name, source in restored.items()]
    sources = {"": film, **restored}
    tallies = {name: _Tally() for name in sources}
    frames = specks = 0
    worst: list[Defect] = []
    for clips in zip(film.sequences(), *made, strict=True):
        sequences = dict(zip(sources, clips, strict=True))
        for look in _sequence(sources, sequences, tallies):
            if look:
                frames, specks = frames + 1, specks + len(look.specks)
                shown = [_Shown(part.top * math.sqrt(part.inside.sum()), part) for part in look.specks]
                for contrast, part in sorted(shown, key=lambda one: -one.contrast)[:WORST]:
                    worst.append(Defect(sequences[""].id, look.t, contrast, _cut(part, look)))
                worst = sorted(worst, key=lambda defect: -defect.contrast)[:WORST]
            seen()
    measured = {name: measure(source, list(MEASURED)) for name, source in sources.items()}
    by_name = {name: tally.diagnosis(tallies[""], measured[name], measured[""]) for name, tally in tallies.items()}
    return Diagnoses(frames, specks, by_name, worst)


class _Shown(NamedTuple):
    contrast: float
    part: Part


class _Look(NamedTuple):
    """At a frame between two others."""

    t: int
    specks: list[Part]
    frames: dict[str, Array]
    """Of the film and the models, (H, W, C)."""
    scale: float
    """Pixels of these by pixel that was looked at."""


class _Tally:
    """Sums over the frames of one film."""

    def __init__(self) -> None:
        self.dirt = self.detail = 0.0
        self.warps: list[float] = []

    def diagnosis(self, film: "_Tally", measured: Film, of_film: Film) -> Diagnosis:
        grain, flicker, weave = (
            _share(measured[what][name].value, of_film[what][name].value) for what, name in MEASURED.items()
        )
        warps = [warp for warp in self.warps if not math.isnan(warp)]
        return Diagnosis(
            _share(self.dirt, film.dirt),
            _share(self.detail, film.detail),
            grain,
            flicker,
            weave,
            float(np.mean(warps)) if warps else None,
        )


def _share(now: float | None, before: float | None) -> float | None:
    return now / before if now is not None and before else None


def _sequence(
    sources: Mapping[str, Source], sequences: Mapping[str, FrameSequence], tallies: Mapping[str, _Tally]
) -> Iterator[_Look | None]:
    """Adds the frames of a sequence to the tallies, one by one; yields what was seen on those between two others."""
    warps = {name: make("e_warp") for name in sources}
    before: dict[str, Array] = {}
    views: list[View] = []
    streams = [sources[name].each(sequence) for name, sequence in sequences.items()]
    for t, frames in enumerate(zip(*streams, strict=True)):
        now = {name: frame.astype(np.float32) / 255 for name, frame in zip(sources, frames, strict=True)}
        for name, metric in warps.items():
            metric.update(Frame(now[name], motion=dis(t - 1, before[name], now[name]) if before else None))
        views = [*views[-2:], View(now[""])]
        whole = len(views) == 3 and not any(view.blank for view in views)
        yield _look(t - 1, views, before, tallies) if whole else None
        before = now
    for name, metric in warps.items():
        tallies[name].warps.append(metric.result())


def _look(t: int, views: list[View], frames: dict[str, Array], tallies: Mapping[str, _Tally]) -> _Look:
    """Measures the frame in the middle."""
    seen = scene(*views)
    specks, behind = list(parts(seen)), (seen.earlier + seen.later) / 2
    elsewhere = np.ones(behind.shape, np.uint8)
    for speck in specks:
        elsewhere[speck.window] &= ~speck.inside
    elsewhere = cv2.erode(elsewhere, np.ones((7, 7), np.uint8))
    for name, frame in frames.items():
        grey = reduced(View(frame))
        off = (float((part.sign * (grey - behind)[part.window][part.inside]).sum()) for part in specks)
        tallies[name].dirt += sum(off)
        fine = cv2.Laplacian(grey, cv2.CV_32F)
        lines = cv2.blur(fine, (1, 2 * round(len(fine) * COLUMN / 2) + 1))
        tallies[name].detail += float(np.square((fine - lines)[elsewhere > 0]).sum())
    return _Look(t, specks, frames, views[0].height / len(behind))


def _cut(part: Part, look: _Look) -> dict[str, Array]:
    """A speck and what is around it, on the film and where each model has left it; uint8."""
    height, width = look.frames[""].shape[:2]
    rows, columns = (_wide(w, side, look.scale) for w, side in zip(part.window, (height, width), strict=True))
    return {name: to_uint8(frame[rows, columns]) for name, frame in look.frames.items()}


def _wide(window: slice, side: int, scale: float) -> slice:
    """The window on the whole frame, and not too narrow."""
    middle, half = scale * (window.start + window.stop) / 2, scale * (window.stop - window.start) / 2
    half = max(half, AROUND)
    start = int(max(0, min(middle - half, side - 2 * half)))
    return slice(start, int(start + 2 * half))


def table(found: Diagnoses, film: str) -> Table:
    """A row for the film, under the name given, and for each model."""
    out = Table("film", box=None, header_style="dim")
    for name in Diagnosis._fields:
        out.add_column(name.replace("_", " ") + (" (10⁻³)" if name == "e_warp" else " left"), justify="right")
    for name, shares in found.by_name.items():
        out.add_row(name or film, *("–" if share is None else f"{share:.2f}" for share in shares))
    return out


def save_sheet(path: Path, found: Diagnoses) -> None:
    """Writes the worst specks, a row each: on the film, and where each model has left them.

    Raises:
        SourceError: There is none, or the file cannot be written.
    """
    if not found.worst:
        raise SourceError(f"{path}: no specks were found to be shown")
    rows = [
        [(name or f"{defect.sequence}, {defect.frame}", picture) for name, picture in defect.pictures.items()]
        for defect in found.worst
    ]
    save_picture(path, sheet(rows))
