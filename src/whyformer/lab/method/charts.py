"""The contents of figures, as data in both languages. `pages/drawing.py` draws the figures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from whyformer.charts.line_chart import LineStyle
from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.method.statistics import Estimate, exactly


@dataclass(frozen=True)
class Axis:
    """The label of an axis, with its unit, and its scale."""

    name: Bilingual
    log: bool = False


VALIDATION_LOSS = Axis(Bilingual("validation loss, nats a character", "검증 손실 (문자당 nat)"))
PEAK_RATE = Axis(Bilingual("peak learning rate, Adam", "최고 학습률 (Adam)"), log=True)
SHARE_RIGHT = Axis(Bilingual("share of right answers", "정답률"))


Points = Sequence[tuple[float, Estimate]]
"""The x and the estimate of each point of a curve."""


@dataclass(frozen=True)
class Series:
    """One curve."""

    name: Bilingual
    points: Points
    style: LineStyle = LineStyle.MEASURED


def theory(name: Bilingual, xs: Iterable[float], formula: Callable[[Any], float]) -> Series:
    """Return a formula as a dashed line through its values at ``xs``."""
    return Series(name, [(x, exactly(formula(x))) for x in xs], LineStyle.THEORY)


def mark(name: Bilingual, x: float) -> Series:
    """Return a vertical line at ``x``."""
    return Series(name, [(x, exactly(x))], LineStyle.MARK)


@dataclass(frozen=True)
class Chart:
    """Curves with common axes.

    Args: caption: text that tells the reader what to look for.
    """

    name: str
    title: Bilingual
    x: Axis
    y: Axis
    series: Sequence[Series]
    caption: Bilingual


@dataclass(frozen=True)
class HeatMap:
    """A matrix of numbers with names for its rows and columns."""

    name: str
    title: Bilingual
    rows: Sequence[Bilingual]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]
    caption: Bilingual


@dataclass(frozen=True)
class Formula:
    """A formula in a cell of a table, as TeX."""

    tex: str


@dataclass(frozen=True)
class Table:
    """A table of texts, formulas and measured numbers.

    Args:
        columns: the headings of the columns.
        rows: the rows, each with one cell for every column; None is an empty cell.
    """

    name: str
    title: Bilingual
    columns: Sequence[Bilingual]
    rows: Sequence[Sequence[Bilingual | Formula | Estimate | None]]
    caption: Bilingual


Figure = Chart | HeatMap | Table
"""The types of figures that `charts(results)` may return."""
