"""How well labels and numbers were predicted: accuracy, F1, Matthews, Pearson, Spearman."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from whyformer.evaluation.metric import RESAMPLES, SEED, Array, bootstrap_interval
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError

LABEL_METRICS = ("accuracy", "f1", "matthews")
NUMBER_METRICS = ("pearson", "spearman", "mse")


def score_labels(
    predicted: Sequence[int],
    wanted: Sequence[int],
    classes: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Score]:
    """Return accuracy, macro F1 and Matthews' coefficient with 95 % bootstrap intervals.

    Each is a function of the table of confusions, so an interval adds up the lines' own tables.
    Raises: DataError when there is nothing to score or the lengths differ.

    >>> [round(s.value, 2) for s in score_labels([0, 1, 1, 0], [0, 1, 0, 0], 2, resamples=0)]
    [75.0, 73.33, 57.74]
    """
    _check(len(predicted), len(wanted))
    table = np.zeros((len(wanted), classes * classes))
    cells = np.asarray(wanted) * classes + np.asarray(predicted)
    table[np.arange(len(wanted)), cells] = 1

    def of(value: Callable[[Array], float]) -> Callable[[Array], float]:
        return lambda sums: value(sums.reshape(classes, classes))

    found = (
        ("accuracy", of(_accuracy), "% of lines, higher is better"),
        ("f1", of(_f1), "% , mean of the classes' F1, higher is better"),
        ("matthews", of(_matthews), "correlation × 100, higher is better"),
    )
    return [_score(name, value, table, unit, resamples, seed) for name, value, unit in found]


def score_numbers(
    predicted: Sequence[float],
    wanted: Sequence[float],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Score]:
    """Return Pearson's and Spearman's correlation and the mean squared error, with intervals.

    Spearman's is Pearson's of the ranks, equal values sharing their mean rank; the ranks are those
    among all lines, also within a bootstrap sample.
    Raises: DataError when there is nothing to score or the lengths differ.
    """
    _check(len(predicted), len(wanted))
    x, y = np.asarray(predicted, dtype=float), np.asarray(wanted, dtype=float)
    error = np.stack([(x - y) ** 2, np.ones_like(x)], 1)
    found = (
        ("pearson", _pearson, _moments(x, y), "correlation × 100, higher is better"),
        ("spearman", _pearson, _moments(ranks(x), ranks(y)), "correlation × 100, higher is better"),
        ("mse", lambda sums: sums[0] / sums[1], error, "mean squared error, lower is better"),
    )
    return [_score(name, v, table, unit, resamples, seed) for name, v, table, unit in found]


def ranks(values: Array) -> Array:
    """Return the rank of each value from 1; equal values share the mean of their ranks.

    >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[which]


def _accuracy(table: Array) -> float:
    return 100 * float(np.trace(table) / table.sum())


def _f1(table: Array) -> float:
    right, wanted, predicted = np.diag(table), table.sum(1), table.sum(0)
    present = (wanted + predicted) > 0
    return 100 * float(np.mean(2 * right[present] / (wanted + predicted)[present]))


def _matthews(table: Array) -> float:
    """Return the correlation of two labellings. Source: Gorodkin 2004, Eq. 8 (R_K)."""
    total, wanted, predicted = table.sum(), table.sum(1), table.sum(0)
    above = np.trace(table) * total - wanted @ predicted
    below = math.sqrt((total**2 - predicted @ predicted) * (total**2 - wanted @ wanted))
    return 100 * float(above / below) if below else 0.0


def _moments(x: Array, y: Array) -> Array:
    x, y = x - x.mean(), y - y.mean()
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], 1)


def _pearson(sums: Array) -> float:
    n, x, y, xx, yy, xy = sums
    below = math.sqrt(max(0.0, (n * xx - x * x) * (n * yy - y * y)))
    return 100 * float((n * xy - x * y) / below) if below else 0.0


def _score(
    name: str, value: Callable[[Array], float], table: Array, unit: str, resamples: int, seed: int
) -> Score:
    interval, signature = None, name
    if resamples:
        interval = bootstrap_interval(value, table, resamples=resamples, seed=seed)
        signature = f"{name}|interval:bootstrap-percentile-95|bs:{resamples}|seed:{seed}"
    return Score(name, value(table.sum(0)), unit, interval, signature, len(table))


def _check(predicted: int, wanted: int) -> None:
    if predicted != wanted:
        raise DataError(
            f"There must be one prediction for each line, but there are {predicted} predictions "
            f"and {wanted} lines."
        )
    if not wanted:
        raise DataError("There must be at least one line to score, but the input is empty.")
