"""Arms of an experiment compared fairly: each at its own best learning rate, paired by seed.

An arm is a condition but for its learning rate, as keywords: ``positions="rotary", heads=4``. What
a quick run leaves out is `None` as numbers and `NOT_MEASURED` as an estimate.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, paired

Pick = Callable[[Any], float]
"""Turns what a seed measured, such as a list, into the number that is compared."""


def is_trained(results: Results, part: str, /, **arm: Any) -> bool:
    """Return whether this run has the arm."""
    return bool(results.conditions(part, **arm))


def tuned(
    results: Results,
    part: str,
    number: str,
    /,
    *,
    by: str = "",
    pick: Pick | None = None,
    **arm: Any,
) -> list[Any] | None:
    """Return a number of an arm at its own best learning rate, one value per seed.

    Args: by: the number that is least at the best rate; without it, ``number`` itself.
    Returns: None where the arm was not trained.
    """
    if not is_trained(results, part, **arm):
        return None
    rate = best_rate(results, part, by or number, pick=pick, **arm)
    return _picked(results.values(part, number, rate=rate, **arm), pick)


def best_rate(
    results: Results, part: str, number: str, /, *, pick: Pick | None = None, **arm: Any
) -> float:
    """Return the rate with the least mean over seeds. A run that broke down is the worst."""

    def mean_or_infinity(rate: float) -> float:
        mean = float(np.mean(_picked(results.values(part, number, rate=rate, **arm), pick)))
        return mean if math.isfinite(mean) else math.inf

    return min(results.levels(part, "rate", **arm), key=mean_or_infinity)


def _picked(values: list[Any], pick: Pick | None) -> list[Any]:
    return values if pick is None else [pick(one) for one in values]


def tuned_estimate(
    results: Results, part: str, number: str, /, *, by: str = "", **arm: Any
) -> Estimate:
    """Return the mean of `tuned`."""
    return estimate(tuned(results, part, number, by=by, **arm))


def tuned_difference(
    results: Results,
    part: str,
    number: str,
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    /,
    *,
    by: str = "",
    **common: Any,
) -> Estimate:
    """Return the number of the second arm minus that of the first, each at its own best rate.

    Args: common: what both arms share.
    """
    one, other = (tuned(results, part, number, by=by, **arm, **common) for arm in (first, second))
    return paired(one, other)
