"""What a number of seeds can show: power, the smallest detectable effect, and the seeds needed."""

import math
from statistics import NormalDist

import numpy as np

from whyformer.evaluation.comparison.root import zero_of
from whyformer.evaluation.comparison.variance import half_width
from whyformer.evaluation.interval import Array
from whyformer.evaluation.student import quantile

POWER = 0.8
MOST_SEEDS = 10_000
_phi = np.vectorize(NormalDist().cdf, otypes=[float])


def power(
    effect: float,
    seeds: int,
    deviation_between_seeds: float,
    *,
    deviation_of_lines: float = 0.0,
    lines: int | None = None,
    level: float = 0.95,
) -> float:
    """Return the probability that an effect of this size is found: the interval excludes 0.

    With early stopping, pass the level of the last look. The result is then a lower limit, because
    earlier looks can only find more.

    Args:
        effect: the true effect; its sign does not matter.
        deviation_between_seeds: standard deviation of arm minus base between seeds.
        deviation_of_lines: standard deviation of the effect between test sets of this size, if
            there were unlimited seeds.
    """
    parts = deviation_between_seeds**2 / seeds, deviation_of_lines**2
    deviation = math.sqrt(sum(parts))
    if not deviation:
        return float(effect != 0)
    ratio, weights = _variance_ratios(seeds - 1)
    half = half_width(parts[0] * ratio, np.full_like(ratio, parts[1]), seeds, lines, level)
    found = _phi((abs(effect) - half) / deviation) + _phi((-abs(effect) - half) / deviation)
    return float(found @ weights)


def detectable_effect(
    seeds: int,
    deviation_between_seeds: float,
    *,
    deviation_of_lines: float = 0.0,
    lines: int | None = None,
    wanted: float = POWER,
    level: float = 0.95,
) -> float:
    """Return the smallest effect that so many seeds find with the wanted power.

    Args: see `power`.
    """

    def excess(effect: float) -> float:
        found = power(
            effect,
            seeds,
            deviation_between_seeds,
            deviation_of_lines=deviation_of_lines,
            lines=lines,
            level=level,
        )
        return found - wanted

    if not deviation_between_seeds and not deviation_of_lines:
        return 0.0
    high = deviation_between_seeds + deviation_of_lines
    while excess(high) < 0:
        high *= 2
    return zero_of(excess, 0.0, high)


def chance_to_settle(
    effect: float,
    margin: float,
    seeds: int,
    more_seeds: int,
    deviation_between_seeds: float,
    *,
    deviation_of_lines: float = 0.0,
    lines: int | None = None,
    level: float = 0.95,
) -> float:
    """Return the probability that more seeds give a verdict, from what the first seeds showed.

    The next estimate contains the first seeds, so it is near the first estimate: its variance
    around the first estimate is the variance of the first minus the variance of the next.

    Args:
        effect: the estimate of the first seeds.
        seeds, more_seeds: the number of the first seeds, and the number of all seeds.
    """
    before = deviation_between_seeds**2 / seeds
    after = deviation_between_seeds**2 / more_seeds
    deviation = math.sqrt(max(before - after, 1e-300))
    part = np.array(deviation_of_lines**2)
    half = float(half_width(np.array(after), part, more_seeds, lines, level))

    def below(value: float) -> float:
        return float(_phi((value - effect) / deviation))

    different = below(-half) + 1 - below(half)
    inside = min(half, margin - half)
    return different + max(0.0, below(inside) - below(-inside))


def seeds_needed(
    effect: float,
    margin: float,
    seeds: int,
    deviation_between_seeds: float,
    *,
    deviation_of_lines: float = 0.0,
    lines: int | None = None,
    wanted: float = POWER,
    level: float = 0.95,
) -> int | None:
    """Return how many seeds in all give a verdict with the wanted probability.

    Returns: None if more seeds cannot help; then see `lines_needed`.
    Args: see `chance_to_settle`.
    """

    def enough(total: int) -> bool:
        chance = chance_to_settle(
            effect,
            margin,
            seeds,
            total,
            deviation_between_seeds,
            deviation_of_lines=deviation_of_lines,
            lines=lines,
            level=level,
        )
        return chance >= wanted

    total = seeds
    while total < MOST_SEEDS:
        total = total + 1 if total < 100 else math.ceil(total * 1.02)
        if enough(total):
            return total
    return None


def lines_needed(
    margin: float, lines: int, deviation_of_lines: float, *, level: float = 0.95
) -> int:
    """Return with how many test lines enough seeds certainly give a verdict.

    An interval that is narrower than the margin always gives a verdict, because it excludes 0 or
    lies inside the margin. With the returned number of lines, the lines use half of the variance
    that this interval allows, and the other half is left to the seeds.
    """
    t = quantile(1 - level, math.inf)
    return math.ceil(lines * 2 * (t * deviation_of_lines / (margin / 2)) ** 2)


def _variance_ratios(freedom: int) -> tuple[Array, Array]:
    """Return values of (estimated variance / true variance) with their probabilities."""
    root = np.linspace(1e-6, math.sqrt(freedom) + 9, 400)
    logarithm = (freedom - 1) * np.log(root) - root**2 / 2
    weights = np.exp(logarithm - logarithm.max())
    return root**2 / freedom, weights / weights.sum()
