"""Pictures for people: a contact sheet (clean, damaged, mask) and a clip to watch."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image

from degrade.core import atomic
from degrade.core.display import sheet
from degrade.core.errors import DatasetError
from degrade.core.types import Array
from degrade.dataset.kinds import encode
from degrade.dataset.pairs import Pair, render_pairs
from degrade.dataset.plan import plan, spread
from degrade.sources import Source
from degrade.sources.folders import SYSTEM
from degrade.spec import Spec
from degrade.writers import names_media, open_writer

SHEET, CLIP = "sheet.png", "clip.mp4"


def preview(
    spec: Spec,
    out: str | Path,
    *,
    clips: int = 3,
    columns: int = 2,
    frames: int = 48,
    opened: Callable[[Source], object] = lambda source: None,
) -> list[Path]:
    """Writes ``sheet.png``, and ``clip.mp4`` with the first clip, clean beside damaged.

    Args:
        spec: What to show.
        out: Folder for the two files, made if needed.
        clips: Rows of the sheet, one for each clip.
        columns: Frames of each clip on the sheet, spread over what is rendered of it.
        frames: At most so many frames of a clip are rendered.
        opened: Called with the footage.

    Returns:
        The files written.

    Raises:
        DatasetError: `out` is named as a file, holds something else, or cannot be written.
    """
    out, source = Path(out).expanduser(), spec.footage()
    atomic.refuse_url(out)
    opened(source)
    if names_media(out):
        raise DatasetError(f"{out}: is no name of a folder; {SHEET} and {CLIP} are written into one")
    found = {path.name for path in out.glob("[!.]*") if not SYSTEM.fullmatch(path.name)} if out.is_dir() else set()
    if found not in (set(), {SHEET, CLIP}):  # one of the two alone is no preview's
        other = min(found - {SHEET, CLIP} or found)
        raise DatasetError(f"{out}: holds something else ({other}); name a new or empty folder")
    out.mkdir(parents=True, exist_ok=True)
    rows: list[list[tuple[str, Array]]] = []
    for clip in spread(plan(spec, source), clips):
        params = spec.damage().draw(clip.info(), spec.seed)
        shown = clip.model_copy(update={"frames": min(clip.frames, frames)})
        wanted = np.linspace(0, shown.frames - 1, columns + 2).round().astype(int)[1:-1].tolist()
        row = []
        with ExitStack() as stack:
            movie = None if rows else stack.enter_context(open_writer(out / CLIP, stream=clip.stream()))
            for t, (damaged, clean, mask) in enumerate(_frames(render_pairs(shown, spec, source, params))):
                if movie:
                    movie.write(np.concatenate([clean, damaged], axis=1))
                if t in wanted:
                    captions = (f"{clip.id}, frame {t}: clean", "damaged", "mask")
                    row += list(zip(captions, (clean, damaged, mask), strict=True))
        rows.append(row)
    save_picture(out / SHEET, sheet(rows))
    return [out / SHEET, out / CLIP]


def _frames(chunks: Iterable[Pair]) -> Iterator[tuple[Array, ...]]:
    """Damaged, clean and mask of one frame after the other, 8 bit."""
    for pair in chunks:
        yield from zip(*(frames for _, frames in encode(pair, "union")), strict=True)


def check_picture(path: str | Path) -> str:
    """The format that a picture of that name has.

    Raises:
        DatasetError: No picture can be written there.
    """
    path = Path(path).expanduser()
    kind = Image.registered_extensions().get(path.suffix.lower())
    if path.is_dir():
        raise DatasetError(f"{path}: is a folder; name a file for the picture")
    if kind not in Image.SAVE:
        raise DatasetError(f"{path}: names no format for the picture; end it on .png or .jpg")
    return kind


def save_picture(path: str | Path, picture: Array) -> None:
    """Writes a picture (H, W, 3) uint8; what was there stays whole until the new one is.

    Raises:
        DatasetError: It cannot be written there.
    """
    data = io.BytesIO()
    Image.fromarray(picture).save(data, format=check_picture(path))
    try:
        atomic.write(Path(path).expanduser(), data.getvalue())
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written: {error.strerror or error}") from error
