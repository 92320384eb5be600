"""Writes a dataset: in parallel, atomically, resumable."""

import errno
import functools
import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degrade.core.errors import DatasetError
from degrade.core.lock import hold
from degrade.dataset import executors
from degrade.dataset.kinds import TRACE
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.plan import Clip
from degrade.dataset.records import ClipRecord, describe, manifest, pretty, read_json, record_hash
from degrade.dataset.sharing import hashes, shared_files
from degrade.dataset.traces import finished_record
from degrade.dataset.worker import Job, Made, Whole, Worker, fingerprint, split
from degrade.sources import Source
from degrade.spec import Spec
from degrade.storage import forget_listings, is_remote, make_folder, put, reaching, remove


@dataclass(frozen=True)
class Summary:
    """What a run made.

    Attributes:
        clips: In the dataset.
        frames: In the dataset.
        resumed: Clips that an earlier run had finished.
        fired: Number of clips that each op fired in, by label.
        mended: Clips that an earlier run had finished and that were made again, as files were missing or damaged.
    """

    clips: int
    frames: int
    resumed: int
    fired: dict[str, int]
    mended: tuple[str, ...] = ()


def generate(
    spec: Spec,
    out: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    opened: Callable[[Source], object] = lambda source: None,
    started: Callable[[list[Clip]], object] = lambda clips: None,
    finished: Callable[[Clip], object] = lambda clip: None,
    advanced: Callable[[int], object] = lambda frames: None,
) -> Summary:
    """Writes the dataset of a spec; the bytes do not depend on who does the work, nor on interruptions.

    Args:
        spec: What to make.
        out: Folder or URL for it; new or empty unless `resume`. At a URL clips are not split.
        workers: Processes, this one among them; each uses one thread. Long clips are split over them.
        scheduler: A Dask cluster that does the work in their place, see `executors.run_dask`.
        resume: Go on with what an interrupted run of the same spec has left in `out`.
        opened: Called with the footage.
        started: Called with all clips before the first is made.
        finished: Called after each clip, also for those that an earlier run had finished.
        advanced: Called with a number of frames when so many more are made, or were by an earlier run.

    Raises:
        DatasetError: `out` holds something else, or clips of footage that has changed since; cannot be reached, or
            the disk is full.
        SpecError, SourceError: See `plan`.
    """
    if workers > 1 or scheduler is not None:
        executors.end_unguarded()
    folder = DatasetFolder(out, spec)
    opened(folder.source)
    clips = folder.planned
    for clip in list(clips.values())[:1]:
        spec.dry_run(clip.info())  # what cannot be drawn is found before anything is written
    record = describe(spec)
    worker, divided = Worker(folder.absolute()), (scheduler is not None or workers > 1) and not is_remote(folder.path)
    done: Callable[[executors.Next], Iterator[Made | ClipRecord]] = functools.partial(executors.run_serial, worker)
    if scheduler is not None:
        done = functools.partial(executors.run_dask, worker, address=scheduler, count=workers)
    elif workers > 1:
        done = functools.partial(executors.run_processes, worker, count=workers)
    with _one_line_on_full_disk(folder), reaching(folder.path), _alone(folder, record, resume):
        _require_clips(folder)
        started(list(clips.values()))
        todo, rows, mended = [], [], []
        for clip in clips.values():
            if resume and (row := finished_record(folder, clip)):
                _require_footage(folder, row)
                rows.append(row)
                advanced(clip.frames)
                finished(clip)
            else:
                todo.append(clip)
                mended += [clip.id] if resume and folder.trace_path(clip).exists() else []
        resumed = len(rows)
        for row in _rows(todo, done, divided, advanced):
            rows.append(row)
            finished(clips[row.clip])
        _complete(folder, record, rows)
    fired = Counter(label for row in rows for label in row.fired.split())
    frames = sum(clip.frames for clip in clips.values())
    return Summary(len(clips), frames, resumed, dict(fired.most_common()), tuple(mended))


def _rows(
    clips: list[Clip],
    done: Callable[[executors.Next], Iterator[Made | ClipRecord]],
    divided: bool,
    advanced: Callable[[int], object],
) -> Iterator[ClipRecord]:
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
            advanced(0 if made.pop(result.clip, ()) else result.frames)
            yield result


@contextmanager
def _alone(folder: DatasetFolder, record: dict[str, Any], resume: bool) -> Iterator[None]:
    """Begins or resumes the dataset, and keeps other runs out of its folder, if that can be locked: a URL cannot."""
    found = folder.path.exists()
    if not folder.unfinished.exists():
        _begun(folder, resume)  # nothing is made in a folder that holds something else
    with nullcontext() if is_remote(folder.path) else hold(folder.lock_path, folder.path):
        try:
            _claim(folder, record, resume)
            with _nothing_left_of_nothing(folder, found):
                yield
        finally:
            if not folder.begun_path.exists():
                remove(folder.unfinished)  # which holds the lock alone


@contextmanager
def _nothing_left_of_nothing(folder: DatasetFolder, found: bool) -> Iterator[None]:
    """Removes what was begun if the run ends before its first clip is whole; also the folder, if it was not found."""
    try:
        yield
    except BaseException:
        if not folder.record_path.exists() and not _finished(folder):
            for begun in (*map(folder.split_path, folder.spec.splits), folder.unfinished):
                remove(begun)
            if not found and not any(folder.path.iterdir()):
                folder.path.rmdir()
        raise


def _finished(folder: DatasetFolder) -> set[Path]:
    """The traces in the folder, whether the footage still gives their clips or not."""
    found = {path for split in folder.spec.splits for path in (folder.split_path(split) / TRACE).glob("[!.]*.json")}
    forget_listings(folder.path)  # what other processes write is to be seen
    return found


def _begun(folder: DatasetFolder, resume: bool) -> Path | None:
    """The record of what an earlier run has left, if any.

    Raises:
        DatasetError: The folder holds something else, or what is not to be resumed.
    """
    out = folder.path
    if out.is_file():
        raise DatasetError(f"{out}: is a file; name a new or empty folder")
    if mark := next((path for path in (folder.record_path, folder.begun_path) if path.exists()), None):
        if not resume:
            state = "a dataset" if mark == folder.record_path else "an unfinished dataset"
            raise DatasetError(f"{out} holds {state}; go on with --resume, or name another folder")
        return mark
    others = [path.name for path in out.iterdir() if path != folder.unfinished] if out.is_dir() else []
    if others:
        raise DatasetError(f"{out} holds something else ({others[0]}); name a new or empty folder")
    return None


def _claim(folder: DatasetFolder, now: dict[str, Any], resume: bool) -> None:
    """Begins the dataset, or makes sure that the one in the folder is the same."""
    mark = _begun(folder, resume)
    if not mark:
        make_folder(folder.unfinished)
        put(pretty(now), folder.begun_path)
        return
    try:
        begun = dict(read_json(mark))
    except (DatasetError, TypeError, ValueError):
        raise DatasetError(f"{mark}: damaged; delete {folder.path}, or name another folder") from None
    for key in ("spec", "files_sha256", "versions"):
        change = _first_difference(begun.get(key), now[key], key)
        if change:
            raise DatasetError(
                f"{folder.path} was begun with another spec: {change}; resume with the same or name another folder"
            )


def _require_clips(folder: DatasetFolder) -> None:
    """Makes sure that the footage still gives all clips that are finished."""
    planned = {folder.trace_path(clip) for clip in folder.planned.values()}
    if strange := sorted(_finished(folder) - planned):
        raise DatasetError(
            f"{folder.path}: the footage no longer gives clip {strange[0].stem!r}, which is finished "
            f"({len(strange)} such); bring the footage back, its sequences named as before, or name another folder"
        )


def _require_footage(folder: DatasetFolder, row: ClipRecord) -> None:
    """Makes sure that the footage of a finished clip is still what the clip was made of."""
    if fingerprint(folder.source, row.sequence) != row.source_sha256:
        raise DatasetError(
            f"{folder.path}: sequence {row.sequence!r} has changed since clip {row.id!r} was made of it; "
            "bring the footage back or name another folder"
        )


def _first_difference(old: Any, new: Any, where: str) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            found = _first_difference(old.get(key), new.get(key), f"{where}.{key}")
            if found:
                return found
        return ""
    return "" if old == new else f"{where} was {old!r:.60}, is {new!r:.60}"


def _complete(folder: DatasetFolder, described: dict[str, Any], rows: list[ClipRecord]) -> None:
    table = manifest(rows)
    shared = shared_files(folder, described, rows)
    record = {
        **described,
        "manifest_sha256": hashlib.sha256(table).hexdigest(),
        "shared_sha256": hashes(folder, shared),
    }
    record["record_sha256"] = record_hash(record)
    for path, data in shared.items():
        put(data, path)
    put(table, folder.manifest_path)
    put(pretty(record), folder.record_path)
    remove(folder.unfinished)


@contextmanager
def _one_line_on_full_disk(folder: DatasetFolder) -> Iterator[None]:
    try:
        yield
    except (OSError, DatasetError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError) or cause.errno != errno.ENOSPC:
            raise
        raise DatasetError(
            f"{folder.path}: no space left on the disk; finished clips are kept, go on with --resume"
        ) from error
