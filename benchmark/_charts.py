"""Line charts, as geometry that the page's template draws as SVG. They follow the page's colours."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 200
LEFT, RIGHT, TOP, BOTTOM = 42, 392, 10, 172
COLORS = 8


@dataclass(frozen=True)
class Style:
    """How a model is drawn in all charts of a page: its number there, and classes of the style sheet."""

    series: int
    color: str
    dash: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a chart; `path` is what SVG calls `d`."""

    label: str
    style: Style
    path: str


@dataclass(frozen=True)
class Chart:
    """A chart with its ticks (position in the picture, text)."""

    title: str
    x_label: str
    y_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[Line]
    infinite: bool
    """Whether a value was infinite; it is drawn on the upper edge."""


def styles(names: Iterable[str]) -> list[Style]:
    """A style for each model, by its name; the input itself is grey."""
    found: list[Style] = []
    for name in names:
        used = sum(style.color != "neutral" for style in found)
        color = "neutral" if name == "input" else f"s{used % COLORS}"
        found.append(Style(len(found), color, "d1" if used >= COLORS else ""))
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
        series: Lines: label, style, and points (x, y); y may be infinite.
        x_label: Name of the horizontal axis.
        y_label: Name of the vertical axis.

    Returns:
        The chart, or None if there is no point to draw.
    """
    xs = [x for _, _, points in series for x, _ in points]
    ys = [y for _, _, points in series for _, y in points if math.isfinite(y)]
    if not xs:
        return None
    x_low, x_high = min(xs), max(xs)
    y_at = _ticks(min(ys, default=0), max(ys, default=1))
    infinite = any(not math.isfinite(y) for _, _, points in series for _, y in points)

    def place(x: float, y: float) -> str:
        across = (x - x_low) / (x_high - x_low) if x_high > x_low else 0.5
        up = (min(y, y_at[-1]) - y_at[0]) / (y_at[-1] - y_at[0])
        return f"{LEFT + across * (RIGHT - LEFT):.1f} {BOTTOM - up * (BOTTOM - TOP):.1f}"

    lines = [
        # `h0` makes a dot of a single point.
        Line(label, style, "M" + "L".join(place(x, y) for x, y in points) + ("h0" if len(points) == 1 else ""))
        for label, style, points in series
        if points
    ]
    x_ticks = [x for x in _ticks(x_low, x_high, whole=True) if x_low <= x <= x_high]
    return Chart(
        title,
        x_label,
        y_label,
        [(float(place(x, 0).split()[0]), f"{x:g}") for x in x_ticks],
        [(float(place(x_low, y).split()[1]), f"{y:g}") for y in y_at],
        lines,
        infinite,
    )


def _ticks(low: float, high: float, count: int = 4, whole: bool = False) -> list[float]:
    """Round numbers, 1, 2 or 5 times a power of ten apart, from at most `low` to at least `high`."""
    rough = max((high - low) / count, 1e-9 * max(abs(low), abs(high), 1))
    power = 10 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    if whole:
        step = max(1, round(step))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 12) for k in range(first, max(last, first + 1) + 1)]
