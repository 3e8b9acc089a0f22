"""Compare one arm with the base: effect, interval, p-value and verdict."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from whyformer.evaluation.comparison.measured import Measured, check_paired
from whyformer.evaluation.comparison.power import lines_needed, seeds_needed
from whyformer.evaluation.comparison.root import zero_of
from whyformer.evaluation.comparison.variance import Effect, effect_of_lines, effect_of_scores
from whyformer.evaluation.comparison.verdict import Certain, Verdict, check_margin, judge
from whyformer.evaluation.student import SMALLEST, quantile
from whyformer.foundation.errors import UsageError

SEEDS_ONLY = (
    "The interval is over seeds only, because the values of the test lines are unknown. "
    "It says nothing about other test sets."
)
NO_SPREAD = (
    "The difference is exactly the same for all seeds, so there is no spread to compute an "
    "interval from."
)


@dataclass(frozen=True)
class Comparison:
    """The comparison of an arm with the base.

    Args:
        effect: mean over seeds of arm minus base.
        interval: confidence interval of the effect.
        level: confidence level of the interval.
        p: two-sided p-value: 1 minus the highest level at which the interval excludes 0.
        adjusted_p: p after the corrections for several arms and for several looks; compare this
            one with alpha. Equal to p for one arm and one look.
        seeds, lines: the numbers of seeds and of test lines; lines is None if they are unknown.
        deviation_between_seeds: standard deviation of the difference between seeds.
        deviation_of_lines: standard deviation of the effect between test sets of this size, if
            there were unlimited seeds; None without lines.
        degrees_of_freedom: Student's t with this number gives the same interval from the sum of
            both variances. It is between seeds - 1 (the seeds dominate) and lines - 1.
        verdict: what the comparison says.
        certain: what is certain about the size of the effect.
        seeds_needed: after an inconclusive end, the number of seeds in all that would give a
            verdict with probability 0.8; None if there is a verdict, or if more seeds cannot help.
        lines_needed: the number of test lines that would help if more seeds cannot; else None.
        note: a sentence that limits the result, or None.
    """

    effect: float
    interval: tuple[float, float]
    level: float
    p: float
    adjusted_p: float
    seeds: int
    lines: int | None
    deviation_between_seeds: float
    deviation_of_lines: float | None
    degrees_of_freedom: float
    verdict: Verdict
    certain: Certain
    seeds_needed: int | None = None
    lines_needed: int | None = None
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values; an infinite end of the interval is None."""
        ends = [end if math.isfinite(end) else None for end in self.interval]
        return {**asdict(self), "interval": ends}


def compare_arms(
    base: Measured,
    arm: Measured,
    *,
    margin: float,
    higher_is_better: bool,
    level: float = 0.95,
) -> Comparison:
    """Compare an arm with the base on the same seeds and the same test lines.

    The interval is for other seeds and for other test lines of the same kind. See
    docs/comparison-statistics.md.

    Args:
        margin: the smallest difference that matters, above 0, chosen before the measurement.
        level: confidence level. With early stopping, use `Looks.level` of the current look.
    Raises: UsageError if the arms are not paired, or if an argument is outside its range.
    """
    check_margin(margin)
    if not 0 < level < 1:
        raise UsageError(f"The level must be between 0 and 1, but it is {level:g}.")
    effect = effect_of(base, arm)
    if not effect.has_spread:
        return _without_spread(effect, level)
    value, half = float(effect.value), float(effect.half_width(level))
    interval = value - half, value + half
    verdict, certain = judge(interval, margin, higher_is_better=higher_is_better)
    p = p_value(effect)
    found = Comparison(
        effect=value,
        interval=interval,
        level=level,
        p=p,
        adjusted_p=p,
        seeds=effect.seeds,
        lines=None if base.lines is None else base.lines.shape[1],
        deviation_between_seeds=math.sqrt(effect.of_seeds * effect.seeds),
        deviation_of_lines=None if effect.lines is None else math.sqrt(effect.of_lines),
        degrees_of_freedom=_freedom(effect, level),
        verdict=verdict,
        certain=certain,
        note=SEEDS_ONLY if effect.lines is None else None,
    )
    return _advised(found, margin)


def effect_of(base: Measured, arm: Measured) -> Effect:
    """Return the effect of an arm with its variances. Raises: UsageError, see `compare_arms`."""
    check_paired(base, arm)
    of_base, of_arm = base.table(), arm.table()
    if of_base is None or of_arm is None:
        return effect_of_scores(np.asarray(arm.scores, float) - np.asarray(base.scores, float))
    return effect_of_lines(of_arm - of_base)


def p_value(effect: Effect) -> float:
    """Return 1 minus the highest level at which the interval excludes 0, at least `SMALLEST`."""
    value = abs(float(effect.value))
    if not value:
        return 1.0
    if value > effect.half_width(1 - SMALLEST):
        return SMALLEST

    def excess(logarithm: float) -> float:
        half = float(effect.half_width(1 - math.exp(logarithm)))
        return math.log(value / max(half, 1e-300))

    # At p = 1 the interval is a point, so start a little below.
    high = -1e-9
    return 1.0 if excess(high) <= 0 else math.exp(zero_of(excess, math.log(SMALLEST), high))


def _advised(found: Comparison, margin: float) -> Comparison:
    """Return an inconclusive comparison with the seeds or lines that it needs."""
    if found.verdict is not Verdict.INCONCLUSIVE:
        return found
    deviation_of_lines = found.deviation_of_lines or 0.0
    seeds = seeds_needed(
        found.effect,
        margin,
        found.seeds,
        found.deviation_between_seeds,
        deviation_of_lines=deviation_of_lines,
        lines=found.lines,
        level=found.level,
    )
    lines = None
    if seeds is None and found.lines is not None:
        lines = lines_needed(margin, found.lines, deviation_of_lines, level=found.level)
    return replace(found, seeds_needed=seeds, lines_needed=lines)


def _without_spread(effect: Effect, level: float) -> Comparison:
    return Comparison(
        effect=float(effect.value),
        interval=(-math.inf, math.inf),
        level=level,
        p=1.0,
        adjusted_p=1.0,
        seeds=effect.seeds,
        lines=effect.lines,
        deviation_between_seeds=0.0,
        deviation_of_lines=None if effect.lines is None else 0.0,
        degrees_of_freedom=float(effect.seeds - 1),
        verdict=Verdict.INCONCLUSIVE,
        certain=Certain.NOTHING,
        note=NO_SPREAD,
    )


def _freedom(effect: Effect, level: float) -> float:
    deviation = math.sqrt(effect.of_seeds + effect.of_lines)
    if not deviation or effect.lines is None:
        return float(effect.seeds - 1)
    wanted = float(effect.half_width(level)) / deviation
    low, high = sorted(math.log(count - 1) for count in (effect.seeds, effect.lines))

    def excess(logarithm: float) -> float:
        return wanted - quantile(1 - level, math.exp(logarithm))

    return math.exp(zero_of(excess, low, high)) if excess(high) > 0 else math.exp(high)
