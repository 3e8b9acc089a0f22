"""Estimates and intervals over seeds. Only seeds are repetitions, not tokens or rows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from whyformer.lab.method.intervals import (
    CORRECTED_ALPHA,
    PLAIN_ALPHA,
    UNBOUNDED,
    Interval,
    mean_interval,
    median_interval,
    share_interval,
)

FEWEST_FOR_INTERVAL = 3
"""With fewer seeds than this, the pages show the range of the values, because the interval of two
values is too wide to be read. The verdicts use the interval."""


class Spread(StrEnum):
    """The meaning of the two ends of an estimate."""

    STUDENT = "t"
    """95 % t-interval of a mean over seeds."""
    ORDER = "order"
    """Interval of a median between two of the sorted values, with a coverage of at least 95 %."""
    RANGE = "range"
    """Lowest and highest value, if there are too few seeds for an interval."""
    BINOMIAL = "binomial"
    """95 % Clopper-Pearson interval of a counted share."""
    COMPARED = "compared"
    """Interval of `whyformer compare`: Student's t over seeds and, if known, test items."""
    EXACT = "exact"
    """No interval: the number is counted or computed and equal for all seeds."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval and the number of seeds.

    Args: corrected: the interval that decides a verdict, at the level of `CORRECTED_ALPHA`; None if
        it is equal to the interval that is shown.
    """

    value: float
    low: float
    high: float
    seeds: int
    spread: Spread
    corrected: Interval | None = None

    def map(self, change: Callable[[float], float]) -> "Estimate":
        """Transform the number and its intervals. Args: change: a monotone function."""

        def ends(low: float, high: float) -> Interval:
            first, second = sorted((_changed(change, low), _changed(change, high)))
            return first, second

        return Estimate(
            _changed(change, self.value),
            *ends(self.low, self.high),
            self.seeds,
            self.spread,
            None if self.corrected is None else ends(*self.corrected),
        )

    @property
    def percent(self) -> "Estimate":
        """Return a share as a percentage."""
        return self.map(lambda share: 100 * share)

    @property
    def judged(self) -> Interval:
        """The interval for the verdict."""
        return (self.low, self.high) if self.corrected is None else self.corrected


def _changed(change: Callable[[float], float], value: float) -> float:
    try:
        return change(value)
    except OverflowError:  # the exponential function of the end of a very wide interval
        return math.inf


NOT_MEASURED = Estimate(math.nan, math.nan, math.nan, 0, Spread.RANGE)
"""Placeholder for a number that is not measured in this mode. Every test of such a number stays
open."""


def exactly(value: float) -> Estimate:
    """Return an estimate without an interval."""
    return Estimate(float(value), float(value), float(value), 1, Spread.EXACT)


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean over seeds with its t-intervals."""
    return _over_seeds(float(np.mean(values)), values, mean_interval, Spread.STUDENT)


def median(values: Sequence[float]) -> Estimate:
    """Return the median over seeds with intervals between two of the sorted values."""
    return _over_seeds(float(np.median(values)), values, median_interval, Spread.ORDER)


Statistic = Callable[[Sequence[float]], Estimate]
"""Function that computes one number over seeds with its intervals: `mean` or `median`."""


def estimate(values: Sequence[float] | None, statistic: Statistic = mean) -> Estimate:
    """Return a statistic over seeds with its 95 % interval; `NOT_MEASURED` for None.

    >>> estimate([1.0, 1.0, 1.0]).value
    1.0
    """
    if values is None:
        return NOT_MEASURED
    if not len(values):
        raise ValueError("an estimate needs at least one value")
    return statistic([float(value) for value in values])


def _over_seeds(
    value: float,
    values: Sequence[float],
    interval: Callable[[Sequence[float], float], Interval],
    spread: Spread,
) -> Estimate:
    corrected = interval(values, CORRECTED_ALPHA)
    shown = interval(values, PLAIN_ALPHA)
    if len(values) < FEWEST_FOR_INTERVAL or shown == UNBOUNDED:
        lowest, highest = float(np.min(values)), float(np.max(values))
        return Estimate(value, lowest, highest, len(values), Spread.RANGE, corrected)
    return Estimate(value, *shown, len(values), spread, corrected)


def paired(a: Sequence[float] | None, b: Sequence[float] | None) -> Estimate:
    """Return the mean of b - a over seeds; `NOT_MEASURED` if one of the two is None.

    >>> paired([1.0, 2.0], [2.0, 4.0]).value
    1.5
    """
    if a is None or b is None:
        return NOT_MEASURED
    return estimate([y - x for x, y in zip(a, b, strict=True)])


def geometric(values: Sequence[float]) -> Estimate:
    """Return the geometric mean over seeds. A few very large values change this mean only a little.

    >>> round(geometric([1.0, 100.0]).value, 9)
    10.0
    """
    return estimate([math.log(value) for value in values]).map(math.exp)


def proportion(count: int, total: int) -> Estimate:
    """Return a counted share of independent draws with its exact 95 % interval.

    >>> share = proportion(0, 10)
    >>> round(share.high, 4)  # 1 - 0.025^(1/10)
    0.3085
    """
    if not 0 <= count <= total or not total:
        raise ValueError("a share requires 0 <= count <= total and a total of at least 1")
    shown = share_interval(count, total, PLAIN_ALPHA)
    corrected = share_interval(count, total, CORRECTED_ALPHA)
    return Estimate(count / total, *shown, 1, Spread.BINOMIAL, corrected)


def log_slope(x: Sequence[float], curves: Sequence[Sequence[float]]) -> Estimate:
    """Return the exponent p of y ~ x^p: the slope of a line through the points on log-log axes.

    Args: curves: for each seed, y at every x.

    >>> round(log_slope([1, 2, 4], [[3, 12, 48]]).value, 6)
    2.0
    """
    return estimate([_slope(np.log(x), np.log(np.asarray(y, dtype=float))) for y in curves])


def slope(x: Sequence[float], curves: Sequence[Sequence[float]]) -> Estimate:
    """Return the slope of a line through the points on linear axes, computed for each seed."""
    return estimate([_slope(np.asarray(x, float), np.asarray(y, dtype=float)) for y in curves])


def local_slopes(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Return the exponent between neighboring points, because one slope would hide a sudden change.

    >>> local_slopes([1, 2, 4], [1, 2, 8])
    [1.0, 2.0]
    """
    rise, run = np.diff(np.log(np.asarray(y, dtype=float))), np.diff(np.log(x))
    return [round(float(v), 12) for v in rise / run]


def r_squared(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the share of the variance that a straight line explains.

    >>> r_squared([1, 2, 3], [2, 4, 6])
    1.0
    """
    correlation = float(np.corrcoef(np.asarray(x, float), np.asarray(y, float))[0, 1])
    return round(correlation**2, 12)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    # Round, because the last bits differ between versions of NumPy and would change the pages.
    return round(float(np.polyfit(x, y, 1)[0]), 12)
