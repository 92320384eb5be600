"""How well a judge tells films from what is made to look like them: the shortest measure of realism."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from degrade.core.color import luma
from degrade.core.errors import SourceError
from degrade.core.rng import Stream
from degrade.core.types import Array
from degrade.measure import _network
from degrade.measure._cutting import with_cuts
from degrade.measure._film import ready
from degrade.measure._flat import PATCH, Place, flat_places, smoothed_out
from degrade.measure._footage import Take, open_all
from degrade.measure._judge import Fit, Grain, accuracy, features, fitted, told_apart
from degrade.sources.base import Source

PATCHES = 1600
"""Of the films together, and of what was made, at most."""
FEWEST = 40
"""Flat patches that each film must show, and what was made."""
PARTS = 4
"""Of a film that is judged alone, each left out in turn of what the judge learns from."""
SEQUENCES = 96
"""Of what was made, evenly out of all, at most."""
EVERY = 3
"""Frames from one whose patches are looked at to the next."""
BOOTSTRAPS = 2000


class Judge(NamedTuple):
    """A way to tell."""

    described: Callable[[Grain], Array]
    """What it sees of patches, (N, …)."""
    fit: Fit
    absent: Callable[[], str]
    """Why it cannot be asked; empty if it can."""


JUDGES = {
    "logistic regression": Judge(features, fitted, lambda: ""),
    "network": Judge(_network.described, _network.fitted, _network.absent),
}


@dataclass(frozen=True)
class Verdict:
    """What a judge made of it. By chance it would tell half rightly, however many patches there are of either kind."""

    judge: str
    right: float | None
    """Share of the patches that it told rightly, the mean of films and of what was made; none if it cannot be asked."""
    interval: tuple[float, float] | None = None
    """Of 95%, films and made sequences drawn anew."""
    left_out: tuple[float, ...] = ()
    """The same by the film, or part of one, that it had not learnt from."""
    reason: str = ""
    """Why it cannot be asked."""


@dataclass(frozen=True)
class Against:
    """Films against what was made to look like them."""

    left_out: tuple[str, ...]
    """What the judges did not learn from, in turn: each film, or each part of the only one."""
    patches: tuple[int, int]
    """Of films, and made."""
    heights: tuple[int, int]
    """Of the first film and of the first made sequence, pixels. Patches are compared pixel by pixel."""
    verdicts: tuple[Verdict, ...]

    def to_json(self) -> dict[str, Any]:
        """A plain, JSON-ready dictionary."""
        return asdict(self)


def against(
    films: Sequence[str | Path | Source],
    made: str | Path | Source,
    *,
    limit: int | None = None,
    started: Callable[[str, int], object] = lambda what, frames: None,
    seen: Callable[[int], object] = lambda frames: None,
) -> Against:
    """Teaches judges to tell flat patches of films from those of what was made, and counts what they tell rightly.

    A film is left out at a time of what a judge learns from, and with it a share of what was made; of a single film it
    is a quarter, which is easier to tell, since the judge then knows the rest of it. Patches are of 32×32 pixels, with
    the same place one frame later; what is smooth in them is taken away. Memory is flat.

    Args:
        films: Footage, or where it lies.
        made: The same; of a dataset its damaged frames. At most 96 sequences, evenly out of all.
        limit: At most so many frames of each sequence.
        started: Is told what is read, and how many frames of it; then of the judges, how many are taught.
        seen: Is told of every frame, and of every judge.

    Raises:
        SourceError, DatasetError: Footage that cannot be read, or has too few flat patches.
    """
    (found,) = against_all(films, [made], limit=limit, started=started, seen=seen).values()
    return found


def against_all(
    films: Sequence[str | Path | Source],
    made: Sequence[str | Path | Source],
    *,
    limit: int | None = None,
    opened: Callable[[str, Source], object] = lambda film, source: None,
    started: Callable[[str, int], object] = lambda what, frames: None,
    seen: Callable[[int], object] = lambda frames: None,
) -> dict[str, Against]:
    """Films against each of several that were made, once all are known to be there; see `against`.

    Raises:
        SourceError, DatasetError: As of `against`, or one is named twice.
    """
    watched, others = open_all(films, limit, opened), open_all(made, limit, opened)
    names, real = list(watched), []
    for name, film in watched.items():
        started(name, sum(take.frames for take in film))
        real.append(joined([*_each(film, PATCHES // len(films), seen)]))
        _check(len(real[-1].level), name)
    height = _height(watched[names[0]])
    if len(real) == 1:
        names, real = [f"part {i} of {PARTS}" for i in range(1, PARTS + 1)], parts(real[0], PARTS)
    out = {}
    for name, sequences in others.items():
        chosen = np.linspace(0, len(sequences) - 1, min(SEQUENCES, len(sequences))).round().astype(int).tolist()
        other = _made(name, [sequences[i] for i in chosen], len(real), started, seen)
        counts = [sum(len(found.level) for found in group) for group in (real, other)]
        started("judges", len(JUDGES) * len(real))
        verdicts = tuple(_asked(judge_name, judge, real, other, seen) for judge_name, judge in JUDGES.items())
        out[name] = Against(tuple(names), (counts[0], counts[1]), (height, _height(sequences)), verdicts)
    return out


def _made(
    name: str,
    sequences: Sequence[Take],
    least: int,
    started: Callable[[str, int], object],
    seen: Callable[[int], object],
) -> list[Grain]:
    """Of what was made, by sequence; fewer than `least` are cut into parts."""
    started(name, sum(take.frames for take in sequences))
    found = [one for one in _each(sequences, PATCHES, seen) if len(one.level)]
    _check(sum(len(one.level) for one in found), name)
    if len(found) >= least:
        return found
    return [part for one in found for part in parts(one, least) if len(part.level)]


def _height(sequences: Sequence[Take]) -> int:
    """Of the first frame."""
    return int(sequences[0].read(0, 1).shape[1])


def _each(film: Sequence[Take], most: int, seen: Callable[[int], object]) -> Iterator[Grain]:
    """Of each sequence its share of so many patches."""
    for take in film:
        yield flat_patches(take, max(most // len(film), 1), seen)


def _check(count: int, what: str) -> None:
    if count < FEWEST:
        size = f"{PATCH}×{PATCH} pixels"
        raise SourceError(f"{what}: {count} flat patches of {size} were found, and {FEWEST} are needed to judge by")


def flat_patches(frames: Iterable[Array], most: int, seen: Callable[[int], object] = lambda frames: None) -> Grain:
    """Flat patches of every third frame of a sequence, evenly out of all.

    Args:
        frames: (H, W, C) or (H, W), uint8 or floats in [0, 1].
        most: Patches at most.
        seen: Is told of every frame.
    """
    kept: list[tuple[Array, Array, float, tuple[int, Place]]] = []
    step, count = 1, 0
    before: Array | None = None
    for t, (frame, cut) in enumerate(with_cuts(map(ready, frames))):
        grey = luma(frame)
        if before is not None and not cut:
            for place, level in zip(*flat_places(before), strict=True):
                if count % step == 0:
                    kept.append((before[place], grey[place], level, (t - 1, place)))
                count += 1
            while len(kept) > 2 * most:  # memory stays flat
                kept, step = kept[::2], 2 * step
        before = grey if t % EVERY == 0 else None
        seen(1)
    chosen = [kept[i] for i in np.linspace(0, len(kept) - 1, min(most, len(kept))).round().astype(int)]
    now, later = (np.array([one[i] for one in chosen]).reshape(-1, PATCH, PATCH) for i in (0, 1))
    level, places = np.array([one[2] for one in chosen]), [one[3] for one in chosen]
    return Grain(smoothed_out(now), smoothed_out(later), level, later.mean(axis=(1, 2)), places)


def joined(found: Sequence[Grain]) -> Grain:
    """The patches of several sequences."""
    residual, later, level, level_later = (np.concatenate([one[i] for one in found]) for i in range(4))
    return Grain(residual, later, level, level_later, [place for one in found for place in one.places])


def parts(found: Grain, count: int) -> list[Grain]:
    """A sequence's patches in parts, one after the other."""
    bounds = np.linspace(0, len(found.level), count + 1).round().astype(int).tolist()
    out = []
    for part in (slice(*ends) for ends in pairwise(bounds)):
        residual, later, level, level_later = (field[part] for field in found[:4])
        out.append(Grain(residual, later, level, level_later, found.places[part]))
    return out


def _asked(
    name: str, judge: Judge, real: Sequence[Grain], made: Sequence[Grain], seen: Callable[[int], object]
) -> Verdict:
    if reason := judge.absent():
        return Verdict(name, None, reason=reason)

    def fit(x: Array, y: Array) -> Callable[[Array], Array]:
        taught = judge.fit(x, y)
        seen(1)
        return taught

    told = told_apart([judge.described(one) for one in real], [judge.described(one) for one in made], fit)
    draw = Stream(0, "measure", "against").generator()
    films, clips = (draw.integers(len(group), size=(BOOTSTRAPS, len(group))) for group in told)
    low, high = np.percentile(accuracy(told, films, clips), (2.5, 97.5)).tolist()
    left_out = [float(accuracy(told, np.array([k]), np.arange(k, len(made), len(real)))) for k in range(len(real))]
    return Verdict(name, float(accuracy(told)), (low, high), tuple(left_out))
