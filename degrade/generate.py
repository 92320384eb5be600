"""Writes a dataset: in parallel, atomically, resumable."""

import errno
import functools
import hashlib
import importlib.metadata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from degrade import crew
from degrade.core.errors import DatasetError
from degrade.dataset import Clip, file_hash, manifest, plan, pretty, read_json
from degrade.make import WORK, Job, Made, Maker, Row, Whole, split
from degrade.sources import open_source
from degrade.spec import Spec, canonical
from degrade.storage import is_remote, make_folder, put, reaching, remove


@dataclass(frozen=True)
class Summary:
    """What a run made.

    Attributes:
        clips: In the dataset.
        frames: In the dataset.
        resumed: Clips that an earlier run had finished.
        fired: Number of clips that each op fired in, by label.
    """

    clips: int
    frames: int
    resumed: int
    fired: dict[str, int]


def generate(
    spec: Spec,
    out: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    started: Callable[[list[Clip]], object] = lambda clips: None,
    finished: Callable[[Clip], object] = lambda clip: None,
    advanced: Callable[[int], object] = lambda frames: None,
) -> Summary:
    """Writes the dataset of a spec; the bytes do not depend on who does the work, nor on interruptions.

    Args:
        spec: What to make.
        out: Folder for it, see `storage.locate`; new or empty unless `resume`. At a URL clips are not split.
        workers: Processes, this one among them; each uses one thread. Long clips are split over them.
        scheduler: A Dask cluster that does the work in their place, see `crew.cluster`.
        resume: Go on with what an interrupted run of the same spec has left in `out`.
        started: Called with all clips before the first is made.
        finished: Called after each clip, also for those that an earlier run had finished.
        advanced: Called with a number of frames when so many more are made, or were by an earlier run.

    Raises:
        DatasetError: `out` holds something else, cannot be reached, or the disk is full.
        SpecError, SourceError: See `plan`.
    """
    source = open_source(spec.source)
    clips = plan(spec, source)
    for clip in clips[:1]:
        spec.rehearse(clip.info())  # what cannot be drawn is found before anything is written
    described = record(spec)
    with reaching(out):
        _claim(out, described, resume)
        started(clips)
        todo, rows = [], []
        for clip in clips:
            if _trace_path(out, clip).exists():
                rows.append(_row(out, clip))
                advanced(clip.frames)
                finished(clip)
            else:
                todo.append(clip)
    resumed, named = len(rows), {clip.id: clip for clip in todo}
    maker = Maker(spec, source, out if is_remote(out) else out.absolute())
    divided = (scheduler is not None or workers > 1) and not is_remote(out)
    done: Callable[[crew.Next], Iterator[Made | Row]] = functools.partial(crew.here, maker)
    if scheduler is not None:
        done = functools.partial(crew.cluster, maker, address=scheduler, count=workers)
    elif workers > 1:
        done = functools.partial(crew.processes, maker, count=workers)
    with _one_line_on_full_disk(out), reaching(out), _nothing_left_of_nothing(out, spec.splits):
        for row in _rows(todo, done, divided, advanced):
            rows.append(row)
            finished(named[row["clip"]])
        _complete(out, described, rows)
    fired = Counter(label for row in rows for label in row["fired"].split())
    return Summary(len(clips), sum(clip.frames for clip in clips), resumed, dict(fired.most_common()))


def _rows(
    clips: list[Clip],
    done: Callable[[crew.Next], Iterator[Made | Row]],
    divided: bool,
    advanced: Callable[[int], object],
) -> Iterator[Row]:
    """Has all clips made, the long ones in parts if `divided`, and yields the row of each."""
    waiting = iter(clips)
    ready: deque[Job] = deque()
    made: dict[str, list[Made]] = {}

    def take() -> Job | None:
        if not ready and (clip := next(waiting, None)):
            parts = split(clip) if divided else []
            ready.extend(parts if len(parts) > 1 else [Whole(clip)])
        return ready.popleft() if ready else None

    for result in done(take):
        if isinstance(result, Made):
            part, clip = result.part, result.part.clip
            advanced(part.stop - part.start)
            parts = made.setdefault(clip.id, [])
            parts.append(result)
            if sum(one.part.stop - one.part.start for one in parts) == clip.frames:
                ready.appendleft(Whole(clip, tuple(parts)))
        else:
            advanced(0 if made.pop(result["clip"], ()) else result["frames"])
            yield result


def _trace_path(out: Path, clip: Clip) -> Path:
    return out / clip.split / "trace" / f"{clip.id}.json"


def _row(out: Path, clip: Clip) -> Row:
    path = _trace_path(out, clip)
    return {**read_json(path)["row"], "trace_sha256": file_hash(path)}


def record(spec: Spec) -> dict[str, Any]:
    """What ``dataset.json`` says of how the dataset was made."""
    return {
        "name": spec.name,
        "seed": spec.seed,
        "spec": spec.resolved(),
        "spec_sha256": spec.digest(),
        "files_sha256": spec.damage().files(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of the packages that pixels and files come from."""
    own = importlib.metadata.version("film-degrade")
    return {"film-degrade": own, "numpy": np.__version__, "opencv": cv2.__version__, "av": av.__version__}


def record_hash(whole: dict[str, Any]) -> str:
    """SHA-256 of all that ``dataset.json`` says but this hash."""
    content = {key: value for key, value in whole.items() if key != "record_sha256"}
    return hashlib.sha256(canonical(content)).hexdigest()


def _claim(out: Path, now: dict[str, Any], resume: bool) -> None:
    """Makes sure that `out` is free, or holds the same dataset begun earlier."""
    marks = [path for path in (out / WORK / "spec.json", out / "dataset.json") if path.exists()]
    if not marks:
        if out.is_dir() and any(out.iterdir()):
            raise DatasetError(f"{out} holds something else ({next(out.iterdir()).name}); name a new or empty folder")
        make_folder(out / WORK)
        (out / WORK / "spec.json").write_bytes(pretty(now))
        return
    if not resume:
        state = "a dataset" if marks[-1].name == "dataset.json" else "an unfinished dataset"
        raise DatasetError(f"{out} holds {state}; go on with --resume, or name another folder")
    begun = read_json(marks[0])
    for key in ("spec", "files_sha256", "versions"):
        change = _first_difference(begun.get(key), now[key], key)
        if change:
            raise DatasetError(
                f"{out} was begun with another spec: {change}; resume with the same or name another folder"
            )


def _first_difference(old: Any, new: Any, where: str) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            found = _first_difference(old.get(key), new.get(key), f"{where}.{key}")
            if found:
                return found
        return ""
    return "" if old == new else f"{where} was {old!r:.60}, is {new!r:.60}"


def _complete(out: Path, described: dict[str, Any], rows: list[Row]) -> None:
    table = manifest(rows)
    whole = {**described, "manifest_sha256": hashlib.sha256(table).hexdigest()}
    whole["record_sha256"] = record_hash(whole)
    put(table, out / "manifest.csv")
    put(pretty(whole), out / "dataset.json")
    remove(out / WORK)


@contextmanager
def _nothing_left_of_nothing(out: Path, splits: Iterable[str]) -> Iterator[None]:
    """Removes what was begun in `out` if the run ends before its first clip is whole."""
    try:
        yield
    except BaseException:
        if not any(out.glob("*/trace/*.json")):
            for begun in (*splits, WORK):
                remove(out / begun)
            if not any(out.iterdir()):
                out.rmdir()
        raise


@contextmanager
def _one_line_on_full_disk(out: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, DatasetError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError) or cause.errno != errno.ENOSPC:
            raise
        raise DatasetError(f"{out}: no space left on the disk; finished clips are kept, go on with --resume") from error
