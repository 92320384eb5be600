"""Checks a dataset: every byte against its record, and a sample of clips against what renders again."""

import hashlib
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from degrade.core.errors import DegradeError, SourceError
from degrade.core.types import Masks
from degrade.dataset.kinds import MASK, TRACE, encode, is_mask, parse_member
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.plan import Clip
from degrade.dataset.records import ClipRecord, file_hash, joint_hash, pretty, record_hash, versions
from degrade.sources import Source
from degrade.sources.shards import contents
from degrade.spec import canonical, parse
from degrade.storage import reaching
from degrade.writers import shard

NAMED = 1000
"""Missing frames of a clip that are named one by one."""


def verify(
    out: str | Path,
    *,
    rerender: int = 0,
    source: str | None = None,
    opened: Callable[[Source], object] = lambda source: None,
    started: Callable[[int], object] = lambda clips: None,
    checked: Callable[[str], object] = lambda clip: None,
) -> list[str]:
    """All that is wrong with a dataset, a line each; nothing if it is as it was written.

    Args:
        out: The dataset's folder or URL.
        rerender: So many clips are drawn and rendered again from their source and compared pixel by pixel.
        source: Where the footage is now, if not where the spec says.
        opened: Called with the footage, if clips are rendered again.
        started: Called with the number of clips.
        checked: Called with each clip's id after its files were checked.

    Raises:
        DatasetError: `out` holds no finished dataset, or cannot be reached.
        SourceError: The footage that `rerender` needs is not there.
    """
    folder = DatasetFolder(out, source=source)
    with reaching(folder.path):
        record, name = folder.record(), folder.record_path.name
        try:
            folder.spec = parse(record["spec"])
        except (DegradeError, LookupError, TypeError, ValueError, RecursionError) as error:
            return [f"{name}: the spec was changed: {error}"]
        problems = []
        if folder.spec.digest() != record.get("spec_sha256"):
            problems.append(f"{name}: the spec was changed after the dataset was written")
        elif record_hash(record) != record.get("record_sha256") or folder.record_path.read_bytes() != pretty(record):
            problems.append(f"{name}: changed")
        table = folder.manifest_path.read_bytes() if folder.manifest_path.exists() else b""
        if hashlib.sha256(table).hexdigest() != record.get("manifest_sha256"):
            return [*problems, f"{folder.manifest_path.name}: missing or changed"]
        rows = list(folder.clips.values())
        started(len(rows))
        expected, found = _check_shared(folder, record)
        problems += found
        for row in rows:
            files, found = (_check_shard if folder.in_shards else _check_clip)(folder, row)
            expected |= files
            problems += found
            checked(row.id)
        problems += [
            f"{folder.relative(path)}: not part of the dataset"
            for path in sorted(folder.path.rglob("*"))
            if path.is_file() and path not in expected
        ]
        if rerender and not problems:
            opened(folder.source)
            problems = _rerender(folder, rows, rerender)
            if problems and (others := _other_versions(folder, record)):
                problems.append(others)
        return problems


def _check_shared(folder: DatasetFolder, record: dict[str, Any]) -> tuple[set[Path], list[str]]:
    """The files that belong to no clip, and what is wrong with those that other tools read."""
    splits = folder.spec.splits
    known = {folder.card_path, folder.sheet_path, *map(folder.list_path, splits), *map(folder.table_path, splits)}
    told = record.get("shared_sha256")
    files, problems = {folder.record_path, folder.manifest_path}, []
    for path in sorted(known):
        where = folder.relative(path)
        digest = told.get(where) if isinstance(told, dict) else None
        if digest is None:
            continue
        files.add(path)
        if not path.is_file():
            problems.append(f"{where}: missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            problems.append(f"{where}: differs from what was written")
    return files, problems


def _check_clip(folder: DatasetFolder, row: ClipRecord) -> tuple[set[Path], list[str]]:
    """The clip's files, and what is wrong with them."""
    groups = {kind: [folder.frames_path(kind, row)] for kind in folder.kinds}
    groups |= {MASK: folder.mask_paths(row), TRACE: [folder.trace_path(row)]}
    files, problems = set(), []
    for kind, paths in groups.items():
        for path in paths:
            where = folder.relative(path)
            if not path.exists():
                problems.append(f"{where}: missing")
                continue
            inside = {file for file in path.rglob("*") if file.is_file()} if path.is_dir() else {path}
            files |= inside
            if path.is_dir():
                if row.frames > len(inside) + NAMED:
                    problems.append(f"{where}: {len(inside)} frames, where the manifest says {row.frames}")
                    continue
                frames = {path / folder.frame_name(t) for t in range(row.frames)}
                problems += [f"{where}/{file.name}: missing" for file in sorted(frames - inside)]
                problems += [f"{where}/{file.name}: not part of the dataset" for file in sorted(inside - frames)]
        if paths and all(path.exists() for path in paths) and file_hash(*paths) != row.sha256(kind):
            shown = folder.relative(paths[0])
            if len(paths) > 1:  # of which there is one hash
                kinds = ",".join(path.parent.name for path in paths)
                shown = f"{row.split}/{{{kinds}}}/{paths[0].name}"
            problems.append(f"{shown}: differs from what was written (its SHA-256 is not the manifest's)")
    return files, problems


def _check_shard(folder: DatasetFolder, row: ClipRecord) -> tuple[set[Path], list[str]]:
    """The same for a clip in a shard: its frames have the hashes that they have as files of a folder."""
    path, trace = folder.shard_path(row), folder.trace_path(row)
    problems = [f"{folder.relative(file)}: missing" for file in (path, trace) if not file.exists()]
    if problems:
        return {path, trace}, problems
    try:
        members = list(contents(path))
    except SourceError as error:
        return {path, trace}, [str(error)]
    hashes: dict[str, dict[str, bytes]] = {}
    for member, data in members:
        kind, name = parse_member(member)
        hashes.setdefault(kind, {})[name] = hashlib.sha256(data).digest()
    found = {kind: [hashes.get(kind, {})] for kind in folder.kinds}
    found[MASK] = [hashes[kind] for kind in sorted(hashes) if is_mask(kind)]
    again = io.BytesIO()
    shard.write(members, again)
    differs = any(row.sha256(kind) != joint_hash(*frames) for kind, frames in found.items())
    if differs or again.getvalue() != path.read_bytes():
        problems.append(f"{folder.relative(path)}: differs from what was written")
    if file_hash(trace) != row.trace_sha256:
        problems.append(f"{folder.relative(trace)}: differs from what was written")
    return {path, trace}, problems


def _rerender(folder: DatasetFolder, rows: list[ClipRecord], count: int) -> list[str]:
    problems = []
    for row in random.Random(folder.spec.seed).sample(rows, min(count, len(rows))):
        planned = folder.planned.get(row.id)
        if not planned or not planned.model_dump(exclude={"id", "aspect"}).items() <= vars(row).items():
            problems.append(f"{row.id}: the source no longer gives this clip")
        elif folder.source.fingerprint(planned.sequence) != row.source_sha256:
            problems.append(f"{row.id}: its footage is not that from which it was made")
        else:
            problems += _compare(folder, planned)
    return problems


def _other_versions(folder: DatasetFolder, record: dict[str, Any]) -> str:
    """Which packages differ from those that made the dataset; they may render differently."""
    made, here = record.get("versions"), versions() | folder.spec.versions()
    if not isinstance(made, dict):
        return ""
    names = sorted(name for name in {*made, *here} if made.get(name) != here.get(name))
    return ", ".join(f"{name} was {made.get(name, 'absent')} and is {here.get(name, 'absent')}" for name in names)


def _compare(folder: DatasetFolder, clip: Clip) -> list[str]:
    """Draws the clip again, then renders it from its trace, and names the first frame that differs."""
    damage, trace = folder.spec.damage(), folder.trace(clip.id)
    drawn = damage.trace(clip.info(), damage.draw(clip.info(), folder.spec.seed))
    if canonical(drawn.to_json()) != canonical(trace.to_json()):
        return [f"{clip.id}: drawing again gives another trace"]
    written = {kind: folder.reader(kind, clip.id) for kind in folder.kinds}
    start = 0
    masks: Masks = "union" if MASK in written else "none"
    for pair in folder.rerender(clip.id):
        stop = start + len(pair.target)
        for kind, again in encode(pair, masks, folder.spec.output.depth):
            differs = (written[kind](start, stop) != again).any(axis=(1, 2, 3))
            if differs.any():
                frame = start + int(differs.argmax())
                return [f"{clip.split}/{kind}/{clip.id}: frame {frame} renders differently"]
        start = stop
    return []
