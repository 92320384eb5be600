"""Measures a film, drafts a spec, renders it over clean footage, measures that, and corrects."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degrade.core.display import spread
from degrade.core.errors import SourceError
from degrade.core.types import Array, to_uint8
from degrade.dataset.pairs import render_pairs
from degrade.dataset.plan import Clip, plan
from degrade.match._distance import Row, compared, unmatched
from degrade.match._draft import Draft, first_values
from degrade.match._knobs import Key, Values, parts
from degrade.match._tint import colour
from degrade.match._ways import FASTEST
from degrade.measure import Film, registry
from degrade.measure._film import LARGEST, Meter
from degrade.measure._footage import Take, takes
from degrade.sources import Source, open_source
from degrade.spec import Spec

ROUNDS = 3
"""Of correction."""
STRETCH = 125
"""Frames of a long film that are measured in a row."""
LONGEST = 48
"""Frames of the spec's clips, at most."""
CHECKED = 24
"""Frames of the clips that are rendered to check a spec."""
PIXELS, MOST, FEWEST = 28_000_000, 120, 48
"""Of all these clips, about; and frames, at most and at least."""
SHOWN = 4
"""Frames that are kept of the film and of a render."""


@dataclass(frozen=True)
class Seen:
    """What was measured of a film or of clips, and some of their frames."""

    film: Film
    frames: Sequence[Array]
    """(H, W, C) uint8, spread evenly."""


@dataclass(frozen=True)
class Match:
    """A spec, and how near its render comes to the film."""

    spec: Spec
    text: str
    """The spec as YAML, each value with what it was measured by."""
    real: Seen
    clean: Seen
    first: Seen
    """Rendered before any correction."""
    made: Seen
    rows: Sequence[Row]
    unmatched: Sequence[str]
    """What did not match, or was not measured, in words."""


def match(
    film: str | Path | Source,
    footage: str | Path | None = None,
    *,
    seed: int = 0,
    limit: int = 1000,
    opened: Callable[[Source], object] = lambda source: None,
    started: Callable[[str, int], object] = lambda what, frames: None,
    seen: Callable[[int], object] = lambda frames: None,
) -> Match:
    """Writes the spec that makes more of a film's damage, and checks it.

    Args:
        film: Footage, or where it lies; the folder or URL of a dataset, whose damaged frames are taken.
        footage: Clean footage that the spec is for, and checked on; ``builtin:stills`` if not given.
        seed: Of the spec.
        limit: Frames of the film that are measured, at most; of a longer one, stretches at even distances.
        opened: Called with the film, unless it is a dataset, and with the footage.
        started: Told what is measured next, and of how many frames it is.
        seen: Told of every frame.

    Raises:
        SourceError, DatasetError: Film or footage cannot be read, or has no frames.
        SpecError: The footage cannot be used.
    """
    whole = takes(film, opened=opened)
    chosen = stretches(whole, limit)
    if not chosen:
        raise SourceError("no frames to match")
    height, width = _measured_size(whole[0].read(0, 1).shape[1:3])
    place = str(footage or f"builtin:stills?height={height}&width={width}")
    source = open_source(place)
    opened(source)
    started("film", sum(take.frames for take in chosen))
    real = watched(chosen, seen)
    color, dye = colour(real.film)
    length = min(LONGEST, *(sequence.frames for sequence in source.sequences()))
    fields: dict[str, Any] = {
        "name": spec_name(film),
        "seed": seed,
        "source": place,
        "clips": {"length": length, "size": [height, width]},
        "color": color,
    }
    known = parts()
    draft = Draft(fields, real.film, known, dye)
    frames, short = min(max(PIXELS // (height * width), FEWEST), MOST), min(length, CHECKED)
    check = {"clips": {**fields["clips"], "length": short, "limit": max(1, round(frames / short))}}

    def rendered(spec: Spec, what: str) -> Seen:
        clips = plan(spec, source)
        started(what, sum(clip.frames for clip in clips))
        return watched([Rendered(spec, source, clip) for clip in clips], seen)

    clean = rendered(draft.clean(**check), "clean footage")
    begun: Values = first_values(known, real.film, clean.film)
    values = begun
    first = made = rendered(draft.spec(values, **check), "render 1")
    for turn in range(ROUNDS):
        turned: dict[Key, float] = {}
        for part in known:
            turned |= part.turned(values, real.film, made.film, clean.film, 1 / (1 + turn))
        values = {key: bounded(value, begun[key]) for key, value in turned.items()}
        made = rendered(draft.spec(values, **check, seed=seed + turn + 1), f"render {turn + 2}")
    rows = compared(known, real.film, clean.film, made.film)
    text = draft.text(values, made.film, _head(real.film, made.film, height, width))
    missed = unmatched(known, rows, real.film)
    return Match(draft.spec(values), text, real, clean, first, made, rows, missed)


def bounded(value: float, begun: float) -> float:
    """A value no further than `FASTEST` from where it began: renders of few frames read much by chance."""
    return min(max(value, begun / FASTEST), begun * FASTEST) if begun > 0 else value


def stretches(whole: Sequence[Take], limit: int) -> list[Take]:
    """All frames, or of more than `limit` so many, in stretches at even distances."""
    if sum(take.frames for take in whole) <= limit:
        return list(whole)
    length = min(STRETCH, limit)
    parts = [take.part(at, min(at + length, take.frames)) for take in whole for at in range(0, take.frames, length)]
    full = [part for part in parts if part.frames == length] or parts
    count = min(max(1, limit // length), len(full))
    return [full[i * len(full) // count] for i in range(count)]


@dataclass(frozen=True)
class Rendered:
    """A clip under a spec, frame by frame."""

    spec: Spec
    source: Source
    clip: Clip

    @property
    def frames(self) -> int:
        return self.clip.frames

    def __iter__(self) -> Iterator[Array]:
        """Its frames, (H, W, C) uint8."""
        params = self.spec.damage().draw(self.clip.info(), self.spec.seed)
        for pair in render_pairs(self.clip, self.spec, self.source, params):
            yield from to_uint8(pair.damaged)


def watched(clips: Sequence[Take | Rendered], seen: Callable[[int], object]) -> Seen:
    """Measures clips, each by itself, by all instruments."""
    meter = Meter([registry.get(name) for name in registry.names()], seen)
    total = sum(clip.frames for clip in clips)
    wanted = spread(total, SHOWN)
    kept: list[Array] = []
    number = itertools.count()

    def noted(frames: Iterable[Array]) -> Iterator[Array]:
        for frame in frames:
            if next(number) in wanted:
                kept.append(frame)
            yield frame

    for clip in clips:
        meter.see(noted(clip))
    return Seen(meter.film(), kept)


def _measured_size(size: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of frames as instruments see them."""
    factor = -(-size[0] // LARGEST)
    return size[0] // factor, max(1, size[1] // factor)


def spec_name(film: str | Path | Source) -> str:
    """The name that the spec gets, out of the film's."""
    stem = "" if isinstance(film, Source) else Path(str(film).partition("?")[0].rpartition(":")[2]).stem
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9_.-]+", "", stem.replace(" ", "_"))[:100] or "matched"


def _head(film: Film, made: Film, height: int, width: int) -> list[str]:
    shots = f"{film.shots} piece{'s' * (film.shots != 1)} of shots"
    return [
        f"Measured by `degrade match`: {film.frames} frames, {shots}, seen at {width}×{height}.",
        "Behind each value what it was measured by: the film's reading with its 95% interval, of how many frames,",
        f"and what {made.frames} frames rendered under this spec read.",
    ]
