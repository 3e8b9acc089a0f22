"""Line charts as SVG: points with intervals, dashed lines for theory, and a legend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from whyformer.charts.numbers import number, tick
from whyformer.charts.scale import Axis, Scale, x_scale, y_scale
from whyformer.charts.words import in_symbols

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 14, 34
COLORS = 8
"""Number of line colours in the style sheet; further lines repeat the colours with other
markers."""
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.6-3.6h7.2v7.2h-7.2z",
    "M0-4.8L4.6 3.6H-4.6z",
    "M0-5L5 0L0 5L-5 0z",
    "M0 4.8L4.6-3.6H-4.6z",
    "M-4.6-1.5h3.1v-3.1h3v3.1h3.1v3h-3.1v3.1h-3v-3.1h-3.1z",
)
DASHES = ("6 4", "2 3", "9 3 2 3", "12 4")
MAX_MARKERS = 40
"""A line with more points than this has no markers, and shows intervals as a band instead of
whiskers."""


class LineStyle(StrEnum):
    """How a line is drawn."""

    MEASURED = "measured"
    """Points with their intervals, joined by a line."""
    THEORY = "theory"
    """A dashed line without points."""
    MARK = "mark"
    """A vertical line at the x of its only point."""


@dataclass(frozen=True)
class Point:
    """One point of a line.

    Args:
        y: the value. None (not measured) is not drawn; NaN and infinity are drawn as a failed run.
        low, high: ends of the interval, if there is one.
        tip: text of the tooltip, one fact per line; "" uses the names and numbers of the point.
    """

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None
    tip: str = ""

    @property
    def ends(self) -> tuple[float, float] | None:
        """The ends of the interval. An end that is not finite is replaced by the value."""
        if self.y is None or self.low is None or self.high is None:
            return None
        low, high = (v if math.isfinite(v) else self.y for v in (self.low, self.high))
        return low, high


@dataclass(frozen=True)
class Line:
    """One curve.

    Args: group: measured lines of one group, such as several runs of one setting, have the same
        colour, and one entry in the legend, which is the name of the group. "" is no group.
    """

    name: str
    points: Sequence[Point]
    style: LineStyle = LineStyle.MEASURED
    group: str = ""


@dataclass(frozen=True)
class LineChart:
    """Curves with common axes. Args: label: description for readers who cannot see the chart."""

    x: Axis
    y: Axis
    lines: Sequence[Line]
    label: str


def line_chart(chart: LineChart, *, empty: str = "No points.") -> str:
    """Return a chart with its legend and axis names. Args: empty: text if there are no points."""
    xs = [p.x for line in chart.lines for p in line.points if chart.x.shows(p.x)]
    ys = [
        y
        for line in chart.lines
        if line.style is not LineStyle.MARK
        for p in line.points
        for y in (p.y, p.low, p.high)
        if y is not None and chart.y.shows(y)
    ]
    if not xs or not ys:
        return f"<p class=absent>{escape(empty)}</p>"
    x = x_scale(chart.x, xs, LEFT, WIDTH - RIGHT)
    y = y_scale(chart.y, ys, HEIGHT - BOTTOM, TOP)
    parts, legend = _grid(x, y), []
    measured: dict[str | int, int] = {}
    dashed = 0
    for place, line in enumerate(chart.lines):
        if line.style is LineStyle.MEASURED:
            group = line.group or place
            known = group in measured
            at = measured.setdefault(group, len(measured))
            shape, color = SHAPES[at % len(SHAPES)], at % COLORS
            parts.append(_measured(line, chart, x, y, shape, color))
            if known:
                continue
            sample = (
                f'<path class="line s{color}" d="M1 8h26"/>'
                f'<path class="dot s{color}" transform="translate(14 8)" d="{shape}"/>'
            )
        elif line.style is LineStyle.THEORY:
            dash = DASHES[dashed % len(DASHES)]
            parts.append(_theory(line, chart, x, y, dash))
            sample = f'<path class="theory" stroke-dasharray="{dash}" d="M1 8h26"/>'
            dashed += 1
        else:
            at = x.at(line.points[0].x)
            parts.append(f'<path class="mark" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
            sample = '<path class="mark" d="M14 1v14"/>'
        legend.append(
            f'<li><svg viewBox="0 0 28 16" aria-hidden="true">{sample}</svg>'
            f"<span>{in_symbols(line.group or line.name)}</span></li>"
        )
    return (
        f'<ul class="legend">{"".join(legend)}</ul>'
        f'<p class="axis y">{in_symbols(chart.y.name)}</p>'
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" tabindex="0" '
        f'aria-label="{escape(chart.label)}">{"".join(parts)}</svg>'
        f'<p class="axis x">{in_symbols(chart.x.name)}</p>'
    )


def _grid(x: Scale, y: Scale) -> list[str]:
    bottom = HEIGHT - BOTTOM
    return [
        *(
            f'<path class="grid" d="M{LEFT} {y.at(t):.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 8}" y="{y.at(t) + 4:.1f}" text-anchor="end">{tick(t)}</text>'
            for t in y.marks
        ),
        f'<path class="base" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>',
        *(
            f'<path class="base" d="M{x.at(t):.1f} {bottom}v5"/>'
            f'<text x="{x.at(t):.1f}" y="{bottom + 21}" text-anchor="middle">{tick(t)}</text>'
            for t in x.marks
        ),
    ]


def _measured(line: Line, chart: LineChart, x: Scale, y: Scale, shape: str, color: int) -> str:
    seen = [(p, p.y) for p in line.points if chart.x.shows(p.x) and p.y is not None]
    good = [(p, value) for p, value in seen if chart.y.shows(value)]
    places = " ".join(f"{x.at(p.x):.1f},{y.at(value):.1f}" for p, value in good)
    parts = [f'<polyline class="line s{color}" points="{places}"/>'] if len(good) > 1 else []
    many = len(seen) > MAX_MARKERS
    if many:
        ends = [(p.x, *p.ends) for p, _ in good if p.ends]
        upper = [f"{x.at(a):.1f},{y.at(high):.1f}" for a, _, high in ends]
        lower = [f"{x.at(a):.1f},{y.at(low):.1f}" for a, low, _ in reversed(ends)]
        if ends:
            parts.insert(0, f'<polygon class="band s{color}" points="{" ".join(upper + lower)}"/>')
    for p, value in seen:
        at = x.at(p.x)
        if not math.isfinite(value):  # draw a failed run, because it is also a result
            place, mark, kind = (at, TOP + 6), "M-4-4L4 4M-4 4L4-4", "broken"
        elif chart.y.log and value <= 0:  # a logarithmic axis cannot show this value
            place, mark, kind = (at, HEIGHT - BOTTOM - 5), "M-4-3L0 3L4-3", "broken"
        else:
            place, mark, kind = (at, y.at(value)), shape, "tiny" if many else "dot"
            low, high = (y.at(end) for end in p.ends or (value, value))
            if not many and abs(low - high) > 1:
                parts.append(
                    f'<path class="whisker s{color}" d="M{at - 4:.1f} {low:.1f}h8m-4 0V{high:.1f}'
                    f'm-4 0h8"/>'
                )
        parts.append(
            f'<path class="{kind} s{color}" transform="translate({place[0]:.1f} {place[1]:.1f})" '
            f'd="{mark}" data-tip="{escape(_tip(p, value, line, chart))}"/>'
        )
    return f'<g class="series">{"".join(parts)}</g>'


def _theory(line: Line, chart: LineChart, x: Scale, y: Scale, dash: str) -> str:
    good = [
        (p, p.y)
        for p in line.points
        if chart.x.shows(p.x) and p.y is not None and chart.y.shows(p.y)
    ]
    places = " ".join(f"{x.at(p.x):.1f},{y.at(value):.1f}" for p, value in good)
    tips = "".join(
        f'<path class="ghost" transform="translate({x.at(p.x):.1f} {y.at(value):.1f})" '
        f'd="{SHAPES[0]}" data-tip="{escape(_tip(p, value, line, chart))}"/>'
        for p, value in (good if len(good) <= MAX_MARKERS else [])
    )
    return f'<polyline class="theory" stroke-dasharray="{dash}" points="{places}"/>{tips}'


def _tip(point: Point, value: float, line: Line, chart: LineChart) -> str:
    x = tick(float(f"{point.x:.4g}"))
    return point.tip or f"{line.name}\n{chart.x.name}: {x}\n{chart.y.name}: {number(value, 4)}"
