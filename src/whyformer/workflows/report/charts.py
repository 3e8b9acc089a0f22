"""Small charts as SVG text, drawn from numbers alone; no script, no file beside the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from whyformer.foundation.ticks import decades, ticks

COLORS = ("#2a6fdb", "#d1495b", "#2f9e5b", "#b7791f", "#7c4dbe", "#0f8b8d", "#c2559d", "#5c677d")
WIDTH, HEIGHT = 560, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 40


@dataclass(frozen=True)
class Line:
    """One curve: its name and its points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


def line_chart(lines: Sequence[Line], *, x: str, y: str, log: bool = False, label: str = "") -> str:
    """Draw curves over a common x axis.

    Args:
        x, y: names of the axes with their units.
        log: y on a logarithmic axis; points that are not positive are left out.
        label: what the chart shows, for readers who cannot see it.
    """
    kept = [
        Line(line.name, [(a, b) for a, b in line.points if math.isfinite(b) and (b > 0 or not log)])
        for line in lines
    ]
    kept = [line for line in kept if line.points]
    if not kept:
        return "<p>No points.</p>"
    xs = [a for line in kept for a, _ in line.points]
    ys = [b for line in kept for _, b in line.points]
    x_ticks = ticks(min(xs), max(xs))
    y_ticks = decades(min(ys), max(ys)) if log else ticks(min(ys), max(ys))
    x0, x1 = min(xs[0], x_ticks[0], min(xs)), max(max(xs), x_ticks[-1])
    y0, y1 = min(min(ys), y_ticks[0]), max(max(ys), y_ticks[-1])

    def at_x(value: float) -> float:
        return LEFT + (value - x0) / ((x1 - x0) or 1) * (WIDTH - LEFT - RIGHT)

    def at_y(value: float) -> float:
        low, high, v = (math.log(t) for t in (y0, y1, value)) if log else (y0, y1, value)
        return HEIGHT - BOTTOM - (v - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label or y)}">',
        *(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at_y(t):.1f}" '
            f'y2="{at_y(t):.1f}"/><text x="{LEFT - 6}" y="{at_y(t) + 4:.1f}" '
            f'text-anchor="end">{_short(t)}</text>'
            for t in y_ticks
        ),
        *(
            f'<text x="{at_x(t):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
            f"{_short(t)}</text>"
            for t in x_ticks
        ),
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(x)}</text>",
        f'<text x="12" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 12 {(TOP + HEIGHT - BOTTOM) / 2})">{escape(y)}</text>',
    ]
    for number, line in enumerate(kept):
        color = COLORS[number % len(COLORS)]
        path = " ".join(f"{at_x(a):.1f},{at_y(b):.1f}" for a, b in line.points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"/>')
    legend = "".join(
        f'<span><i style="background:{COLORS[number % len(COLORS)]}"></i>{escape(line.name)}</span>'
        for number, line in enumerate(kept)
    )
    return "".join(parts) + f'</svg><div class="legend">{legend}</div>'


def heat_map(rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]]) -> str:
    """Draw a matrix of numbers from 0 to 1 as squares, darker for more.

    Args: rows, columns: names written beside and above the squares.
    """
    cell, left, top = 26, 46, 26
    width, height = left + cell * len(columns) + 4, top + cell * len(rows) + 4
    parts = [f'<svg viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img">']
    parts += [
        f'<text x="{left + cell * (c + 0.5)}" y="{top - 8}" text-anchor="middle">'
        f"{escape(name)}</text>"
        for c, name in enumerate(columns)
    ]
    for r, name in enumerate(rows):
        y = top + cell * r
        parts.append(
            f'<text x="{left - 6}" y="{y + cell * 0.65}" text-anchor="end">{escape(name)}</text>'
        )
        parts += [
            f'<rect x="{left + cell * c}" y="{y}" width="{cell - 1}" height="{cell - 1}" '
            f'fill="{COLORS[0]}" fill-opacity="{max(0.03, value):.2f}">'
            f"<title>{escape(name)} looks at {escape(columns[c])}: {value:.2f}</title></rect>"
            for c, value in enumerate(values[r])
        ]
    return "".join(parts) + "</svg>"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
