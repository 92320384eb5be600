"""What people look at: contact sheets, and the pictures and tables that notebooks show."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP, MARGIN, CAPTION = 4, 12, 22
PAPER, INK = (22, 22, 24), (222, 222, 216)


def sheet(rows: list[list[tuple[str, np.ndarray]]], height: int = 200) -> np.ndarray:
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


def spread(frames: int, count: int) -> list[int]:
    """At most so many frame numbers, evenly through a film."""
    return sorted({int((i + 0.5) * frames / count) for i in range(count)})


def _thumbnail(picture: np.ndarray, height: int) -> Image.Image:
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).convert("RGB")
    scale = min(height / image.height, 2)
    return image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )


def png(picture: np.ndarray) -> bytes:
    """A picture (H, W, 3) uint8 as a PNG file."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, format="png")
    return data.getvalue()


def html_picture(picture: np.ndarray) -> str:
    """A picture (H, W, 3) uint8 as HTML that needs no file."""
    return f'<img src="data:image/png;base64,{base64.b64encode(png(picture)).decode()}">'


def html_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as HTML; cells are text, and escaped."""
    lines = [[f"<th>{escape(name)}</th>" for name in head]] if head else []
    lines += [[f'<td style="text-align: left">{escape(str(cell))}</td>' for cell in row] for row in rows]
    return "<table>" + "".join(f"<tr>{''.join(line)}</tr>" for line in lines) + "</table>"
