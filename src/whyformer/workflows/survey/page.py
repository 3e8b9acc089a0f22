"""The report on data files as one HTML page with plots."""

from collections.abc import Sequence
from html import escape

import numpy as np

from whyformer.charts.line_chart import Line, LineChart, LineStyle, Point, line_chart
from whyformer.charts.scale import Axis
from whyformer.charts.table import cards
from whyformer.data.survey.findings import NOUNS, percent
from whyformer.data.survey.profile import Kind
from whyformer.data.survey.reasons import words
from whyformer.data.survey.side import Lengths, SideFigures
from whyformer.data.survey.survey import RATIO_RANGE, RATIO_STEPS
from whyformer.foundation.wording import counted
from whyformer.workflows.report.layout import document, grid
from whyformer.workflows.survey.report import DataReport, share_of
from whyformer.workflows.survey.text import cleaning, lengths

POINTS = 60
"""Maximum number of points of a curve."""
WIDTH = 720
"""Minimum width of a table with more than three columns, in pixels."""
SHOWN = 300
"""Maximum number of characters that are shown of a text."""
LABELS = 30
"""Maximum number of labels in the table of labels."""
FAR = 0.998
"""Lengths above this quantile are left out of the plot."""


def page(report: DataReport) -> str:
    """Return the report as a complete HTML page."""
    survey = report.survey
    lead = f"<p class=lead>{counted(survey.count, NOUNS[report.kind])}</p>"
    sections = [
        ("Files", _paragraphs(report.files.described)),
        ("What to do", _advice(report)),
        ("Figures", _figures(report)),
        ("Lengths", grid(_plots(report))),
        ("Characters by script", _scripts(report)),
        *([("Labels", _labels(report))] if survey.labels else []),
        ("Findings", _findings(report)),
        (f"The strangest {NOUNS[report.kind]}s", _strangest(report)),
    ]
    body = "".join(f"<section><h2>{escape(name)}</h2>{html}</section>" for name, html in sections)
    return document("Data: " + ", ".join(report.files.data.train), lead + body)


def _sides(report: DataReport) -> list[tuple[str, SideFigures]]:
    source, target = report.files.task_words
    found = [(source, report.survey.source)]
    return [*found, (target, report.survey.target)] if report.kind is Kind.PAIRS else found


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def _advice(report: DataReport) -> str:
    lines = [f"<li>{escape(one)}</li>" for one in report.advice]
    if command := cleaning(report):
        lines.append(f"<li>To write the good lines: <code>{escape(command)}</code></li>")
    return f"<ul>{''.join(lines)}</ul>" if lines else "<p>Nothing to correct.</p>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Return an HTML table. Args: numbers: indices of the columns that are aligned to the right."""

    def row(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if place in numbers else ''}>{escape(cell)}</{tag}>"
            for place, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    # A minimum width makes a phone scroll the table.
    narrow = f' style="min-width:{WIDTH}px"' if len(head) > 3 else ""
    return f"<div class=wide><table{narrow}><tr>{row(head, 'th')}</tr>{body}</table></div>"


def _figures(report: DataReport) -> str:
    sides = _sides(report)
    rows = [
        ("characters (median, 95 %, longest)", *(lengths(one.characters) for _, one in sides)),
        ("words (median, 95 %, longest)", *(lengths(one.words) for _, one in sides)),
        ("different characters", *(f"{one.different_characters:,}" for _, one in sides)),
        ("different words", *(f"{one.different_words.count:,}" for _, one in sides)),
        ("texts with emoji", *(f"{one.emoji:,}" for _, one in sides)),
    ]
    return _table(("", *(name for name, _ in sides)), rows, range(1, 3))


def _plots(report: DataReport) -> list[str]:
    sides, unit = _sides(report), f"% of the {NOUNS[report.kind]}s"
    found: list[str] = []
    for name in ("characters", "words"):
        drawn = [(side, getattr(one, name)) for side, one in sides]
        most = max(one.quantile(FAR) for _, one in drawn)
        lines = [Line(side, _histogram(one, most)) for side, one in drawn]
        label = f"How many {NOUNS[report.kind]}s have each number of {name}"
        found.append(line_chart(LineChart(Axis(name), Axis(unit), lines, label)))
    if report.kind is Kind.PAIRS:
        found.append(_ratios(report, unit))
    return found


def _histogram(found: Lengths, most: int) -> list[Point]:
    """Return the share of texts in each bin of lengths; all bins have the same width. Args: most:
    the largest length to show."""
    total = max(1, int(found.counts.sum()))
    width = -(-(most + 1) // POINTS)
    sums = [found.counts[start : start + width].sum() for start in range(0, most + 1, width)]
    return [
        Point(place * width + (width - 1) / 2, 100 * float(one) / total / width)
        for place, one in enumerate(sums)
    ]


def _ratios(report: DataReport, unit: str) -> str:
    counts = report.survey.ratios
    total = max(1, int(counts.sum()))
    inside = np.flatnonzero(counts)
    first, last = (int(inside[0]), int(inside[-1])) if len(inside) else (0, 0)
    width = max(1, (last - first) // POINTS)
    points = [
        Point(
            2 ** ((start + (width - 1) / 2) / RATIO_STEPS - RATIO_RANGE),
            100 * float(counts[start : start + width].sum()) / total,
        )
        for start in range(first, last + 1, width)
    ]
    lines = [Line("pairs", points)]
    ratio = report.survey.profile.ratio
    if ratio is not None:
        usual = Point(float(np.exp(ratio.log_ratio)), 0)
        lines.append(Line("median", [usual], LineStyle.MARK))
    x = Axis("target length / source length, in characters", log=True)
    return line_chart(LineChart(x, Axis(unit), lines, "How many pairs have each length ratio"))


def _scripts(report: DataReport) -> str:
    sides = _sides(report)
    names = dict.fromkeys(name for _, side in sides for name in side.letters)
    rows = [(name, *(percent(side.letters.get(name, 0.0)) for _, side in sides)) for name in names]
    if not rows:
        return "<p>No letters.</p>"
    return _table(("share of the letters", *(name for name, _ in sides)), rows, range(1, 3))


def _labels(report: DataReport) -> str:
    labels = report.survey.labels
    total = sum(labels.values())
    rows = [
        (label, f"{count:,}", percent(count / total)) for label, count in labels.most_common(LABELS)
    ]
    more = f"<p>and {len(labels) - LABELS:,} more</p>" if len(labels) > LABELS else ""
    return _table(("label", "texts", "share"), rows, (1, 2)) + more


def _findings(report: DataReport) -> str:
    rows: list[Sequence[str]] = [
        (f"{count:,}", share_of(report, reason), words(reason, report.kind), reason,
         report.treatment(reason))
        for reason, count in report.found
    ]  # fmt: skip
    faults = report.files.faults.count
    if faults:
        rows.append((f"{faults:,}", "", "cannot be read", "", "leaves it out"))
    rows += [
        ("0", "", words(reason, report.kind), reason, "") for reason in report.absent
    ]  # fmt: skip
    head = (f"{NOUNS[report.kind]}s", "share", "found", "name", "what --clean does")
    return _table(head, rows, (0, 1))


def _strangest(report: DataReport) -> str:
    rows = [
        (
            one.item.place,
            report.explained(one),
            _clipped(one.item.source),
            *((_clipped(one.item.target),) if report.kind is not Kind.TEXT else ()),
        )
        for one in report.survey.strangest
    ]
    if not rows:
        return "<p>None.</p>"
    sides = report.files.task_words[: 1 + (report.kind is not Kind.TEXT)]
    return cards(("line", "reason", *sides), rows)


def _clipped(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
