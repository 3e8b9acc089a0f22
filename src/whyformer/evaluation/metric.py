"""What a metric is: numbers for each line that can be added up, and a value of their sum.

Because every metric has this one form, intervals and significance tests are written once: they add
up the lines again in another way and ask for the value.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError, UsageError

Array = np.ndarray
RESAMPLES = 1000
SEED = 12345


@runtime_checkable
class Metric(Protocol):
    """A corpus metric over sufficient statistics."""

    @property
    def name(self) -> str:
        """As the command line calls it."""
        ...

    @property
    def unit(self) -> str:
        """In words."""
        ...

    @property
    def higher_is_better(self) -> bool:
        """Direction."""
        ...

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        """Return every setting that the value depends on."""
        ...

    def statistics(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Return (lines, k) numbers whose column sums determine the value.

        Args: references: for each line its one or more right answers.
        """
        ...

    def value(self, sums: Array) -> float:
        """Return the metric's value from the k column sums of some lines."""
        ...


def score(
    metric: Metric,
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Score:
    """Return a system's value with its interval.

    Raises: DataError when there are no lines, not as many references, or a line without reference.
    """
    check_lines(hypotheses, references)
    statistics = metric.statistics(hypotheses, references)
    return score_statistics(
        metric, statistics, metric.signature(references), resamples=resamples, seed=seed
    )


def score_statistics(
    metric: Metric, statistics: Array, signature: str, *, resamples: int, seed: int
) -> Score:
    """Return the value and interval of lines whose statistics are known."""
    interval = None
    if resamples:
        interval = bootstrap_interval(metric.value, statistics, resamples=resamples, seed=seed)
        signature = f"{signature}|interval:bootstrap-percentile-95|bs:{resamples}|seed:{seed}"
    value = metric.value(statistics.sum(axis=0))
    return Score(metric.name, value, metric.unit, interval, signature, len(statistics))


def bootstrap_interval(
    value: Callable[[Array], float], statistics: Array, *, resamples: int, seed: int
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval over lines.

    Paper: Koehn 2004, “Statistical Significance Tests for Machine Translation Evaluation”, §3.
    """
    sums = resampled_sums(statistics[None], resamples=resamples, seed=seed)[:, 0]
    values = [value(row) for row in sums]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def resampled_sums(statistics: Array, *, resamples: int, seed: int) -> Array:
    """Draw as many lines as there are, with replacement, again and again; return their sums.

    Every system is summed over the same draws, as paired tests need.
    Args: statistics: (systems, lines, k).
    Returns: (resamples, systems, k).
    """
    lines = statistics.shape[1]
    generator = np.random.default_rng(seed)
    sums = np.empty((resamples, statistics.shape[0], statistics.shape[2]))
    for row in sums:
        times = np.bincount(generator.integers(lines, size=lines), minlength=lines)
        row[:] = times @ statistics
    return sums


def check_lines(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Refuse what cannot be scored: nothing, unequal numbers of lines, a line without reference."""
    if len(hypotheses) != len(references):
        raise DataError(
            f"Hypotheses and references must have the same number of lines, but there are "
            f"{len(hypotheses)} hypotheses and {len(references)} references."
        )
    if not hypotheses:
        raise DataError("There must be at least one line to score, but the input is empty.")
    for number, alternatives in enumerate(references, start=1):
        if isinstance(alternatives, str):
            raise UsageError("`references` must hold a list of right answers for each line.")
        if not alternatives:
            raise DataError(f"Every line needs a reference, but line {number} has none.")
