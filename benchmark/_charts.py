"""Line charts, as geometry that the page's template draws as SVG. They follow the page's colours."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEFT, RIGHT, TOP, BOTTOM = 42, 384, 10, 172
"""Of the plot, in a picture of 400 × 200."""
COLORS = 10


@dataclass(frozen=True)
class Style:
    """How a model is drawn in all charts of a page: its number there, and classes of the style sheet."""

    series: int
    color: str
    dash: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a chart; `path` is what SVG calls `d`, and a dot if there is one point only."""

    label: str
    style: Style
    path: str
    dot: bool


@dataclass(frozen=True)
class Chart:
    """A chart with its ticks (position in the picture, text)."""

    title: str
    x_label: str
    y_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[Line]
    left: int = LEFT
    right: int = RIGHT


def styles(names: Iterable[str]) -> list[Style]:
    """A style for each model, by its name; the input itself is grey."""
    found: list[Style] = []
    for name in names:
        used = sum(style.color != "neutral" for style in found)
        if name == "input":
            found.append(Style(len(found), "neutral"))
        else:
            found.append(Style(len(found), f"s{used % COLORS}", "d1" if used >= COLORS else ""))
    return found


def chart(
    title: str,
    series: Sequence[tuple[str, Style, Sequence[tuple[float, float]]]],
    x_label: str,
    y_label: str,
) -> Chart | None:
    """Lays out a chart.

    Args:
        title: Above it.
        series: Lines: label, style, and points (x, y).
        x_label: Name of the horizontal axis.
        y_label: Name of the vertical axis.

    Returns:
        The chart, or None if there is no point to draw.
    """
    xs = [x for _, _, points in series for x, _ in points]
    ys = [y for _, _, points in series for _, y in points]
    if not xs:
        return None
    x_ends, y_ends = (min(xs), max(xs)), (min(ys), max(ys))

    def across(x: float) -> float:
        return LEFT + (RIGHT - LEFT) * _place(x, *x_ends)

    def down(y: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * _place(y, *y_ends)

    lines = []
    for label, style, points in series:
        path = "L".join(f"{across(x):.1f} {down(y):.1f}" for x, y in points)
        if points:
            dot = len(points) == 1
            lines.append(Line(label, style, f"M{path}h0" if dot else f"M{path}", dot))
    return Chart(
        title,
        x_label,
        y_label,
        [(round(across(x), 1), f"{x:g}") for x in _ticks(*x_ends, whole=all(x == round(x) for x in xs))],
        [(round(down(y), 1), f"{y:g}") for y in _ticks(*y_ends)],
        lines,
    )


def _span(low: float, high: float) -> float:
    """Their distance; 0 where it is so small, or the numbers so large, that it cannot be drawn."""
    span = high - low
    drawn = 1e-12 * max(abs(low), abs(high), 1e-200) < span < math.inf
    return span if drawn else 0.0


def _place(value: float, low: float, high: float) -> float:
    """Where a value lies from `low`, 0, to `high`, 1."""
    span = _span(low, high)
    return (value - low) / span if span else 0.5


def _ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Round numbers from `low` to `high`, 1, 2 or 5 times a power of ten apart."""
    span = _span(low, high)
    if not span:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / 3))
    step = power * max(factor for factor in (1, 2, 5) if factor * power <= span / 3)
    if whole:
        step = max(1.0, step)
    return [float(f"{k * step:.12g}") for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
