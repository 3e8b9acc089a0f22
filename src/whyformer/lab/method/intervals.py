"""Intervals of a mean, of a median and of a counted share, at any level.

An interval has the error probability `alpha`: in repeated measurements, it misses the true value
with this probability. Every function returns an unbounded interval if the values cannot give an
interval with so small an error.
"""

import math
from collections.abc import Callable, Sequence

from whyformer.evaluation.student import beta_share, quantile

Interval = tuple[float, float]

UNBOUNDED: Interval = (-math.inf, math.inf)
PLAIN_ALPHA = 0.05
"""Error probability of the intervals that the pages show."""
FAMILY = 300
"""Number of tests that share the error probability of 5 % (Bonferroni).

The family is all tests of all claims of all questions, because the index shows all verdicts
together. The number is fixed before the measurements and leaves room for more tests."""
CORRECTED_ALPHA = PLAIN_ALPHA / FAMILY
"""Error probability of the intervals that decide the verdicts. With a probability of at least 95 %,
all these intervals together contain their true values."""


def mean_interval(values: Sequence[float], alpha: float) -> Interval:
    """Return Student's t interval of the mean; unbounded for one value.

    Source: Student 1908, "The probable error of a mean".

    >>> low, high = mean_interval([1.0, 2.0, 3.0], 0.05)
    >>> round(low, 3), round(high, 3)  # 2 ± 4.303 / √3
    (-0.484, 4.484)
    """
    count = len(values)
    if count < 2 or not all(map(math.isfinite, values)):
        return UNBOUNDED
    # Subtract one of the values first, so that equal values have an interval of width 0.
    apart = [value - values[0] for value in values]
    middle = math.fsum(apart) / count
    variance = math.fsum((one - middle) ** 2 for one in apart) / (count - 1)
    half = quantile(alpha, count - 1) * math.sqrt(variance / count)
    return values[0] + middle - half, values[0] + middle + half


def median_interval(values: Sequence[float], alpha: float) -> Interval:
    """Return the interval of the median between two of the sorted values.

    The interval needs no assumption about the distribution. At 95 %, it needs six values.

    Source: David and Nagaraja 2003, "Order statistics", §7.1: the number of values below the
        median has a binomial distribution with p = 1/2.

    >>> median_interval([5.0, 1.0, 4.0, 2.0, 3.0, 6.0], 0.05)
    (1.0, 6.0)
    """
    count = len(values)
    below, left_out = 0.0, 0
    while left_out < count:
        below += math.comb(count, left_out) / 2**count
        if 2 * below > alpha:
            break
        left_out += 1
    if not left_out or any(map(math.isnan, values)):
        return UNBOUNDED
    ordered = sorted(values)
    return ordered[left_out - 1], ordered[count - left_out]


def share_interval(count: int, total: int, alpha: float) -> Interval:
    """Return the exact interval of a counted share of independent draws.

    Source: Clopper and Pearson 1934, "The use of confidence or fiducial limits": at the lower end
        of the interval, a count of at least ``count`` has a probability of alpha / 2; at the upper
        end, a count of at most ``count`` has a probability of alpha / 2.
    """
    tail = alpha / 2
    low = _where(lambda p: beta_share(count, total - count + 1, p), tail) if count else 0.0
    high = (
        _where(lambda p: beta_share(count + 1, total - count, p), 1 - tail)
        if count < total
        else 1.0
    )
    return low, high


def _where(function: Callable[[float], float], value: float) -> float:
    """Return the argument at which a function that increases from 0 to 1 has the given value."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < value else (low, middle)
    return (low + high) / 2
