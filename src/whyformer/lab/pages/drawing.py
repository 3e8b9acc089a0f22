"""Charts, heat maps and tables as HTML: SVG that a reader can hover, and the numbers behind it."""

import json
import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

from whyformer.foundation.ticks import decades, ticks
from whyformer.lab.method.bilingual import Bilingual, Language
from whyformer.lab.method.charts import (
    Axis,
    Chart,
    Figure,
    Formula,
    HeatMap,
    Series,
    SeriesStyle,
    Table,
)
from whyformer.lab.method.statistics import Estimate
from whyformer.lab.pages.cards import html_estimate, in_symbols, mathml, spread_in_words
from whyformer.lab.pages.numbers import format_estimate, number, tick
from whyformer.lab.pages.wording import WORDS

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 14, 34
COLORS = 8
"""Colours of the style sheet, then they come again with other shapes."""
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.6-3.6h7.2v7.2h-7.2z",
    "M0-4.8L4.6 3.6H-4.6z",
    "M0-5L5 0L0 5L-5 0z",
    "M0 4.8L4.6-3.6H-4.6z",
    "M-4.6-1.5h3.1v-3.1h3v3.1h3.1v3h-3.1v3.1h-3v-3.1h-3.1z",
)
DASHES = ("6 4", "2 3", "9 3 2 3", "12 4")
MOST_MARKERS = 40
"""A curve of more points has a band for its intervals instead of whiskers."""
LEVELS = 9
"""Up to so many different x are all named at a logarithmic axis."""
SHADES = 24
FEW_ROWS = 16
"""Up to so many rows of a heat map are high enough for their names."""


def drawn(figure: Figure, language: Language) -> str:
    """Return a chart, a heat map or a table as a figure of a page."""
    if isinstance(figure, Chart):
        body = _chart(figure, language)
    elif isinstance(figure, HeatMap):
        body = _heat_map(figure, language)
    else:
        body = _table(figure, language)
    kind = type(figure).__name__.lower()
    return (
        f'<figure class="{kind}" id="{escape(figure.name)}">'
        f"<figcaption><h3>{in_symbols(figure.title.in_(language))}</h3>"
        f"<p>{in_symbols(figure.caption.in_(language))}</p></figcaption>{body}</figure>"
    )


@dataclass(frozen=True)
class Scale:
    """Where a value lies between two ends of an axis, in the units of the picture."""

    low: float
    high: float
    begin: float
    end: float
    log: bool
    marks: tuple[float, ...] = ()

    def at(self, value: float) -> float:
        """Return the place of a value; what lies beyond the axis is put at its end."""
        low, high, v = self.low, self.high, value
        if self.log:
            low, high, v = math.log(low), math.log(high), math.log(max(v, self.low))
        share = min(1.0, max(0.0, (v - low) / ((high - low) or 1)))
        return self.begin + share * (self.end - self.begin)


def _chart(chart: Chart, language: Language) -> str:
    points = [p for s in chart.series for p in s.points]
    xs = [x for x, _ in points if _fits(x, chart.x)]
    ys = [
        y
        for s in chart.series
        if s.style is not SeriesStyle.MARK
        for _, e in s.points
        for y in (e.value, e.low, e.high)
        if _fits(y, chart.y)
    ]
    if not xs or not ys:
        return f"<p class=absent>{escape(WORDS['no_points'].in_(language))}</p>"
    x, y = _x_scale(chart, xs), _y_scale(chart, ys)
    parts = [*_grid(x, y)]
    legend: list[str] = []
    measured = dashed = 0
    for series in chart.series:
        name = series.name.in_(language)
        if series.style is SeriesStyle.MEASURED:
            look, color = SHAPES[measured % len(SHAPES)], measured % COLORS
            parts.append(_measured(series, chart, x, y, look, color, language))
            sample = (
                f'<path class="line s{color}" d="M1 8h26"/>'
                f'<path class="dot s{color}" transform="translate(14 8)" d="{look}"/>'
            )
            measured += 1
        elif series.style is SeriesStyle.THEORY:
            dash = DASHES[dashed % len(DASHES)]
            parts.append(_theory(series, chart, x, y, dash, language))
            sample = f'<path class="theory" stroke-dasharray="{dash}" d="M1 8h26"/>'
            dashed += 1
        else:
            at = x.at(series.points[0][0])
            parts.append(f'<path class="mark" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
            sample = '<path class="mark" d="M14 1v14"/>'
        legend.append(
            f'<li><svg viewBox="0 0 28 16" aria-hidden="true">{sample}</svg>'
            f"<span>{in_symbols(name)}</span></li>"
        )
    label = f"{chart.title.in_(language)}. {chart.caption.in_(language)}"
    return (
        f'<ul class="legend">{"".join(legend)}</ul>'
        f'<p class="axis y">{in_symbols(chart.y.name.in_(language))}</p>'
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" tabindex="0" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
        f'<p class="axis x">{in_symbols(chart.x.name.in_(language))}</p>'
        + _details(_numbers(chart, language), language)
    )


def _fits(value: float, axis: Axis) -> bool:
    return math.isfinite(value) and (value > 0 or not axis.log)


def _x_scale(chart: Chart, xs: Sequence[float]) -> Scale:
    low, high = min(xs), max(xs)
    if low == high:
        low, high = (low / 2, high * 2) if chart.x.log else (low - 1, high + 1)
    if chart.x.log:
        pad = (high / low) ** 0.02
        low, high = low / pad, high * pad
        levels = sorted(set(xs))
        marks = levels if len(levels) <= LEVELS else _log_ticks(low, high)
    else:
        pad = (high - low) * 0.02
        low, high = low - pad, high + pad
        marks = ticks(low, high, 7)
    inside = tuple(m for m in marks if low <= m <= high)
    scale = Scale(low, high, LEFT, WIDTH - RIGHT, chart.x.log)
    kept: list[float] = []
    taken = -math.inf
    for mark in inside:  # a label that would touch its neighbour is left out
        half = 5.0 * len(tick(mark)) + 3
        if scale.at(mark) - half > taken:
            kept.append(mark)
            taken = scale.at(mark) + half
    return replace(scale, marks=tuple(kept))


def _y_scale(chart: Chart, ys: Sequence[float]) -> Scale:
    low, high = min(ys), max(ys)
    if chart.y.log:
        if low == high:
            low, high = low / 2, high * 2
        pad = (high / low) ** 0.05
        low, high = low / pad, high * pad
        marks = [t for t in _log_ticks(low, high) if low <= t <= high]
    else:
        marks = ticks(low, high, 6)
        low, high = min(low, marks[0]), max(high, marks[-1])
    return Scale(low, high, HEIGHT - BOTTOM, TOP, chart.y.log, tuple(marks))


def _log_ticks(low: float, high: float) -> list[float]:
    powers = decades(low, high)
    span = math.log10(high / low)
    if span < 0.7:
        return [t for t in ticks(low, high, 5) if t > 0]
    if span < 2.5:
        return [float(f"{p * m:.6g}") for p in powers for m in (1, 2, 5)]
    step = math.ceil(span / 7)
    return [p for p in powers if round(math.log10(p)) % step == 0]


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


def _measured(
    series: Series, chart: Chart, x: Scale, y: Scale, shape: str, color: int, language: Language
) -> str:
    seen = [(a, e) for a, e in series.points if _fits(a, chart.x) and e.seeds]
    good = [(a, e) for a, e in seen if _fits(e.value, chart.y)]
    line = " ".join(f"{x.at(a):.1f},{y.at(e.value):.1f}" for a, e in good)
    parts = [f'<polyline class="line s{color}" points="{line}"/>'] if len(good) > 1 else []
    many = len(seen) > MOST_MARKERS
    if many:
        upper = [f"{x.at(a):.1f},{y.at(_end(e.high, e)):.1f}" for a, e in good]
        lower = [f"{x.at(a):.1f},{y.at(_end(e.low, e)):.1f}" for a, e in reversed(good)]
        parts.insert(0, f'<polygon class="band s{color}" points="{" ".join(upper + lower)}"/>')
    for a, e in seen:
        tip = escape(_tip(series.name, chart, a, e, language))
        if not math.isfinite(e.value):  # a run that broke down is a result
            place, mark, kind = (x.at(a), TOP + 6), "M-4-4L4 4M-4 4L4-4", "broken"
        elif chart.y.log and e.value <= 0:  # below every power of ten
            place, mark, kind = (x.at(a), HEIGHT - BOTTOM - 5), "M-4-3L0 3L4-3", "broken"
        else:
            place, mark, kind = (x.at(a), y.at(e.value)), shape, "tiny" if many else "dot"
            low, high = y.at(_end(e.low, e)), y.at(_end(e.high, e))
            if not many and abs(low - high) > 1:
                at = x.at(a)
                parts.append(
                    f'<path class="whisker s{color}" d="M{at - 4:.1f} {low:.1f}h8m-4 0V{high:.1f}'
                    f'm-4 0h8"/>'
                )
        parts.append(
            f'<path class="{kind} s{color}" transform="translate({place[0]:.1f} {place[1]:.1f})" '
            f'd="{mark}" data-tip="{tip}"/>'
        )
    return f'<g class="series">{"".join(parts)}</g>'


def _end(value: float, e: Estimate) -> float:
    return value if math.isfinite(value) else e.value


def _theory(series: Series, chart: Chart, x: Scale, y: Scale, dash: str, language: Language) -> str:
    good = [(a, e) for a, e in series.points if _fits(a, chart.x) and _fits(e.value, chart.y)]
    line = " ".join(f"{x.at(a):.1f},{y.at(e.value):.1f}" for a, e in good)
    tips = "".join(
        f'<path class="ghost" transform="translate({x.at(a):.1f} {y.at(e.value):.1f})" '
        f'd="{SHAPES[0]}" data-tip="{escape(_tip(series.name, chart, a, e, language))}"/>'
        for a, e in (good if len(good) <= MOST_MARKERS else [])
    )
    return f'<polyline class="theory" stroke-dasharray="{dash}" points="{line}"/>{tips}'


def _tip(name: Bilingual, chart: Chart, x: float, e: Estimate, language: Language) -> str:
    value = str(format_estimate(e)) if math.isfinite(e.value) else WORDS["broke_down"].in_(language)
    return "\n".join(
        (
            name.in_(language),
            f"{chart.x.name.in_(language)}: {tick(float(f'{x:.4g}'))}",
            f"{chart.y.name.in_(language)}: {value}",
            spread_in_words(e, language),
        )
    )


def _numbers(chart: Chart, language: Language) -> str:
    """Return the points as a table: a row for each x, a column for each series."""
    series = [s for s in chart.series if s.style is not SeriesStyle.MARK]
    found = [dict(s.points) for s in series]
    head = "".join(
        f'<th scope="col" class="n">{in_symbols(s.name.in_(language))}</th>' for s in series
    )
    rows = "".join(
        f'<tr><th scope="row" class="n">{tick(float(f"{x:.6g}"))}</th>'
        + "".join(
            f'<td class="n">{html_estimate(one[x], language) if x in one else ""}</td>'
            for one in found
        )
        + "</tr>"
        for x in sorted({x for one in found for x in one})
    )
    first = f'<th scope="col" class="n">{in_symbols(chart.x.name.in_(language))}</th>'
    return wide(first + head, rows)


def _details(table: str, language: Language) -> str:
    name = escape(WORDS["numbers_behind"].in_(language))
    return f"<details><summary>{name}</summary>{table}</details>"


def _heat_map(chart: HeatMap, language: Language) -> str:
    values = [[float(v) for v in row] for row in chart.values]
    finite = [v for row in values for v in row if math.isfinite(v)]
    if not finite:
        return f"<p class=absent>{escape(WORDS['no_points'].in_(language))}</p>"
    low, high = min(finite), max(finite)
    most = max(abs(low), abs(high)) or 1.0
    from_zero = low < 0 or low <= 0.5 * high or low == high
    rows = [name.in_(language) for name in chart.rows]
    left = 12 + max(map(_room, rows), default=0)
    columns = len(chart.columns)
    side = max(1.0, min(34.0, (WIDTH - left - RIGHT) / columns))
    tall = max(side, 24.0 if len(values) <= FEW_ROWS else 4.0)
    top = 26
    width, height = left + side * columns + RIGHT, top + tall * len(values) + 6
    shades: dict[tuple[str, int], list[str]] = {}
    for r, row in enumerate(values):
        c = 0
        while c < len(row):
            shade = _shade(row[c], low, high, most, from_zero)
            end = c
            while end < len(row) and _shade(row[end], low, high, most, from_zero) == shade:
                end += 1
            shades.setdefault(shade, []).append(
                f"M{left + c * side:.2f} {top + r * tall:.2f}h{(end - c) * side:.2f}v{tall:.2f}"
                f"h{-(end - c) * side:.2f}z"
            )
            c = end
    cells = "".join(
        f'<path class="{sign}" fill-opacity="{level / SHADES:.3f}" d="{"".join(path)}"/>'
        for (sign, level), path in sorted(shades.items())
        if level
    )
    names = _names(chart.columns, lambda c: (left + (c + 0.5) * side, top - 8), "middle", side, 12)
    names += _names(rows, lambda r: (left - 6, top + (r + 0.5) * tall + 4), "end", tall, 0)
    data = {
        "rows": rows,
        "columns": list(chart.columns),
        "values": [[float(f"{v:.4g}") if math.isfinite(v) else None for v in r] for r in values],
        "left": round(left, 2),
        "top": top,
        "side": round(side, 3),
        "tall": round(tall, 3),
    }
    label = f"{chart.title.in_(language)}. {chart.caption.in_(language)}"
    bottom = -most if low < 0 else (0.0 if from_zero else low)
    ramp = "".join(
        f'<i class="{sign}" style="opacity:{level / SHADES:.3f}"></i>'
        for sign, level in (
            _shade(bottom + (most - bottom) * k / 11, low, high, most, from_zero) for k in range(12)
        )
    )
    head = "".join(f'<th scope="col" class="n">{escape(name)}</th>' for name in chart.columns)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f'<td class="n">{number(v)}</td>' for v in row)
        + "</tr>"
        for name, row in zip(rows, values, strict=True)
    )
    return (
        f'<p class="ramp"><span>{number(bottom)}</span>{ramp}<span>{number(most)}</span></p>'
        f'<svg class="plot" viewBox="0 0 {width:.0f} {height:.0f}" role="img" tabindex="0" '
        f'style="max-width:{max(width, 260):.0f}px" aria-label="{escape(label)}" '
        f'data-heat="{escape(json.dumps(data, ensure_ascii=False))}">'
        f'<path class="frame" d="M{left} {top}h{side * columns:.1f}v{tall * len(values):.1f}'
        f'h{-side * columns:.1f}z"/>{cells}{names}</svg>'
        + _details(wide(f"<td></td>{head}", body), language)
    )


def _shade(value: float, low: float, high: float, most: float, from_zero: bool) -> tuple[str, int]:
    if not math.isfinite(value):
        return "warm", 0
    if from_zero:
        return ("warm" if value >= 0 else "cold"), round(SHADES * abs(value) / most)
    return "warm", max(1, round(SHADES * (value - low) / ((high - low) or 1)))


def _room(name: str) -> int:
    """Return the pixels that a name takes at most: Hangul is wider than Latin letters."""
    return sum(14 if unicodedata.east_asian_width(letter) in "FW" else 9 for letter in name)


def _names(
    names: Sequence[str],
    place: Callable[[int], tuple[float, float]],
    anchor: str,
    room: float,
    letter: float,
) -> str:
    widest = max(map(len, names), default=1) * letter + 6 if letter else 20
    step = max(1, math.ceil(widest / room))
    return "".join(
        f'<text x="{place(k)[0]:.1f}" y="{place(k)[1]:.1f}" text-anchor="{anchor}">'
        f"{escape(name)}</text>"
        for k, name in enumerate(names)
        if k % step == 0
    )


def _table(table: Table, language: Language) -> str:
    numeric = {k for row in table.rows for k, c in enumerate(row) if isinstance(c, Estimate)}
    head = "".join(
        f'<th scope="col"{" class=n" if k in numeric else ""}>{in_symbols(c.in_(language))}</th>'
        for k, c in enumerate(table.columns)
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(cell, language, first=k == 0) for k, cell in enumerate(row))
        + "</tr>"
        for row in table.rows
    )
    return wide(head, rows)


def wide(head: str, rows: str) -> str:
    """Return a table that scrolls by itself where the page is narrower. Args: as cells, as rows."""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _cell(cell: Bilingual | Formula | Estimate | None, language: Language, *, first: bool) -> str:
    if cell is None:
        return "<td></td>"
    if isinstance(cell, Formula):
        return f"<td>{mathml(cell.tex)}</td>"
    if isinstance(cell, Estimate):
        return f'<td class="n">{html_estimate(cell, language)}</td>'
    words = in_symbols(cell.in_(language))
    return f'<th scope="row">{words}</th>' if first else f"<td>{words}</td>"
