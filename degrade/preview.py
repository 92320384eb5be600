"""Pictures for people: a contact sheet (clean, damaged, mask) and a clip to watch."""

import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from degrade.core import atomic
from degrade.core.errors import DatasetError
from degrade.core.types import Array
from degrade.dataset.kinds import encode
from degrade.dataset.pairs import Pair, render_pairs
from degrade.dataset.plan import plan, spread
from degrade.sources import open_source
from degrade.spec import Spec
from degrade.writers import open_writer

GAP, MARGIN, CAPTION = 4, 12, 22
PAPER, INK = (22, 22, 24), (222, 222, 216)


def preview(spec: Spec, out: Path, *, clips: int = 3, columns: int = 2, frames: int = 48) -> list[Path]:
    """Writes ``sheet.png``, and ``clip.mp4`` with the first clip, clean beside damaged.

    Args:
        spec: What to show.
        out: Folder for the two files, made if needed.
        clips: Rows of the sheet, one for each clip.
        columns: Frames of each clip on the sheet, spread over what is rendered of it.
        frames: At most so many frames of a clip are rendered.

    Returns:
        The files written.
    """
    source = open_source(spec.source)
    out.mkdir(parents=True, exist_ok=True)
    rows: list[list[tuple[str, Array]]] = []
    for clip in spread(plan(spec, source), clips):
        params = spec.damage().draw(clip.info(), spec.seed)
        shown = clip.model_copy(update={"frames": min(clip.frames, frames)})
        wanted = np.linspace(0, shown.frames - 1, columns + 2).round().astype(int)[1:-1].tolist()
        row = []
        with ExitStack() as stack:
            movie = None if rows else stack.enter_context(open_writer(out / "clip.mp4", fps=clip.fps))
            for t, (damaged, clean, mask) in enumerate(_frames(render_pairs(shown, spec, source, params))):
                if movie:
                    movie.write(np.concatenate([clean, damaged], axis=1))
                if t in wanted:
                    captions = (f"{clip.id}, frame {t}: clean", "damaged", "mask")
                    row += list(zip(captions, (clean, damaged, mask), strict=True))
        rows.append(row)
    save_picture(out / "sheet.png", sheet(rows))
    return [out / "sheet.png", out / "clip.mp4"]


def _frames(chunks: Iterable[Pair]) -> Iterator[tuple[Array, ...]]:
    """Damaged, clean and mask of one frame after the other, 8 bit."""
    for pair in chunks:
        yield from zip(*(frames for _, frames in encode(pair, "union")), strict=True)


def sheet(rows: list[list[tuple[str, Array]]], height: int = 200) -> Array:
    """A contact sheet.

    Args:
        rows: For each row its cells, left to right: a caption and a picture (H, W) or (H, W, C), uint8.
        height: Of each picture on the sheet, in pixels; at most twice its own.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    font = ImageFont.load_default(12)
    drawn = [[(caption, _thumbnail(picture, height)) for caption, picture in row] for row in rows]
    width = max(sum(p.width + GAP for _, p in row) for row in drawn) + 2 * MARGIN
    total = sum(max(p.height for _, p in row) + CAPTION for row in drawn) + 2 * MARGIN
    page = Image.new("RGB", (width, total), PAPER)
    draw = ImageDraw.Draw(page)
    top = MARGIN
    for row in drawn:
        left = MARGIN
        for caption, picture in row:
            while draw.textlength(caption, font) > picture.width and len(caption) > 1:
                caption = caption[1:]
            draw.text((left, top + 3), caption, INK, font)
            page.paste(picture, (left, top + CAPTION))
            left += picture.width + GAP
        top += max(p.height for _, p in row) + CAPTION
    return np.asarray(page)


def _thumbnail(picture: Array, height: int) -> Image.Image:
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).convert("RGB")
    scale = min(height / image.height, 2)
    return image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )


def check_picture(path: Path) -> str:
    """The format that a picture of that name has.

    Raises:
        DatasetError: No picture can be written there.
    """
    kind = Image.registered_extensions().get(path.suffix.lower())
    if path.is_dir():
        raise DatasetError(f"{path}: is a folder; name a file for the picture")
    if kind not in Image.SAVE:
        raise DatasetError(f"{path}: names no format for the picture; end it on .png or .jpg")
    return kind


def save_picture(path: Path, picture: Array) -> None:
    """Writes a picture (H, W, 3) uint8; what was there stays whole until the new one is.

    Raises:
        DatasetError: It cannot be written there.
    """
    data = io.BytesIO()
    Image.fromarray(picture).save(data, format=check_picture(path))
    try:
        atomic.write(path, data.getvalue())
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written: {error.strerror or error}") from error
