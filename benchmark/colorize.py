"""Colours a real film of any length, shot by shot."""

import hashlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from degrade.benchmark.films import SHOWN, picture_format, refuse_inside
from degrade.benchmark.making import Making, begun, describe
from degrade.benchmark.tint import color_of
from degrade.core.atomic import taken
from degrade.core.display import sheet, spread
from degrade.core.errors import SourceError, SpecError
from degrade.core.types import Array, as_8bit
from degrade.measure import cuts
from degrade.models import stream_colors
from degrade.models._colorization import ColorizationModel, Reference
from degrade.models._lab import lab_to_rgb, rgb_to_lab
from degrade.preview import save_picture
from degrade.sources import FrameSequence, Source
from degrade.sources.base import Depth
from degrade.sources.pictures import read_picture
from degrade.writers import check_name

JUDGED, IN_COLOUR = 16, 0.25
"""Frames, spread over the film, that say whether it is in colour, and the share of them from which on it is."""


class Given(NamedTuple):
    """A reference as it is asked for."""

    path: Path
    frame: int | None
    """That it shows, from 0; None: of no known time."""


class Shot(NamedTuple):
    """What lies between two cuts, and the key frames in it."""

    start: int
    stop: int
    keys: tuple[Given, ...]


def parse_reference(text: str) -> Given:
    """``12=key.png`` is a picture of frame 12, ``key.png`` one without a time.

    Raises:
        SpecError: Neither.
    """
    number, equals, path = text.partition("=")
    if equals and number.strip().isdecimal():
        return Given(Path(path).expanduser(), int(number))
    if equals and not Path(text).expanduser().is_file():
        raise SpecError(f"must be a picture, or frame=picture as 0=key.png, got {text!r}", "--reference")
    return Given(Path(text).expanduser(), None)


def colorize_film(
    model: ColorizationModel,
    source: Source,
    references: Sequence[Given],
    out: str | Path,
    *,
    fps: float | None = None,
    pictures: str = "png",
    with_sheet: bool = False,
    colored: Callable[[int], object] = lambda frames: None,
    told: Callable[[str], object] = lambda line: None,
) -> list[Path]:
    """Colours a film; no more than a window of it is held.

    Frames are kept beside `out` until the film is whole: after an interruption the same call goes on with the first
    shot that is not done.

    Each shot is coloured by the key frames that lie in it, and by the references without a time. Warns of shots that
    have none, and of a film that is tinted: its tint is replaced.

    Args:
        model: Runs where its parameters are.
        source: One film, grey, tinted or toned.
        references: Pictures in colour.
        out: What `open_writer` takes: ``*.mkv``, ``*.mov``, ``*.mp4``, or a folder.
        fps: Frames per second of what is written, see `pace`; if not given, frames are shown when the film's are.
        pictures: Their format, where `out` is a folder: ``png``, ``tiff`` or ``dpx``.
        with_sheet: Also write a picture of frames, grey and coloured, beside their references: ``<out>-sheet.png``.
        colored: Called with the number of frames after each step.
        told: Called with a line on sound and the like: what is copied, and what is not.

    Returns:
        The files and folders written.

    Raises:
        SourceError: Several films, a film in colour, or a reference that cannot be used: beyond the film, of a frame
            that has one, or of another shape.
        SpecError: There is no such format of pictures, or none is written.
        DatasetError: Something of that name is there, was begun by another call, or would lie in the footage.
    """
    out = Path(out).expanduser()
    sequence = _one(source)
    if not references and (model.card.key_frames or model.card.pictures):
        raise SpecError(f"is required: {type(model).__name__} takes its colours from pictures", "--reference")
    beside = [out.with_name(f"{out.stem}-sheet.png")] if with_sheet else []
    refuse_inside(source, out)
    check_name(out)
    making = Making(source, sequence, out, fps, picture_format(pictures, out))
    colours = _pictures(model, sequence, references)
    _judge(source, sequence)
    shots = _shots(source, sequence, references)
    free = [given for given in references if given.frame is None]
    if not free:
        _warn_of_grey(model, shots)
    shown = [(given.frame, _hash(colours[given])) for given in references]
    about = describe(model, source, fps=fps, pictures=pictures, references=shown)
    with begun(out, [out, *beside], about, resume=False):
        if line := making.about_tracks():
            told(f"{out.name}: {line}")
        if taken(out):  # finished before
            return [out, *beside]
        done = making.done
        for shot in shots:
            if done < shot.stop:
                given = [
                    Reference(colours[key], None if key.frame is None else key.frame - shot.start)
                    for key in (*shot.keys, *free)
                ]
                for t, (lightness, ab) in enumerate(_shot(model, making, shot, given), shot.start):
                    making.keep(t, _picture(lightness, ab, making.depth))
                    colored(1)
            else:
                colored(shot.stop - shot.start)
        if beside:
            rows = [_row(t, making, shots, free, colours) for t in _chosen(shots, sequence.frames)]
            save_picture(beside[0], sheet(rows))
        making.finish(3, told)
    return [out, *beside]


def _one(source: Source) -> FrameSequence:
    sequences = source.sequences()
    if len(sequences) > 1:
        raise SourceError(f"there are {len(sequences)} films to colour; give one, since references belong to a film")
    return sequences[0]


def _hash(picture: Tensor) -> str:
    return hashlib.sha256(picture.numpy().tobytes()).hexdigest()


def _pictures(model: ColorizationModel, sequence: FrameSequence, references: Sequence[Given]) -> dict[Given, Tensor]:
    """The pictures, (1, 3, h, w), checked against the film."""
    found: dict[Given, Tensor] = {}
    for given in references:
        if given.frame is not None and given.frame >= sequence.frames:
            last = sequence.frames - 1
            raise SourceError(f"{given.path}: there is no frame {given.frame}; the film has frames 0 to {last}")
        picture = torch.from_numpy(read_picture(given.path).copy()).permute(2, 0, 1)[None].float() / 255
        found[given] = picture
    blank = torch.zeros(1, 1, 1, sequence.height, sequence.width)
    model.prepare(blank, [Reference(found[given], given.frame) for given in references])
    return found


def _judge(source: Source, sequence: FrameSequence) -> None:
    """Refuses a film in colour, and warns of a tinted one."""
    chosen = np.linspace(0, sequence.frames - 1, min(JUDGED, sequence.frames)).round().astype(int)
    kinds = [color_of(source.read(sequence, t, t + 1)[0]) for t in chosen.tolist()]
    if kinds.count("colour") > IN_COLOUR * len(kinds):
        raise SourceError(f"{sequence.id}: is in colour already; only grey, tinted or toned films are coloured")
    if kinds.count("tinted") > len(kinds) / 2:
        warnings.warn("the film is tinted or toned; its tint is replaced", stacklevel=1)


def _shots(source: Source, sequence: FrameSequence, references: Sequence[Given]) -> list[Shot]:
    bounds = [0, *cuts(source.each(sequence)), sequence.frames]
    return [
        Shot(start, stop, tuple(r for r in references if r.frame is not None and start <= r.frame < stop))
        for start, stop in itertools.pairwise(bounds)
    ]


def _warn_of_grey(model: ColorizationModel, shots: Sequence[Shot]) -> None:
    """Names the shots that nothing says the colours of."""
    bare = [f"{shot.start} to {shot.stop - 1}" for shot in shots if not shot.keys]
    if bare and model.card.key_frames:
        more = f" and {len(bare) - 3} more shots" if len(bare) > 3 else ""
        which = f"frames {', '.join(bare[:3])}{more}"
        warnings.warn(f"no reference for {which}: references do not cross a cut", stacklevel=1)


def _shot(
    model: ColorizationModel, making: Making, shot: Shot, references: Sequence[Reference]
) -> Iterator[tuple[Tensor, Tensor]]:
    """L (1, 1, H, W) of each frame, and a and b (1, 2, H, W)."""
    held: list[Tensor] = []

    def lightness() -> Iterator[Tensor]:
        for frame in making.source.each(making.sequence, shot.start, shot.stop, making.depth):
            held.append(_lightness(frame))
            yield held[-1]

    for ab in stream_colors(model, lightness(), references):
        yield held.pop(0), ab


def _lightness(frame: Array) -> Tensor:
    """L (1, 1, H, W) of a frame (H, W, 3), uint8 or uint16."""
    rgb = torch.from_numpy(frame.astype(np.float32)).permute(2, 0, 1)[None] / np.iinfo(frame.dtype).max
    return rgb_to_lab(rgb)[:, :1]


def _picture(lightness: Tensor, ab: Tensor, depth: Depth = 8) -> Array:
    """(H, W, 3) uint8 or uint16."""
    return _levels(lab_to_rgb(torch.cat((lightness, ab), 1)).clamp(0, 1), depth)


def _levels(rgb: Tensor, depth: Depth = 8) -> Array:
    """(1, 3, H, W) as (H, W, 3) uint8 or uint16."""
    levels = ((2**depth - 1) * rgb[0]).round().permute(1, 2, 0).contiguous().numpy()
    return levels.astype(f"uint{depth}")


def _chosen(shots: Sequence[Shot], frames: int) -> list[int]:
    """Frames for the sheet: the middles of some shots, spread over the film."""
    if len(shots) >= SHOWN:
        picked = np.linspace(0, len(shots) - 1, SHOWN).round().astype(int)
        return sorted({(shots[i].start + shots[i].stop) // 2 for i in picked.tolist()})
    return spread(frames, SHOWN)


def _row(
    t: int, making: Making, shots: Sequence[Shot], free: Sequence[Given], pictures: Mapping[Given, Tensor]
) -> list[tuple[str, Array]]:
    """Grey, coloured, and the reference nearest in time."""
    lightness = _lightness(making.source.read(making.sequence, t, t + 1)[0])
    grey, made = _picture(lightness, torch.zeros_like(lightness).expand(-1, 2, -1, -1)), as_8bit(making.kept(t))
    keys = next(shot.keys for shot in shots if shot.start <= t < shot.stop)
    nearest = min(keys, key=lambda key: abs((key.frame or 0) - t), default=free[0] if free else None)
    row = [(f"frame {t}", grey), ("coloured", made)]
    if nearest is not None:
        caption = "reference" if nearest.frame is None else f"reference, frame {nearest.frame}"
        row.append((caption, _levels(pictures[nearest])))
    return row
