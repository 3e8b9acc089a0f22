"""The interface of metrics: statistics of each line, and a value computed from their sum.

Because every metric has this form, intervals and significance tests work for all metrics. Intervals
and tests resample the lines, add the statistics of the lines of each sample, and compute the metric
from the sums.

A metric is chosen by name. Register a class or a function that returns a metric. A metric can have
the settings `lowercase` and `tokenize`. A metric reads a setting if its constructor has a keyword
argument with the name of the setting:

    @METRICS.register("mine")
    class Mine:
        def __init__(self, *, lowercase: bool = False) -> None: ...
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from whyformer.evaluation.interval import (
    RESAMPLES,
    SEED,
    Array,
    Interval,
    IntervalKind,
    interval_of,
)
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError, PluginError, UsageError, nearest
from whyformer.foundation.registry import Registry
from whyformer.foundation.wording import counted


@runtime_checkable
class Metric(Protocol):
    """A corpus metric over sufficient statistics."""

    @property
    def name(self) -> str:
        """The name of the metric on the command line."""
        ...

    @property
    def unit(self) -> str:
        """The unit as text, and whether higher or lower is better."""
        ...

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher value is better."""
        ...

    @property
    def interval(self) -> IntervalKind:
        """How the confidence interval is computed."""
        ...

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        """Return all settings that the value depends on, as text."""
        ...

    def statistics(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Return an array (lines, k), whose column sums determine the value.

        Args: references: one or more references for each line.
        """
        ...

    def value(self, sums: Array) -> float:
        """Return the value of the metric, given the k column sums of some lines."""
        ...


METRICS = Registry[Callable[..., Metric]]("metric")


def reads(name: str) -> tuple[str, ...]:
    """Return which of the settings `lowercase` and `tokenize` a metric has."""
    return tuple(inspect.signature(METRICS[name]).parameters)


def metric_named(name: str, **settings: Any) -> Metric:
    """Return the metric with the given name.

    Args:
        settings: lowercase: whether to ignore case; tokenize: a tokenizer of sacreBLEU. A metric
            receives only the settings that it has.
    Raises: UsageError if the name is unknown; PluginError if the registered object does not return
        a metric.
    """
    if name not in METRICS:
        raise UsageError(f"`{name}` is not a metric.{nearest(name, METRICS)}")
    asked = reads(name)
    made = METRICS[name](**{key: value for key, value in settings.items() if key in asked})
    if not isinstance(made, Metric):
        raise PluginError(
            f"The metric `{name}` must have name, unit, higher_is_better, interval, signature, "
            f"statistics and value, but `{type(made).__name__}` lacks one of them."
        )
    return made


def score(
    metric: Metric,
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Score:
    """Return the value of a metric for one system, with its interval.

    Raises: DataError if there are no lines, the numbers of lines differ, or a reference is missing.
    """
    check_lines(hypotheses, references)
    statistics = metric.statistics(hypotheses, references)
    return score_statistics(
        metric, statistics, metric.signature(references), resamples=resamples, seed=seed
    )


def score_statistics(
    metric: Metric, statistics: Array, signature: str, *, resamples: int, seed: int
) -> Score:
    """Return the value and the interval of a metric, given the statistics of the lines."""
    found = interval_of(metric.interval, metric.value, statistics, resamples=resamples, seed=seed)
    return scored(
        metric.name,
        metric.value(statistics.sum(axis=0)),
        metric.unit,
        signature,
        found,
        len(statistics),
    )


def scored(
    name: str, value: float, unit: str, signature: str, interval: Interval, items: int
) -> Score:
    """Return a score, and add the method of the interval to its signature."""
    signature = "|".join(part for part in (signature, interval.signature) if part)
    return Score(name, value, unit, interval.ends, signature, items, interval.note)


def check_lines(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Raise an error unless there are lines and each hypothesis has at least one reference.

    Raises: DataError for wrong numbers of lines; UsageError if ``references`` is not a list of
        lists.
    """
    if len(hypotheses) != len(references):
        raise DataError(
            "Hypotheses and references must have the same number of lines, but there are "
            f"{counted(len(hypotheses), 'hypothesis', 'hypotheses')} and "
            f"{counted(len(references), 'reference')}."
        )
    if not hypotheses:
        raise DataError("There must be at least one line to score, but the input is empty.")
    for number, alternatives in enumerate(references, start=1):
        if isinstance(alternatives, str):
            raise UsageError("`references` must contain a list of references for each line.")
        if not alternatives:
            raise DataError(f"Every line needs a reference, but line {number} has none.")
