"""Scores of predicted labels and numbers: accuracy, F1, Matthews, Pearson, Spearman."""

import math
from collections.abc import Sequence

import numpy as np

from whyformer.evaluation.confusions import Confusions
from whyformer.evaluation.interval import (
    FEWEST_ITEMS,
    RESAMPLES,
    SEED,
    Array,
    Interval,
    IntervalKind,
    Value,
    from_resamples,
    interval_of,
)
from whyformer.evaluation.metric import scored
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError
from whyformer.foundation.wording import counted

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
    """Return accuracy, macro F1 and Matthews' coefficient with 95 % intervals.

    Accuracy has Wilson's interval; the other scores have a bootstrap interval over lines. Time and
    memory grow with the number of different pairs (predicted class, correct class) that occur.
    Raises: DataError when there are no lines or the lengths differ.

    >>> [round(s.value, 2) for s in score_labels([0, 1, 1, 0], [0, 1, 0, 0], 2, resamples=0)]
    [75.0, 73.33, 57.74]
    """
    _check(len(predicted), len(wanted))
    lines = len(wanted)
    counts = Confusions.of(np.asarray(predicted), np.asarray(wanted), classes)
    right = np.asarray(predicted) == np.asarray(wanted)
    outcomes = np.stack([right, np.ones(lines)], axis=1)
    unit = "% of lines, higher is better"
    scores = [_score("accuracy", _share, outcomes, unit, resamples, seed, IntervalKind.WILSON)]
    drawn: list[tuple[float, float]] = []
    if lines >= FEWEST_ITEMS:
        drawn = [(one.f1(), one.matthews()) for one in counts.resampled(resamples, seed)]
    for place, (name, value, unit) in enumerate(
        (
            ("f1", counts.f1(), "% , mean of the classes' F1, higher is better"),
            ("matthews", counts.matthews(), "correlation × 100, higher is better"),
        )
    ):
        interval = Interval()
        if resamples:
            interval = from_resamples([pair[place] for pair in drawn], lines, seed)
        scores.append(scored(name, value, unit, name, interval, lines))
    return scores


def score_numbers(
    predicted: Sequence[float],
    wanted: Sequence[float],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Score]:
    """Return Pearson's and Spearman's correlation and the mean squared error, with intervals.

    Spearman's correlation is Pearson's correlation of the ranks; equal values get their mean rank.
    Bootstrap samples keep the ranks that were computed over all lines.
    Raises: DataError when there are no lines or the lengths differ.
    """
    _check(len(predicted), len(wanted))
    x, y = np.asarray(predicted, dtype=float), np.asarray(wanted, dtype=float)
    error = np.stack([(x - y) ** 2, np.ones_like(x)], 1)
    found = (
        ("pearson", pearson, moments(x, y), "correlation × 100, higher is better"),
        ("spearman", pearson, moments(ranks(x), ranks(y)), "correlation × 100, higher is better"),
        ("mse", lambda sums: sums[0] / sums[1], error, "mean squared error, lower is better"),
    )
    return [_score(name, v, table, unit, resamples, seed) for name, v, table, unit in found]


def ranks(values: Array) -> Array:
    """Return the rank of each value, from 1; equal values get their mean rank.

    >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[which]


def _share(sums: Array) -> float:
    return 100 * float(sums[0] / sums[1])


def moments(x: Array, y: Array) -> Array:
    """Return (lines, 6) statistics; their sums determine Pearson's correlation."""
    x, y = x - x.mean(), y - y.mean()
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], 1)


def pearson(sums: Array) -> float:
    """Return Pearson's correlation × 100 from the sums of `moments`."""
    n, x, y, xx, yy, xy = sums
    below = math.sqrt(max(0.0, (n * xx - x * x) * (n * yy - y * y)))
    return 100 * float((n * xy - x * y) / below) if below else 0.0


def _score(
    name: str,
    value: Value,
    table: Array,
    unit: str,
    resamples: int,
    seed: int,
    kind: IntervalKind = IntervalKind.BOOTSTRAP,
) -> Score:
    interval = interval_of(kind, value, table, resamples=resamples, seed=seed)
    return scored(name, value(table.sum(0)), unit, name, interval, len(table))


def _check(predicted: int, wanted: int) -> None:
    if predicted != wanted:
        raise DataError(
            "There must be one prediction for each line, but there are "
            f"{counted(predicted, 'prediction')} and {counted(wanted, 'line')}."
        )
    if not wanted:
        raise DataError("There must be at least one line to score, but the input is empty.")
