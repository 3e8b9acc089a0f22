"""Compare the arms of an experiment, each at its own best learning rate and paired by seed.

An arm is a condition without its learning rate, as keywords: ``positions="rotary", heads=4``. For
an arm that a quick run does not train, the numbers are `None` and the estimate is `NOT_MEASURED`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, paired

Pick = Callable[[Any], float]
"""Function that returns the number to compare, given the measured value of a seed (such as a
list)."""


def last(found: float | list[float]) -> float:
    """Return the last number of a list, or NaN for an empty list; return a single number unchanged.

    >>> last([3.0, 2.0]), last(1.0)
    (2.0, 1.0)
    """
    return (found or [math.nan])[-1] if isinstance(found, list) else found


def is_trained(results: Results, part: str, /, **arm: Any) -> bool:
    """Return whether the results contain the arm."""
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

    Args: by: the best learning rate has the lowest mean of this number; "" means ``number`` itself.
    Returns: None if the arm was not trained.
    """
    if not is_trained(results, part, **arm):
        return None
    rate = best_rate(results, part, by or number, pick=pick, **arm)
    return _picked(results.values(part, number, rate=rate, **arm), pick)


def at_lowest_training_loss(
    results: Results, part: str, number: str, /, **arm: Any
) -> list[Any] | None:
    """Return a number of an arm, one value per seed; None if the arm was not trained.

    The learning rate is the one with the lowest training loss at the end of training, so the
    held-out text, on which the arms are judged, does not choose the rate. The part must have the
    number ``curve``, the training loss along the training.
    """
    if not is_trained(results, part, **arm):
        return None
    rate = best_rate(results, part, "curve", pick=last, **arm)
    return results.values(part, number, rate=rate, **arm)


def best_rate(
    results: Results, part: str, number: str, /, *, pick: Pick | None = None, **arm: Any
) -> float:
    """Return the learning rate for which the mean of ``number`` over seeds is lowest. Rates with
    diverged runs are ranked last."""

    def mean_or_infinity(rate: float) -> float:
        mean = float(np.mean(_picked(results.values(part, number, rate=rate, **arm), pick)))
        return mean if math.isfinite(mean) else math.inf

    return min(results.levels(part, "rate", **arm), key=mean_or_infinity)


def _picked(values: list[Any], pick: Pick | None) -> list[Any]:
    return values if pick is None else [pick(one) for one in values]


def tuned_estimate(
    results: Results, part: str, number: str, /, *, by: str = "", **arm: Any
) -> Estimate:
    """Return the mean of `tuned` over seeds, with its interval."""
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
    """Return the difference between two arms, second minus first, each at its own best learning
    rate.

    Args: common: the settings that both arms share.
    """
    one, other = (tuned(results, part, number, by=by, **arm, **common) for arm in (first, second))
    return paired(one, other)
