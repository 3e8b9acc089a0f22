"""What a figure shows, as data in both languages; `pages/drawing.py` draws it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from whyformer.charts.line_chart import LineStyle
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.statistics import Estimate, exactly


@dataclass(frozen=True)
class Axis:
    """What is along an axis, with its unit."""

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
