"""Checks a dataset: every byte against its record, and a sample of clips against what renders again."""

import functools
import glob
import hashlib
import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from degrade.core.composition import Composition
from degrade.core.errors import DatasetError, DegradeError, SourceError
from degrade.core.op import Contaminant
from degrade.core.types import Trace, to_uint8
from degrade.dataset import Clip, file_hash, joint_hash, manifest_rows, mask_to_uint8, pairs, plan, read_json, suffix
from degrade.generate import record_hash
from degrade.make import WORK
from degrade.sources import Source, open_source
from degrade.sources.shards import read_frames
from degrade.spec import Spec, canonical, parse
from degrade.storage import reaching
from degrade.writers.shard import kind_of
from degrade.writers.shard import read as read_shard
from degrade.writers.shard import write as write_shard


def verify(
    out: Path,
    *,
    rerender: int = 0,
    source: str | None = None,
    started: Callable[[int], object] = lambda clips: None,
    checked: Callable[[str], object] = lambda clip: None,
) -> list[str]:
    """All that is wrong with a dataset, a line each; nothing if it is as it was written.

    Args:
        out: The dataset's folder.
        rerender: So many clips are drawn and rendered again from their source and compared pixel by pixel.
        source: Where the footage is now, if not where the spec says.
        started: Called with the number of clips.
        checked: Called with each clip's id after its files were checked.

    Raises:
        DatasetError: `out` holds no finished dataset, or cannot be reached.
        SourceError: The footage that `rerender` needs is not there.
    """
    with reaching(out):
        if not (out / "dataset.json").exists():
            state = "an unfinished dataset; go on with --resume" if (out / WORK).exists() else "no dataset"
            raise DatasetError(f"{out} holds {state}")
        record = read_json(out / "dataset.json")
        try:
            spec = parse(record["spec"])
        except (DegradeError, KeyError, TypeError) as error:
            return [f"dataset.json: the spec was changed: {error}"]
        problems = []
        if spec.digest() != record.get("spec_sha256"):
            problems.append("dataset.json: the spec was changed after the dataset was written")
        elif record_hash(record) != record.get("record_sha256"):
            problems.append("dataset.json: changed")
        table = (out / "manifest.csv").read_bytes() if (out / "manifest.csv").exists() else b""
        if hashlib.sha256(table).hexdigest() != record.get("manifest_sha256"):
            return [*problems, "manifest.csv: missing or changed"]
        rows = manifest_rows(table)
        started(len(rows))
        expected = {out / "dataset.json", out / "manifest.csv"}
        for row in rows:
            check = _check_shard if spec.output.frames == "webdataset" else _check_clip
            files, found = check(out, row, spec)
            expected |= files
            problems += found
            checked(row["clip"])
        problems += [
            f"{path.relative_to(out).as_posix()}: not part of the dataset"
            for path in sorted(out.rglob("*"))
            if path.is_file() and path not in expected
        ]
        if rerender and not problems:
            problems += _rerender(out, rows, spec.model_copy(update={"source": source or spec.source}), rerender)
        return problems


def _check_clip(out: Path, row: dict[str, str], spec: Spec) -> tuple[set[Path], list[str]]:
    """The clip's files, and what is wrong with them."""
    split, end = out / row["split"], suffix(spec)
    trace = split / "trace" / f"{row['clip']}.json"
    groups = {
        **{kind: [split / kind / f"{row['clip']}{end}"] for kind in ("lq", "gt")},
        "mask": _masks(split, f"{row['clip']}{end}", spec, row["fired"].split()),
        "trace": [trace],
    }
    files, problems = set(), []
    for kind, paths in groups.items():
        for path in paths:
            where = path.relative_to(out).as_posix()
            if not path.exists():
                problems.append(f"{where}: missing")
                continue
            inside = {file for file in path.rglob("*") if file.is_file()} if path.is_dir() else {path}
            files |= inside
            if path.is_dir():
                frames = {path / f"{t:05d}.png" for t in range(int(row["frames"]))}
                problems += [f"{where}/{file.name}: missing" for file in sorted(frames - inside)]
                problems += [f"{where}/{file.name}: not part of the dataset" for file in sorted(inside - frames)]
        if paths and all(path.exists() for path in paths) and file_hash(*paths) != row[f"{kind}_sha256"]:
            shown = paths[0].relative_to(out).as_posix()
            if len(paths) > 1:  # of which there is one hash
                kinds = ",".join(path.parent.name for path in paths)
                shown = f"{row['split']}/{{{kinds}}}/{paths[0].name}"
            problems.append(f"{shown}: differs from what was written (its SHA-256 is not the manifest's)")
    return files, problems


def _masks(split: Path, name: str, spec: Spec, fired: list[str]) -> list[Path]:
    """Where a clip's masks must be, and where other layers are, of ops that leave some though no `Contaminant`."""
    if spec.output.masks == "none":
        return []
    masks = {split / "mask" / name}
    if spec.output.masks == "layers":
        layers = [label.replace("/", ".") for label in _contaminants(spec.damage()) if label in fired]
        masks |= {split / f"mask.{layer}" / name for layer in layers}
        masks |= set(split.glob(f"mask.*/{glob.escape(name)}"))
    return sorted(masks, key=lambda path: path.parent.name)


def _contaminants(ops: Composition, outer: str = "") -> Iterator[str]:
    """Labels of all ops that leave a mask, whether they fire or not."""
    for label, op in ops.labelled():
        if isinstance(op, Contaminant):
            yield f"{outer}{label}"
        elif isinstance(op, Composition):
            yield from _contaminants(op, f"{outer}{label}/")


def _check_shard(out: Path, row: dict[str, str], spec: Spec) -> tuple[set[Path], list[str]]:
    """The same for a clip in a shard: its frames have the hashes that they have as files of a folder."""
    split = out / row["split"]
    shard, trace = (split / place for place in (f"shards/{row['clip']}.tar", f"trace/{row['clip']}.json"))
    problems = [f"{path.relative_to(out).as_posix()}: missing" for path in (shard, trace) if not path.exists()]
    if problems:
        return {shard, trace}, problems
    try:
        members = list(read_shard(shard))
    except SourceError as error:
        return {shard, trace}, [str(error)]
    hashes: dict[str, dict[str, bytes]] = {}
    for name, data in members:
        stem = name.rpartition("/")[2].partition(".")[0]
        hashes.setdefault(kind_of(name), {})[f"{stem}.png"] = hashlib.sha256(data).digest()
    masks = [hashes[kind] for kind in sorted(hashes) if kind.startswith("mask")]
    found = {
        "lq_sha256": joint_hash(hashes.get("lq", {})),
        "gt_sha256": joint_hash(hashes.get("gt", {})),
        "mask_sha256": joint_hash(*masks),
    }
    again = io.BytesIO()
    write_shard(members, again)
    if any(row[key] != value for key, value in found.items()) or again.getvalue() != shard.read_bytes():
        problems.append(f"{shard.relative_to(out).as_posix()}: differs from what was written")
    if file_hash(trace) != row["trace_sha256"]:
        problems.append(f"{trace.relative_to(out).as_posix()}: differs from what was written")
    return {shard, trace}, problems


def _rerender(out: Path, rows: list[dict[str, str]], spec: Spec, count: int) -> list[str]:
    source = open_source(spec.source)
    clips = {clip.id: clip for clip in plan(spec, source)}
    problems = []
    for row in random.Random(spec.seed).sample(rows, min(count, len(rows))):
        if row["clip"] not in clips:
            problems.append(f"{row['clip']}: the source no longer gives this clip")
        elif source.fingerprint(clips[row["clip"]].sequence) != row["source_sha256"]:
            problems.append(f"{row['clip']}: its footage is not that from which it was made")
        else:
            problems += _compare(out, clips[row["clip"]], spec, source)
    return problems


def _compare(out: Path, clip: Clip, spec: Spec, source: Source) -> list[str]:
    """Draws the clip again, then renders it from its trace, and names the first frame that differs."""
    damage, end = spec.damage(), suffix(spec)
    trace = Trace.read(out / clip.split / "trace" / f"{clip.id}.json")
    drawn = damage.trace(clip.info(), damage.draw(clip.info(), spec.seed))
    if canonical(drawn.to_json()) != canonical(trace.to_json()):
        return [f"{clip.id}: drawing again gives another trace"]
    written = {}
    for kind in ("lq", "gt") if spec.output.masks == "none" else ("lq", "gt", "mask"):
        if spec.output.frames == "webdataset":
            written[kind] = functools.partial(read_frames, out / clip.split / "shards" / f"{clip.id}.tar", kind)
        elif (out / clip.split / kind).exists():
            folder = open_source(str(out / clip.split / kind / f"{clip.id}{end}"))
            written[kind] = functools.partial(folder.read, folder.sequences()[0])
    start = 0
    for layer, target, mask in pairs(clip, spec, source, damage.load_params({"steps": trace.steps})):
        again = {"lq": to_uint8(layer.frames), "gt": to_uint8(target), "mask": mask_to_uint8(mask)}
        for kind, read in written.items():
            frames = read(start, start + len(target))[..., : again[kind].shape[-1]]
            differs = (frames != again[kind]).any(axis=(1, 2, 3))
            if differs.any():
                frame = start + int(differs.argmax())
                return [f"{clip.split}/{kind}/{clip.id}: frame {frame} renders differently"]
        start += len(target)
    return []
