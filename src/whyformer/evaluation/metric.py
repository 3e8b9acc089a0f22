"""What a metric is: numbers for each line that can be added up, and a value of their sum.

Because every metric has this one form, intervals and significance tests are written once: they add
up the lines again in another way and ask for the value.

A metric is chosen by name. What is registered makes it: a class or a function, whose keyword
arguments `lowercase` and `tokenize`, if it has them, are the settings it reads:

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

    @property
    def interval(self) -> IntervalKind:
        """How its interval is computed."""
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


METRICS = Registry[Callable[..., Metric]]("metric")


def reads(name: str) -> tuple[str, ...]:
    """Return the settings that a metric reads, out of `lowercase` and `tokenize`."""
    return tuple(inspect.signature(METRICS[name]).parameters)


def metric_named(name: str, **settings: Any) -> Metric:
    """Return a metric by the name the command line uses.

    Args:
        settings: lowercase: ignore case; tokenize: sacreBLEU's tokenizer. A metric receives those
            that it reads.
    Raises: UsageError when the name is not known; PluginError when what is registered is no metric.
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
    """Return a score whose signature says how its interval was computed."""
    signature = "|".join(part for part in (signature, interval.signature) if part)
    return Score(name, value, unit, interval.ends, signature, items, interval.note)


def check_lines(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Refuse what cannot be scored: nothing, unequal numbers of lines, a line without reference."""
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
            raise UsageError("`references` must hold a list of right answers for each line.")
        if not alternatives:
            raise DataError(f"Every line needs a reference, but line {number} has none.")
