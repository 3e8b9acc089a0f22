"""95 % confidence intervals: Wilson's for proportions, bootstrap for other metrics."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from whyformer.evaluation.student import quantile

Array = np.ndarray
Value = Callable[[Array], float]

RESAMPLES = 1000
SEED = 12345
FEWEST_ITEMS = 20
"""With fewer items than this, there is neither an interval nor a p-value; see
docs/evaluation.md."""
NO_SPREAD = "A score has no interval if all bootstrap resamples have the same value."
Z = NormalDist().inv_cdf(0.975)


class IntervalKind(StrEnum):
    """How the interval of a metric is computed."""

    BOOTSTRAP = "bootstrap"
    """Resample the items with replacement."""
    WILSON = "wilson"
    """The metric is 100 times a proportion: the sum of column 0 of its statistics divided by the
    sum of column 1."""


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval, or the reason why there is none.

    Args:
        ends: low and high, in the unit of the metric; None without an interval.
        signature: how the interval was computed; "" without an interval.
        note: a sentence with the reason if there is no interval, else None.
    """

    ends: tuple[float, float] | None = None
    signature: str = ""
    note: str | None = None


def few_items(items: int) -> str | None:
    """Return why so few items have no interval and no p-value; None if there are enough items.

    >>> few_items(1)
    '1 item is too few for an interval or a significance test: at least 20 are needed.'
    """
    if items >= FEWEST_ITEMS:
        return None
    return (
        f"{items} item{' is' if items == 1 else 's are'} too few for an interval or a "
        f"significance test: at least {FEWEST_ITEMS} are needed."
    )


def interval_of(
    kind: IntervalKind, value: Value, statistics: Array, *, resamples: int, seed: int
) -> Interval:
    """Return the 95 % interval of a metric.

    Args:
        value: function that computes the metric from the sums of the columns of ``statistics``.
        statistics: the statistics of each item, (items, k).
        resamples: number of bootstrap samples; 0 means no interval, for every kind.
    """
    if not resamples:
        return Interval()
    if (note := few_items(len(statistics))) is not None:
        return Interval(note=note)
    if kind is IntervalKind.WILSON:
        plain = bool((statistics[:, 1] == 1).all())
        name = "wilson-95" if plain else "wilson-design-effect-95"
        return Interval(proportion_interval(statistics), f"interval:{name}")
    sums = resampled_sums(statistics[None], resamples=resamples, seed=seed)[:, 0]
    return from_resamples([value(row) for row in sums], len(statistics), seed)


def from_resamples(values: list[float], items: int, seed: int) -> Interval:
    """Return the interval of a metric from its values on bootstrap samples."""
    if (note := few_items(items)) is not None:
        return Interval(note=note)
    ends = expanded_percentiles(np.asarray(values), items)
    if ends is None:
        return Interval(note=NO_SPREAD)
    name = f"interval:bootstrap-expanded-percentile-95|bs:{len(values)}|seed:{seed}"
    return Interval(ends, name)


def expanded_percentiles(values: Array, items: int) -> tuple[float, float] | None:
    """Return the ends of a 95 % interval of bootstrap values; None if all values are equal.

    The percentiles 2.5 and 97.5 are too narrow for few items: they correspond to dividing by n
    instead of n - 1, and to the normal distribution instead of Student's t. The expanded
    percentiles correct both errors. For 20 items they are 1.6 and 98.4, for 1,000 items 2.5 and
    97.5.
    Source: Hesterberg 2015, "What Teachers Should Know about the Bootstrap", §5.3 (expanded
    percentiles); Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation",
    §3, for the resampling of lines.
    """
    if np.ptp(values) <= 1e-9 * max(1.0, float(np.abs(values).max())):
        return None
    outside = 100 * NormalDist().cdf(-math.sqrt(items / (items - 1)) * quantile(0.05, items - 1))
    low, high = np.percentile(values, [outside, 100 - outside])
    return float(low), float(high)


def proportion_interval(statistics: Array) -> tuple[float, float]:
    """Return Wilson's 95 % confidence interval of a proportion, in percent.

    Source: Wilson 1927; Korn and Graubard 1998 for items with several draws, such as the words of a
    sentence. If items have several draws, the number of draws is divided by the design effect: the
    variance between items, divided by the variance of independent draws. If items do not vary (for
    example, if everything is correct), each item counts as one draw.
    Args: statistics: for each item, the number of correct draws and the number of draws.

    >>> low, high = proportion_interval(np.array([[1.0, 1.0]] * 30))
    >>> round(low, 1), round(high, 1)
    (88.6, 100.0)
    """
    items = len(statistics)
    right, total = (float(one) for one in statistics.sum(axis=0))
    if not total:
        return 0.0, 100.0
    share = right / total
    draws = total
    if not (statistics[:, 1] == 1).all():
        residual = statistics[:, 0] - share * statistics[:, 1]
        variance = float(residual @ residual) / total**2 * items / max(1, items - 1)
        if variance > 1e-12:
            draws = share * (1 - share) / variance * (Z / quantile(0.05, items - 1)) ** 2
            draws = min(draws, total)
        else:
            draws = float(items)
    return wilson(share, draws)


def wilson(share: float, draws: float) -> tuple[float, float]:
    """Return Wilson's 95 % confidence interval of a fraction of independent draws, in percent."""
    middle = (share + Z**2 / (2 * draws)) / (1 + Z**2 / draws)
    half = Z / (1 + Z**2 / draws)
    half *= math.sqrt(share * (1 - share) / draws + Z**2 / (4 * draws**2))
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def resampled_sums(statistics: Array, *, resamples: int, seed: int) -> Array:
    """Draw bootstrap samples of the items and return the sums of their statistics.

    All systems use the same samples, as paired tests require.
    Args: statistics: the statistics of each item, (systems, items, k).
    Returns: the sums over each sample, (resamples, systems, k).
    """
    items = statistics.shape[1]
    generator = np.random.default_rng(seed)
    sums = np.empty((resamples, statistics.shape[0], statistics.shape[2]))
    for row in sums:
        times = np.bincount(generator.integers(items, size=items), minlength=items)
        row[:] = times @ statistics
    return sums
