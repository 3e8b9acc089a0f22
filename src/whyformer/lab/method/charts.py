"""What a figure shows, as data in both languages; `pages/drawing.py` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass

from whyformer.charts.line_chart import LineStyle
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.statistics import Estimate


@dataclass(frozen=True)
class Axis:
    """What is along an axis, with its unit."""

    name: Bilingual
    log: bool = False


@dataclass(frozen=True)
class Series:
    """One curve: its points (x, estimate)."""

    name: Bilingual
    points: Sequence[tuple[float, Estimate]]
    style: LineStyle = LineStyle.MEASURED


@dataclass(frozen=True)
class Chart:
    """Curves over a common pair of axes.

    Args: caption: what to see in it.
    """

    name: str
    title: Bilingual
    x: Axis
    y: Axis
    series: Sequence[Series]
    caption: Bilingual


@dataclass(frozen=True)
class HeatMap:
    """A matrix of numbers; rows and columns are named."""

    name: str
    title: Bilingual
    rows: Sequence[Bilingual]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]
    caption: Bilingual


@dataclass(frozen=True)
class Formula:
    """Mathematics in a cell of a table, as TeX."""

    tex: str


@dataclass(frozen=True)
class Table:
    """Words, formulas and measured numbers side by side.

    Args: columns: their heads. rows: of as many cells; None is an empty cell.
    """

    name: str
    title: Bilingual
    columns: Sequence[Bilingual]
    rows: Sequence[Sequence[Bilingual | Formula | Estimate | None]]
    caption: Bilingual


Figure = Chart | HeatMap | Table
"""What `charts(results)` may return."""
