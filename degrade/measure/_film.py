"""From frames to readings: shots are cut apart, instruments see each, and what they keep of it is put together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from degrade.core.errors import SourceError
from degrade.core.registry import Registry
from degrade.core.rng import Stream
from degrade.core.types import Array, as_clip
from degrade.measure._cutting import with_cuts
from degrade.measure._footage import open_all, takes
from degrade.measure._view import View
from degrade.measure.base import Instrument, Quantity, Reading, Stats
from degrade.sources.base import Source

registry: Registry[Instrument] = Registry("instrument", "degrade.measure", Instrument)
"""All instruments by name."""
PIECE = 128
"""Frames that are measured as one; longer shots are measured in pieces, so that memory stays flat."""
LARGEST = 1080
"""Height of frames; larger ones are reduced by a whole factor."""
BOOTSTRAPS = 200
FEWEST_SHOTS = 3
"""For an interval."""


@dataclass(frozen=True)
class Film:
    """What instruments read off a film."""

    frames: int
    shots: int
    """Pieces of at most 128 frames between cuts."""
    readings: Mapping[str, Mapping[str, Reading]]
    """By instrument and quantity."""
    units: Mapping[str, Mapping[str, Quantity]]
    """What they are."""
    told: Mapping[str, int]
    """By instrument: frames of the shots that told it something."""

    def __getitem__(self, instrument: str) -> Mapping[str, Reading]:
        return self.readings[instrument]

    def to_json(self) -> dict[str, Any]:
        """A plain, JSON-ready dictionary."""
        readings: dict[str, dict[str, Any]] = {}
        for instrument, own in self.readings.items():
            readings[instrument] = {}
            for name, reading in own.items():
                entry: dict[str, Any] = {"value": reading.value, "unit": self.units[instrument][name].unit}
                if reading.low is not None:
                    entry["interval"] = [reading.low, reading.high]
                if reading.reason:
                    entry["reason"] = reading.reason
                readings[instrument][name] = entry
        return {"frames": self.frames, "shots": self.shots, "readings": readings}


def measure(
    film: str | Path | Source | Iterable[Array],
    instruments: Sequence[str] | None = None,
    *,
    limit: int | None = None,
    started: Callable[[int], object] = lambda frames: None,
    seen: Callable[[int], object] = lambda frames: None,
) -> Film:
    """Measures a film, in flat memory whatever its length.

    Args:
        film: Footage, or where it lies, all sequences of it; the folder or URL of a dataset, whose damaged frames are
            measured; or frames of one sequence, each (H, W) or (H, W, C), uint8 or floats in [0, 1].
        instruments: Names; all if not given.
        limit: At most so many frames of each sequence.
        started: Is told how many frames there are, where that is known.
        seen: Is told of every frame.

    Raises:
        SpecError: No such instrument.
        SourceError, DatasetError: Footage that cannot be read, or no frames.
    """
    of = _chosen(instruments)
    if not isinstance(film, str | Path | Source):
        return _read([islice(film, limit)], of, seen)
    sequences = takes(film, limit)
    started(sum(take.frames for take in sequences))
    return _read(sequences, of, seen)


def measure_all(
    films: Sequence[str],
    instruments: Sequence[str] | None = None,
    *,
    limit: int | None = None,
    opened: Callable[[str, Source], object] = lambda film, source: None,
    started: Callable[[str, int], object] = lambda film, frames: None,
    seen: Callable[[int], object] = lambda frames: None,
) -> dict[str, Film]:
    """Measures films one after the other, once all are known to be there; see `measure`.

    Raises:
        SpecError: No such instrument.
        SourceError, DatasetError: A film that cannot be read, has no frames, or is named twice.
    """
    of = _chosen(instruments)
    measured = {}
    for film, sequences in open_all(films, limit, opened).items():
        started(film, sum(take.frames for take in sequences))
        measured[film] = _read(sequences, of, seen)
    return measured


def _chosen(instruments: Sequence[str] | None) -> list[type[Instrument]]:
    return [registry.get(name) for name in instruments or registry.names()]


def _read(
    sequences: Iterable[Iterable[Array]], instruments: Sequence[type[Instrument]], seen: Callable[[int], object]
) -> Film:
    meter = Meter(instruments, seen)
    for frames in sequences:
        meter.see(frames)
    return meter.film()


class Meter:
    """Instruments at work on one film."""

    def __init__(self, instruments: Sequence[type[Instrument]], seen: Callable[[int], object]) -> None:
        self.seen = seen
        self.kept: dict[type[Instrument], list[Stats]] = {cls: [] for cls in instruments}
        self.told = dict.fromkeys(self.kept, 0)
        self.frames = self.shots = 0

    def see(self, frames: Iterable[Array]) -> None:
        """Frames of one sequence; it ends a shot."""
        at_work: list[Instrument] = []
        view: View | None = None
        for frame, cut in with_cuts(map(ready, frames)):
            if cut or not at_work or (view and view.t + 1 >= PIECE):
                self._close(at_work, view)
                at_work, view = [cls() for cls in self.kept], None
                self.shots += 1
            view = View(frame, view.t + 1 if view else 0, view)
            self.frames += 1
            for instrument in at_work:
                instrument.see(view)
            self.seen(1)
        self._close(at_work, view)

    def _close(self, at_work: list[Instrument], last: View | None) -> None:
        for instrument in at_work:
            stats = instrument.close()
            if stats is not None:
                self.kept[type(instrument)].append(stats)
                self.told[type(instrument)] += last.t + 1 if last else 0

    def film(self) -> Film:
        """The readings of all that was seen."""
        if not self.frames:
            raise SourceError("no frames to measure")
        names = {cls: registry.name_of(cls) for cls in self.kept}
        readings = {names[cls]: readings_of(cls, shots, names[cls]) for cls, shots in self.kept.items()}
        units = {names[cls]: cls.quantities for cls in self.kept}
        return Film(self.frames, self.shots, readings, units, {names[cls]: count for cls, count in self.told.items()})


def readings_of(cls: type[Instrument], shots: Sequence[Stats], name: str) -> dict[str, Reading]:
    """The instrument's values over all shots, and how they vary over shots that are drawn with replacement."""
    if not shots:
        return {quantity: Reading(None, reason=cls.nothing) for quantity in cls.quantities}
    whole = cls.values(shots)
    drawn: dict[str, list[float]] = {quantity: [] for quantity in cls.quantities}
    if len(shots) >= FEWEST_SHOTS:
        draw = Stream(0, "measure", name).generator("shots")
        for _ in range(BOOTSTRAPS):
            some = cls.values([shots[i] for i in draw.integers(len(shots), size=len(shots))])
            for quantity, value in some.items():
                if not isinstance(value, str):
                    drawn[quantity].append(value)
    out = {}
    for quantity in cls.quantities:
        value = whole[quantity]
        if isinstance(value, str):
            out[quantity] = Reading(None, reason=value)
        elif len(drawn[quantity]) < BOOTSTRAPS // 2:
            out[quantity] = Reading(value)
        else:
            low, high = np.percentile(drawn[quantity], (2.5, 97.5)).tolist()
            out[quantity] = Reading(value, low, high)
    return out


def ready(frame: Array) -> Array:
    """float32 (H, W, C) of at most the largest height."""
    picture = np.asarray(as_clip(frame)[0])
    factor = -(-picture.shape[0] // LARGEST)
    if factor > 1:
        height, width = (side // factor * factor for side in picture.shape[:2])
        blocks = picture[:height, :width].reshape(height // factor, factor, -1, factor, picture.shape[2])
        picture = np.ascontiguousarray(blocks.mean(axis=(1, 3)))
    return picture
