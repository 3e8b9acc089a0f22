"""Compare the arms of an experiment, each at its own best learning rate and paired by seed.

For each seed, the other seeds choose the learning rate, so that no seed chooses the rate at which
it is judged.

An arm is a condition without its learning rate, as keywords: ``positions="rotary", heads=4``. For
an arm that a quick run does not train, the numbers are `None` and the estimate is `NOT_MEASURED`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

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

    Args: by: the number that chooses the learning rate, see `rates_from_other_seeds`; "" means
        ``number`` itself.
    Returns: None if the arm was not trained.
    """
    if not is_trained(results, part, **arm):
        return None
    rates = rates_from_other_seeds(results, part, by or number, pick=pick, **arm)
    return _picked(_at(rates, results, part, number, **arm), pick)


def at_lowest_training_loss(
    results: Results, part: str, number: str, /, **arm: Any
) -> list[Any] | None:
    """Return a number of an arm, one value per seed; None if the arm was not trained.

    The learning rate of a seed is the one with the lowest training loss of the other seeds at the
    end of training, so the held-out text, on which the arms are judged, does not choose the rate.
    The part must have the number ``curve``, the training loss along the training.
    """
    if not is_trained(results, part, **arm):
        return None
    rates = rates_from_other_seeds(results, part, "curve", pick=last, **arm)
    return _at(rates, results, part, number, **arm)


def best_rate(
    results: Results, part: str, number: str, /, *, pick: Pick | None = None, **arm: Any
) -> float:
    """Return the learning rate for which the mean of ``number`` over seeds is lowest. Rates with
    diverged runs are ranked last."""
    rates, table = _table(results, part, number, pick, arm)
    return rates[_lowest(table)]


def rates_from_other_seeds(
    results: Results, part: str, number: str, /, *, pick: Pick | None = None, **arm: Any
) -> list[float]:
    """Return, for each seed, the learning rate for which the mean of ``number`` over all other
    seeds is lowest. Rates with diverged runs of any seed are ranked last. A single seed chooses its
    own rate."""
    rates, table = _table(results, part, number, pick, arm)
    seeds = table.shape[1]
    if seeds == 1:
        return [rates[_lowest(table)]]
    return [rates[_lowest(np.delete(table, seed, axis=1))] for seed in range(seeds)]


def _table(
    results: Results, part: str, number: str, pick: Pick | None, arm: Mapping[str, Any]
) -> tuple[list[float], Float[np.ndarray, "rates seeds"]]:
    """Return the learning rates, and a number for each rate and seed. If a run of a rate diverged,
    all numbers of this rate are infinite."""
    rates = results.levels(part, "rate", **arm)
    rows = [_picked(results.values(part, number, rate=rate, **arm), pick) for rate in rates]
    table = np.array(rows, dtype=float)
    table[~np.isfinite(table).all(axis=1)] = math.inf
    return rates, table


def _lowest(table: Float[np.ndarray, "rates seeds"]) -> int:
    """Return the row with the lowest mean."""
    return int(np.argmin(table.mean(axis=1)))


def _at(rates: list[float], results: Results, part: str, number: str, /, **arm: Any) -> list[Any]:
    """Return a number of each seed at the learning rate of this seed."""
    values = {rate: results.values(part, number, rate=rate, **arm) for rate in set(rates)}
    return [values[rate][seed] for seed, rate in enumerate(rates)]


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
