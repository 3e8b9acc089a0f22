"""The error report as one HTML file."""

from collections.abc import Sequence
from html import escape

from whyformer.charts.line_chart import Line, LineChart, LineStyle, Point, line_chart
from whyformer.charts.scale import Axis
from whyformer.charts.table import cards, table
from whyformer.workflows.errors.report import ErrorReport, Mistake
from whyformer.workflows.report.layout import document, grid

MOST_ROWS = 20


def errors_page(report: ErrorReport) -> str:
    """Return the page: scores, kinds, confusions, calibration, and the worst answers."""
    verb = "is" if report.wrong == 1 else "are"
    lead = f"{report.wrong:,} of {report.items:,} answers {verb} wrong on {report.where}."
    sections = [
        ("Scores", _lines([lead, *map(str, report.scores), *report.verdict, *report.notes])),
        ("Kinds of errors", _kinds(report)),
        (f"Confused {report.unit}s", _confusions(report)),
        ("Calibration", _calibration(report)),
        ("Worst answers", _mistakes(report.mistakes)),
        ("Contradictions in the training data", _contradictions(report)),
    ]
    body = "".join(f"<section><h2>{escape(n)}</h2>{html}</section>" for n, html in sections if html)
    return document(f"Errors of {report.run}", body)


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    names = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return table(names, body) if rows else ""


def _kinds(report: ErrorReport) -> str:
    rows = []
    for kind in report.kinds:
        rate = rest = ""
        if kind.items is not None:
            others = max(1, report.items - kind.items)
            rate = f"{kind.wrong / max(1, kind.items):.0%} of {kind.items:,}"
            rest = f"{(report.wrong - kind.wrong) / others:.0%}"
        rows.append((kind.name, f"{kind.wrong:,}", rate, rest))
    return _table(("kind", "wrong", "wrong items of this kind", "wrong among the others"), rows)


def _confusions(report: ErrorReport) -> str:
    rows = [
        (right or "(none)", answer or "(none)", f"{times:,}")
        for right, answer, times in report.confusions[:MOST_ROWS]
    ]
    return _table(("right", "answer", "times"), rows)


def _calibration(report: ErrorReport) -> str:
    if report.curve is None:
        return ""
    points = [Point(b.confidence, b.right, *b.interval) for b in report.curve.bins]
    lines = [
        Line("this run", points),
        Line("perfect calibration", [Point(0, 0), Point(1, 1)], LineStyle.THEORY),
    ]
    chart = LineChart(
        Axis("confidence"), Axis("fraction right"), lines, "Fraction right over confidence"
    )
    error = (
        "Expected calibration error (mean difference between confidence and fraction right): "
        f"{report.curve.error:.3f}."
    )
    rows = [
        (
            f"{b.confidence:.2f}",
            f"{b.right:.2f}",
            "{:.2f} – {:.2f}".format(*b.interval),
            f"{b.items}",
        )
        for b in report.curve.bins
    ]
    head = ("confidence", "fraction right", "95 % interval", "items")
    return _lines([error]) + grid([line_chart(chart)]) + _table(head, rows)


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    rows = []
    for one in mistakes:
        near = "; ".join(f"{n.source} → {n.target} ({n.similarity:.2f})" for n in one.neighbours)
        sure = "" if one.confidence is None else f"{one.confidence:.2f}"
        kinds = ", ".join(one.kinds)
        rows.append((str(one.item), one.source, one.answer, one.right, sure, kinds, near))
    head = ("item", "source", "answer", "right", "confidence", "kinds", "similar training data")
    return cards(head, rows)


def _contradictions(report: ErrorReport) -> str:
    if not report.contradictory:
        return ""
    rows = [
        (one.source, "; ".join(f"{target} ({times}×)" for target, times in one.targets))
        for one in report.contradictions
    ]
    return _lines([report.contradictions_line()]) + _table(("source", "targets"), rows)
