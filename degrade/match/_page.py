"""The report: one page that needs no other file; frames, plots of each instrument, and what did not match."""

import base64
import io
import math
from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template

import numpy as np
from PIL import Image

from degrade.core.types import Array
from degrade.match._distance import Row, distances
from degrade.match._grain import BY_BAND, BY_LEVEL
from degrade.match._match import Match
from degrade.measure import Film

WIDEST = 720
"""Pixels of a frame on the page."""
LEFT, RIGHT, MARGIN, LINE = 128, 352, 18, 20
"""Of a plot of 480 pixels: where multiples are drawn, above and below them, and the height of a row."""
GREATEST = 4.0
"""Multiple that is drawn; what is beyond lies at the border."""
CURVES = {
    "grain": (
        (
            "standard deviation by level, levels of 255",
            BY_LEVEL,
        ),
        ("spectrum, by cycles a pixel", BY_BAND),
    )
}
"""By instrument: what is drawn as curves, over bins."""


def page(matched: Match, title: str) -> str:
    """The report as HTML."""
    made, film = matched.made.film, matched.real.film
    template = Template(resources.files(__package__).joinpath("report.html").read_text("utf-8"))
    return template.substitute(
        title=escape(title),
        about=escape(
            f"{film.frames} frames of the film, {made.frames} of the render; by the instruments of degrade measure."
        ),
        frames="\n".join(_frames(matched)),
        unmatched="\n".join(f"<li>{escape(line)}</li>" for line in matched.unmatched),
        plots="\n".join(_plots(matched)),
        spec=escape(matched.text),
    )


def _frames(matched: Match) -> list[str]:
    columns = [matched.real.frames, matched.made.frames, matched.clean.frames]
    return [
        _picture(column[i]) if i < len(column) else "<i></i>"
        for i in range(max(map(len, columns)))
        for column in columns
    ]


def _picture(frame: Array) -> str:
    image = Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame).convert("RGB")
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(image.height * WIDEST / image.width)), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "webp", quality=90)
    return f'<img alt="" src="data:image/webp;base64,{base64.b64encode(data.getvalue()).decode()}">'


def _plots(matched: Match) -> list[str]:
    rows: dict[str, list[Row]] = {}
    for row in matched.rows:
        rows.setdefault(row.instrument, []).append(row)
    off, found = distances(matched.rows), []
    for instrument, own in rows.items():
        curves = CURVES.get(instrument, ())
        drawn = [quantity for _, quantities in curves for quantity in quantities]
        parts = [_dots([row for row in own if row.quantity not in drawn], matched)]
        films = {"clean": matched.clean.film, "film": matched.real.film, "made": matched.made.film}
        parts += [
            _curve(title, {key: _values(film, instrument, qs) for key, film in films.items()}, qs)
            for title, qs in curves
        ]
        away = f" <span class='soft'>× {off[instrument]:.2f} away</span>" if instrument in off else ""
        found.append(f"<figure><h3>{escape(instrument)}{away}</h3>{''.join(parts)}</figure>")
    return found


def _dots(rows: Sequence[Row], matched: Match) -> str:
    height = LINE * len(rows) + 2 * MARGIN
    low, high = (_across(multiple) for multiple in (1 / 1.25, 1.25))
    out = [f'<rect class="near" x="{low:.1f}" y="{MARGIN}" width="{high - low:.1f}" height="{height - 2 * MARGIN}"/>']
    for multiple, text in ((1 / GREATEST, "¼"), (0.5, "½"), (1, "1"), (2, "2"), (GREATEST, "4 ×")):
        x = _across(multiple)
        out.append(f'<path class="rule" d="M{x:.1f} {MARGIN}V{height - MARGIN}"/>')
        out.append(f'<text class="soft mid" x="{x:.1f}" y="{height - 4}">{text}</text>')
    for i, row in enumerate(rows):
        y, reading = MARGIN + LINE * (i + 0.5), matched.real.film[row.instrument][row.quantity]
        first = matched.first.film[row.instrument][row.quantity].value
        out.append(f'<text class="end" x="{LEFT - 8}" y="{y + 4}">{escape(row.quantity)}</text>')
        out.append(f'<text x="{RIGHT + 12}" y="{y + 4}">{_short(row.film)} → {_short(row.made)}</text>')
        if row.film <= 0:
            continue
        if reading.low is not None and reading.high is not None:
            ends = [_across(end / row.film) for end in (reading.low, reading.high)]
            out.append(f'<path class="film" stroke-width="2" d="M{ends[0]:.1f} {y}H{ends[1]:.1f}"/>')
        for kind, value, radius in (
            ("clean", row.clean, 2),
            ("first", first, 4),
            ("film", row.film, 3),
            ("made", row.made, 4),
        ):
            if value is not None and value > 0:
                out.append(f'<circle class="{kind}" cx="{_across(value / row.film):.1f}" cy="{y}" r="{radius}"/>')
    return f'<svg viewBox="0 0 480 {height}" role="img">{"".join(out)}</svg>' if rows else ""


def _across(multiple: float) -> float:
    share = math.log(min(max(multiple, 1 / GREATEST), GREATEST) * GREATEST) / (2 * math.log(GREATEST))
    return LEFT + share * (RIGHT - LEFT)


def _curve(title: str, series: dict[str, list[float | None]], names: Sequence[str]) -> str:
    top = max((value for values in series.values() for value in values if value), default=0.0)
    if not top:
        return ""
    xs = np.linspace(LEFT, RIGHT + 80, len(names))
    out = [f'<text class="soft" x="{LEFT}" y="12">{escape(title)}</text>']
    out += [f'<text class="end" x="{LEFT - 14}" y="{y}">{_short(value)}</text>' for y, value in ((28, top), (114, 0.0))]
    out.append(f'<path class="rule" d="M{LEFT - 8} 110H{RIGHT + 88}"/>')
    for x, name in zip(xs, names, strict=True):
        out.append(f'<text class="soft mid" x="{x:.1f}" y="126">{escape(" – ".join(name.split("_")[1:]))}</text>')
    for kind, values in series.items():
        points = [(x, 110 - 86 * value / top) for x, value in zip(xs, values, strict=True) if value is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        out.append(f'<polyline class="{kind}" points="{path}"/>')
        out += [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points]
    return f'<svg viewBox="0 0 480 134" role="img">{"".join(out)}</svg>'


def _values(film: Film, instrument: str, quantities: Sequence[str]) -> list[float | None]:
    return [film[instrument][quantity].value for quantity in quantities]


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
