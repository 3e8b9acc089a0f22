"""Draw the figures of a question in one language. A table below each figure shows its numbers."""

import math
from html import escape

from whyformer.charts.heat_map import HeatMap as PlainHeatMap
from whyformer.charts.heat_map import heat_map, heat_map_table
from whyformer.charts.line_chart import Line, LineChart, LineStyle, Point, line_chart
from whyformer.charts.numbers import tick
from whyformer.charts.scale import Axis as PlainAxis
from whyformer.charts.table import folded, table
from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.lab.method.charts import Axis, Chart, Figure, Formula, HeatMap, Series, Table
from whyformer.lab.method.statistics import Estimate
from whyformer.lab.pages.cards import html_estimate, mathml, spread_in_words
from whyformer.lab.pages.numbers import format_estimate
from whyformer.lab.pages.wording import WORDS


def drawn(figure: Figure, language: Language) -> str:
    """Return a chart, a heat map or a table as a figure of a page."""
    return (
        f"{_opening(figure)}<figcaption>{_title(figure, language)}{_caption(figure, language)}"
        f"</figcaption>{_body(figure, language)}</figure>"
    )


def drawn_first(figure: Figure, language: Language, hint: str) -> str:
    """Return the figure of the first screen, with its caption below or beside it.

    Args: hint: HTML that tells how to read the values.
    """
    return (
        f'{_opening(figure)}<div class="plate">{_title(figure, language)}'
        f"{_body(figure, language)}</div>"
        f"<figcaption>{_caption(figure, language)}{hint}</figcaption></figure>"
    )


def _opening(figure: Figure) -> str:
    return f'<figure class="{type(figure).__name__.lower()}" id="{escape(figure.name)}">'


def _title(figure: Figure, language: Language) -> str:
    return f"<h3>{in_symbols(figure.title.in_(language))}</h3>"


def _caption(figure: Figure, language: Language) -> str:
    return f"<p>{in_symbols(figure.caption.in_(language))}</p>"


def _body(figure: Figure, language: Language) -> str:
    if isinstance(figure, Chart):
        return _chart(figure, language)
    if isinstance(figure, HeatMap):
        return _heat_map(figure, language)
    return _table(figure, language)


def _chart(chart: Chart, language: Language) -> str:
    plain = LineChart(
        _axis(chart.x, language),
        _axis(chart.y, language),
        [_line(series, chart, language) for series in chart.series],
        _label(chart, language),
    )
    empty = WORDS["no_points"].in_(language)
    made = line_chart(plain, empty=empty)
    return _with_numbers(made, _numbers(chart, language), language)


def _heat_map(chart: HeatMap, language: Language) -> str:
    rows = [name.in_(language) for name in chart.rows]
    plain = PlainHeatMap(rows, chart.columns, chart.values, _label(chart, language))
    empty = WORDS["no_points"].in_(language)
    return _with_numbers(heat_map(plain, empty=empty), heat_map_table(plain), language)


def _with_numbers(made: str, numbers: str, language: Language) -> str:
    if "<svg" not in made:  # there is no chart if nothing was measured
        return made
    return made + folded(escape(WORDS["numbers_behind"].in_(language)), numbers)


def _label(figure: Chart | HeatMap, language: Language) -> str:
    return f"{figure.title.in_(language)}. {figure.caption.in_(language)}"


def _axis(axis: Axis, language: Language) -> PlainAxis:
    return PlainAxis(axis.name.in_(language), axis.log)


def _line(series: Series, chart: Chart, language: Language) -> Line:
    points = [
        Point(x, e.value if e.seeds else None, e.low, e.high, _tip(series, chart, x, e, language))
        for x, e in series.points
    ]
    return Line(series.name.in_(language), points, series.style)


def _tip(series: Series, chart: Chart, x: float, e: Estimate, language: Language) -> str:
    value = str(format_estimate(e)) if math.isfinite(e.value) else WORDS["broke_down"].in_(language)
    return "\n".join(
        (
            series.name.in_(language),
            f"{chart.x.name.in_(language)}: {tick(float(f'{x:.4g}'))}",
            f"{chart.y.name.in_(language)}: {value}",
            spread_in_words(e, language),
        )
    )


def _numbers(chart: Chart, language: Language) -> str:
    """Return the points of a chart as a table: one row for each x, one column for each series."""
    series = [s for s in chart.series if s.style is not LineStyle.MARK]
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
    return table(first + head, rows)


def _table(figure: Table, language: Language) -> str:
    numeric = {k for row in figure.rows for k, c in enumerate(row) if isinstance(c, Estimate)}
    head = "".join(
        f'<th scope="col"{" class=n" if k in numeric else ""}>{in_symbols(c.in_(language))}</th>'
        for k, c in enumerate(figure.columns)
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(cell, language, first=k == 0) for k, cell in enumerate(row))
        + "</tr>"
        for row in figure.rows
    )
    return table(head, rows)


def _cell(cell: Bilingual | Formula | Estimate | None, language: Language, *, first: bool) -> str:
    if cell is None:
        return "<td></td>"
    if isinstance(cell, Formula):
        return f"<td>{mathml(cell.tex)}</td>"
    if isinstance(cell, Estimate):
        return f'<td class="n">{html_estimate(cell, language)}</td>'
    words = in_symbols(cell.in_(language))
    return f'<th scope="row">{words}</th>' if first else f"<td>{words}</td>"
