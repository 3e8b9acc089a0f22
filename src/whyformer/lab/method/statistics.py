"""Estimates and intervals over seeds. Only seeds are repetitions, not tokens or rows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from whyformer.evaluation.student import beta_share

RESAMPLES = 10_000
FEWEST_FOR_BOOTSTRAP = 5
"""With fewer seeds than this, the estimate has the range of the values instead of a bootstrap
interval, because a bootstrap of so few values is not reliable."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""Function that computes one number for each resample from values of shape (resamples, seeds)."""


class Spread(StrEnum):
    """The meaning of the two ends of an estimate."""

    BOOTSTRAP = "bootstrap"
    """95 % percentile bootstrap over seeds."""
    RANGE = "range"
    """Lowest and highest value, if there are too few seeds for a bootstrap."""
    BINOMIAL = "binomial"
    """95 % Clopper-Pearson interval of a counted share."""
    STUDENT = "student"
    """Interval of `whyformer compare`: Student's t over seeds and, if known, test items."""
    EXACT = "exact"
    """No interval: the number is counted or computed and equal for all seeds."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval and the number of seeds."""

    value: float
    low: float
    high: float
    seeds: int
    spread: Spread

    def map(self, change: Callable[[float], float]) -> "Estimate":
        """Transform the number and its interval. Args: change: a monotone function."""
        low, high = sorted((change(self.low), change(self.high)))
        return Estimate(change(self.value), low, high, self.seeds, self.spread)

    @property
    def percent(self) -> "Estimate":
        """Return a share as a percentage."""
        return self.map(lambda share: 100 * share)

    @property
    def judged(self) -> tuple[float, float]:
        """The interval for the verdict; a range is widened by its width on both sides.

        The range of two values contains the mean of a normal distribution with probability 50 %.
        After the widening, the probability is (2/π)·arctan 3 = 80 %: the ratio (half the sum of the
        values minus the mean) / (half their difference) has a Cauchy distribution.

        >>> Estimate(2.0, 1.0, 3.0, 2, Spread.RANGE).judged
        (-1.0, 5.0)
        """
        margin = self.high - self.low if self.spread is Spread.RANGE else 0.0
        return self.low - margin, self.high + margin


NOT_MEASURED = Estimate(math.nan, math.nan, math.nan, 0, Spread.RANGE)
"""Placeholder for a number that is not measured in this mode. Every test of such a number stays
open."""


def exactly(value: float) -> Estimate:
    """Return an estimate without an interval."""
    return Estimate(float(value), float(value), float(value), 1, Spread.EXACT)


def mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of each resample."""
    return values.mean(-1)


def median(values: np.ndarray) -> np.ndarray:
    """Return the median of each resample."""
    return np.median(values, -1)


def estimate(values: Sequence[float] | None, statistic: Statistic = mean) -> Estimate:
    """Return a statistic over seeds with its 95 % interval; `NOT_MEASURED` for None.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", §13.3 (percentile).

    >>> estimate([1.0, 1.0, 1.0]).value
    1.0
    """
    if values is None:
        return NOT_MEASURED
    seen = np.asarray(values, dtype=float)
    if not len(seen):
        raise ValueError("an estimate needs at least one value")
    value = float(statistic(seen[None])[0])
    if len(seen) < FEWEST_FOR_BOOTSTRAP or not np.isfinite(seen).all():
        return Estimate(value, float(seen.min()), float(seen.max()), len(seen), Spread.RANGE)
    low, high = np.percentile(statistic(seen[_resamples(len(seen))]), [2.5, 97.5])
    return Estimate(value, float(low), float(high), len(seen), Spread.BOOTSTRAP)


@lru_cache(maxsize=8)
def _resamples(count: int) -> np.ndarray:
    """Return the indices of the values in each resample; equal calls return equal indices."""
    rows = np.random.default_rng(0).integers(count, size=(RESAMPLES, count))
    rows.flags.writeable = False
    return rows


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

    Source: Clopper and Pearson 1934, "The use of confidence or fiducial limits": at the lower end
        of the interval, a count of at least ``count`` has a probability of 2.5 %; at the upper end,
        a count of at most ``count`` has a probability of 2.5 %.

    >>> share = proportion(0, 10)
    >>> round(share.high, 4)  # 1 - 0.025^(1/10)
    0.3085
    """
    if not 0 <= count <= total or not total:
        raise ValueError("a share requires 0 <= count <= total and a total of at least 1")
    low = _where(lambda p: beta_share(count, total - count + 1, p), 0.025) if count else 0.0
    high = (
        _where(lambda p: beta_share(count + 1, total - count, p), 0.975) if count < total else 1.0
    )
    return Estimate(count / total, low, high, 1, Spread.BINOMIAL)


def _where(function: Callable[[float], float], value: float) -> float:
    """Return the argument at which a function that increases from 0 to 1 has the given value."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < value else (low, middle)
    return (low + high) / 2


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
