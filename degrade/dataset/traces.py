"""A clip's trace: written last, it says that the clip is finished."""

from pathlib import Path
from typing import Any

from degrade.core.errors import DegradeError
from degrade.dataset.kinds import DAMAGED, TARGET, TRACE
from degrade.dataset.layout import DatasetFolder
from degrade.dataset.plan import Clip
from degrade.dataset.records import ClipRecord, file_hash, read_json, stream_json


def write_trace(folder: DatasetFolder, piece: Path, clip: Clip, row: dict[str, Any], params: Any) -> ClipRecord:
    """Writes the trace of a clip that is otherwise finished into the folder `piece`, and completes its row."""
    path = folder.file_in(piece, TRACE)
    pipeline = [op.to_spec() for op in folder.spec.damage().ops]
    drawn = {"clip": clip.info().model_dump(), "pipeline": pipeline, "steps": params.steps}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(stream_json({"row": row, "trace": drawn}))
        file.write("\n")
    return ClipRecord(**row, trace_sha256=file_hash(path))


def finished_record(folder: DatasetFolder, clip: Clip) -> ClipRecord | None:
    """The clip's row of the manifest, if it is finished: its trace is whole, and no file is missing."""
    path = folder.trace_path(clip)
    if not path.exists():
        return None
    try:
        record = ClipRecord(**read_json(path)["row"], trace_sha256=file_hash(path))
    except (DegradeError, KeyError, TypeError):
        return None
    if not clip.model_dump(exclude={"id", "aspect"}).items() <= vars(record).items() or record.id != clip.id:
        return None
    return record if _is_there(folder, record) else None


def _is_there(folder: DatasetFolder, clip: ClipRecord) -> bool:
    """Whether no file of a clip is missing; what is in them is for `verify`."""
    if folder.in_shards:
        return folder.shard_path(clip).exists()
    frames = {folder.frame_name(t) for t in range(clip.frames)}
    return all(
        path.exists() and (not path.is_dir() or frames <= {file.name for file in path.iterdir()})
        for path in (folder.frames_path(DAMAGED, clip), folder.frames_path(TARGET, clip), *folder.mask_paths(clip))
    )
