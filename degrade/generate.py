"""Writes a dataset: in parallel, clip by clip, atomically, resumable."""

import errno
import functools
import hashlib
import importlib.metadata
import itertools
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from degrade.core.errors import DatasetError
from degrade.core.types import Array, to_uint8
from degrade.dataset import (
    Clip,
    file_hash,
    manifest,
    mask_to_uint8,
    pairs,
    plan,
    pretty,
    read_json,
    remove,
    suffix,
)  # fmt: skip
from degrade.pipeline import trace_of
from degrade.sources import Source, open_source
from degrade.spec import Spec, canonical
from degrade.writers import open_writer

WORK = ".generating"
"""Folder inside the output that holds what is not finished; gone when the dataset is complete."""


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
    resume: bool = False,
    started: Callable[[list[Clip]], object] = lambda clips: None,
    finished: Callable[[Clip], object] = lambda clip: None,
) -> Summary:
    """Writes the dataset of a spec; the bytes do not depend on `workers`, nor on interruptions.

    Args:
        spec: What to make.
        out: Folder for it; new or empty unless `resume`.
        workers: Processes; each uses one thread.
        resume: Go on with what an interrupted run of the same spec has left in `out`.
        started: Called with all clips before the first is made.
        finished: Called after each clip, also for those that an earlier run had finished.

    Raises:
        DatasetError: `out` holds something else, or the disk is full.
        SpecError, SourceError: See `plan`.
    """
    source = open_source(spec.source)
    clips = plan(spec, source)
    described = record(spec)
    _claim(out, described, resume)
    started(clips)
    todo, rows = [], []
    for clip in clips:
        if _trace_path(out, clip).exists():
            rows.append(_row(out, clip))
            finished(clip)
        else:
            todo.append(clip)
    resumed = len(rows)
    with _one_line_on_full_disk(out), _nothing_left_of_nothing(out, rows):
        for clip in _each(todo, functools.partial(make_clip, spec, source, out), workers):
            rows.append(_row(out, clip))
            finished(clip)
        _complete(out, described, rows)
    fired = Counter(label for row in rows for label in row["fired"].split())
    return Summary(len(clips), sum(clip.frames for clip in clips), resumed, dict(fired.most_common()))


def make_clip(spec: Spec, source: Source, out: Path, clip: Clip) -> Clip:
    """Makes one clip beside the dataset, then moves it in; its trace, moved last, marks it complete."""
    work = out / WORK / clip.id
    remove(work)
    params = spec.damage().draw(clip.info(), spec.seed)
    with _one_thread():
        _write(spec, source, clip, params, work)
    trace = trace_of(clip.info(), params)
    end = suffix(spec)
    masks = sorted(work.glob("mask*"), key=lambda path: path.name.removesuffix(end))
    row = {
        **clip.model_dump(exclude={"id", "fps"}),
        "clip": clip.id,
        "fired": " ".join(trace.fired()),
        "source_sha256": _fingerprint(source, clip.sequence),
        "lq_sha256": file_hash(work / f"lq{end}"),
        "gt_sha256": file_hash(work / f"gt{end}"),
        "mask_sha256": file_hash(*masks),
    }
    (work / "trace.json").write_bytes(canonical({"row": row, "trace": trace.to_json()}) + b"\n")
    for path in sorted(work.iterdir(), key=lambda path: path.name == "trace.json"):
        kind, _, extension = path.name.rpartition(".") if path.is_file() else (path.name, "", "")
        place = out / clip.split / kind / (f"{clip.id}.{extension}" if extension else clip.id)
        place.parent.mkdir(parents=True, exist_ok=True)
        remove(place)
        os.replace(path, place)
    work.rmdir()
    return clip


@functools.lru_cache(maxsize=64)
def _fingerprint(source: Source, sequence: str) -> str:
    """Hashed once for all clips that are cut from the sequence."""
    return source.fingerprint(sequence)


def _write(spec: Spec, source: Source, clip: Clip, params: Any, work: Path) -> None:
    with ExitStack() as stack:
        writers: dict[str, Any] = {}

        def write(kind: str, frames: Array) -> None:
            if kind not in writers:
                writers[kind] = stack.enter_context(open_writer(work / f"{kind}{suffix(spec)}", fps=clip.fps))
            for frame in frames:
                writers[kind].write(frame)

        for layer, target, mask in pairs(clip, spec, source, params):
            write("lq", to_uint8(layer.frames))
            write("gt", to_uint8(target))
            if spec.output.masks != "none":
                write("mask", mask_to_uint8(mask))
            if spec.output.masks == "layers":
                for label, alpha in layer.masks.items():
                    write(f"mask.{label.replace('/', '.')}", mask_to_uint8(alpha))


def _trace_path(out: Path, clip: Clip) -> Path:
    return out / clip.split / "trace" / f"{clip.id}.json"


def _row(out: Path, clip: Clip) -> dict[str, Any]:
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
        (out / WORK).mkdir(parents=True, exist_ok=True)
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


def _complete(out: Path, described: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    work = out / WORK
    work.mkdir(exist_ok=True)
    table = manifest(rows)
    (work / "manifest.csv").write_bytes(table)
    whole = {**described, "manifest_sha256": hashlib.sha256(table).hexdigest()}
    whole["record_sha256"] = record_hash(whole)
    (work / "dataset.json").write_bytes(pretty(whole))
    os.replace(work / "manifest.csv", out / "manifest.csv")
    os.replace(work / "dataset.json", out / "dataset.json")
    remove(work)


def _each(clips: list[Clip], make: Callable[[Clip], Clip], workers: int) -> Iterator[Clip]:
    """Makes all clips, in this process or in several, and yields each when it is done."""
    if workers == 1:
        yield from map(make, clips)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(make,)) as pool:
        waiting = iter(clips)
        running: set[Future[Clip]] = set()
        try:
            while True:
                for clip in itertools.islice(waiting, 2 * workers - len(running)):
                    with _interrupt_held():  # a worker that is started here starts with Ctrl-C held back
                        running.add(pool.submit(_work, clip))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise DatasetError("a worker process died, perhaps for want of memory; go on with --resume") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_make: Callable[[Clip], Clip]


def _start_worker(make: Callable[[Clip], Clip]) -> None:
    global _make
    _make = make
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which lets each clip finish
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this worker when its parent is killed, so that it never writes beside a resumed run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(clip: Clip) -> Clip:
    return _make(clip)


@contextmanager
def _interrupt_held() -> Iterator[None]:
    """Delivers Ctrl-C only afterwards; processes started meanwhile never get it. POSIX only."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


@contextmanager
def _nothing_left_of_nothing(out: Path, rows: list[dict[str, Any]]) -> Iterator[None]:
    """Removes what was begun in `out` if the run ends before its first clip is whole."""
    try:
        yield
    except BaseException:
        if not rows:
            remove(out / WORK)
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
