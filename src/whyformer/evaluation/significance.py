"""Paired significance tests between systems on the same lines."""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from whyformer.evaluation.interval import (
    SEED,
    Array,
    Value,
    expanded_percentiles,
    few_items,
    resampled_sums,
)
from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import counted

EXACT = "exact"
EXACT_LINES = 14
"""If at most this many lines differ, the test evaluates all exchanges of lines. For 14 lines,
these are 2^14 exchanges, about as many as the default trials of randomization."""
FEW_LINES = 200
"""With fewer lines than this, p from the bootstrap is too small (docs/evaluation.md), so
randomization is used."""


class PairedTest(StrEnum):
    """The method that estimates the distribution of the difference between equal systems."""

    BOOTSTRAP = "bootstrap"
    """Paired bootstrap resampling: score both systems on lines that are drawn with replacement."""
    RANDOMIZATION = "randomization"
    """Approximate randomization: exchange the outputs of both systems on random lines."""


TRIALS = {PairedTest.BOOTSTRAP: 1000, PairedTest.RANDOMIZATION: 10000}
"""Default number of trials of each test, as in sacreBLEU."""


@dataclass(frozen=True)
class Comparison:
    """The comparison of a system with the first system (the baseline) by one metric.

    Args:
        difference: value of the system minus value of the baseline, in the metric's unit.
        interval: 95 % confidence interval of the difference, from the bootstrap, or None.
        p: two-sided p-value: the probability of a difference at least as large between equal
        systems; None for too few lines. It is never 0, because the observed difference counts as
        one of the trials, and never below 2 · 2⁻ⁿ if n lines differ.
        test: "bootstrap"; "randomization", also for fewer than 200 lines; "exact" if at most 14
        lines differ; None without p.
        note: a sentence with the reason why interval and p are missing.
    """

    metric: str
    baseline: str
    system: str
    difference: float
    interval: tuple[float, float] | None
    p: float | None
    test: str | None
    trials: int
    seed: int
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        spread = "" if self.interval is None else " [{:+.2f}, {:+.2f}]".format(*self.interval)
        text = f"{self.metric}: {self.system} − {self.baseline} = {self.difference:+.2f}{spread}"
        if self.p is None:
            return text
        how = f"{counted(self.trials, 'trial')}, seed {self.seed}"
        if self.test == EXACT:
            how = f"all {self.trials} exchanges of the lines that differ"
        return f"{text}, p = {self.p:.4f} ({self.test}, {how})"


def paired_bootstrap(
    value: Value, baseline: Array, system: Array, *, trials: int = 1000, seed: int = SEED
) -> tuple[float, tuple[float, float] | None, float]:
    """Return the difference, its 95 % confidence interval (None if all resamples are equal), and p.

    Paper: Koehn 2004, §4; Riezler and Maxwell 2005, Figure 1, for the shift of the differences.
    Differs: Koehn counts how often one system wins. Here, the resampled differences are shifted
    to mean 0, and their absolute values are compared with that of the observed difference, so p
    is two-sided.
    Args: baseline, system: (lines, k) statistics of the same lines.
    """
    sums = resampled_sums(_paired(baseline, system), resamples=trials, seed=seed)
    observed = value(system.sum(axis=0)) - value(baseline.sum(axis=0))
    differences = np.array([value(b) - value(a) for a, b in sums])
    interval = expanded_percentiles(differences, len(baseline))
    return observed, interval, _p(differences - differences.mean(), observed)


def approximate_randomization(
    value: Value, baseline: Array, system: Array, *, trials: int = 10000, seed: int = SEED
) -> tuple[float, float]:
    """Return the difference of the two systems and the p-value.

    Paper: Riezler and Maxwell 2005, “On Some Pitfalls in Automatic Evaluation and Significance
    Testing for MT”, Figure 2; Noreen 1989 for the +1.
    Args: baseline, system: (lines, k) statistics of the same lines.
    """
    _paired(baseline, system)
    generator = np.random.default_rng(seed)
    a, b = baseline.sum(axis=0), system.sum(axis=0)
    gap = system - baseline
    observed = value(b) - value(a)
    differences = np.empty(trials)
    for trial in range(trials):
        moved = generator.integers(2, size=len(gap)) @ gap
        differences[trial] = value(b - moved) - value(a + moved)
    return observed, _p(differences, observed)


def exact_permutation(value: Value, baseline: Array, system: Array) -> tuple[float, float, int]:
    """Return the difference, the p-value, and the number of exchanges; all of them are tried.

    Exchanging lines with equal statistics has no effect. So only the d lines with different
    statistics are exchanged, in 2^d ways. An exchange and its opposite have the same absolute
    difference, so p is at least 2 · 2^-d.
    Source: Fisher 1935, "The Design of Experiments", §21.
    Args: baseline, system: (lines, k) statistics of the same lines.
    """
    _paired(baseline, system)
    gap = (system - baseline)[_different(baseline, system)]
    a, b = baseline.sum(axis=0), system.sum(axis=0)
    observed = value(b) - value(a)
    count = len(gap)
    if not count:
        return observed, 1.0, 1
    # The other half of the exchanges gives the same differences with the opposite sign.
    half = 2 ** (count - 1)
    moves = (np.arange(half)[:, None] >> np.arange(count)) & 1
    differences = np.array([value(b - moved) - value(a + moved) for moved in moves @ gap])
    return observed, _as_large(differences, observed) / half, 2 * half


def compare(
    metric: str,
    value: Value,
    systems: dict[str, Array],
    *,
    test: PairedTest = PairedTest.BOOTSTRAP,
    trials: int | None = None,
    seed: int = SEED,
) -> list[Comparison]:
    """Compare all other systems with the first system.

    Args:
        systems: the (lines, k) statistics of each system by name; the baseline is first.
        test: the test for many lines. For fewer than 200 lines, randomization is used; if at most
        14 lines differ, the exact test is used.
        trials: number of trials; None uses the default number of the test.
    Raises: UsageError when there are fewer than two systems.
    """
    if len(systems) < 2:
        raise UsageError(
            f"A comparison must have at least two systems, but there is {len(systems)}."
        )
    (first, baseline), *others = systems.items()
    found: list[Comparison] = []
    for name, system in others:
        of = Comparison(metric, first, name, 0.0, None, None, None, 0, seed)
        found.append(_compared(of, value, baseline, system, test, trials))
    return found


def _compared(
    of: Comparison,
    value: Value,
    baseline: Array,
    system: Array,
    test: PairedTest,
    trials: int | None,
) -> Comparison:
    _paired(baseline, system)
    lines = len(baseline)
    note = few_items(lines)
    if note is not None:
        difference = value(system.sum(axis=0)) - value(baseline.sum(axis=0))
        return replace(of, difference=difference, note=note)
    if test is PairedTest.BOOTSTRAP:
        count = trials or TRIALS[test]
        difference, interval, p = paired_bootstrap(
            value, baseline, system, trials=count, seed=of.seed
        )
        of = replace(of, difference=difference, interval=interval, p=p, test=test, trials=count)
    if _different(baseline, system).sum() <= EXACT_LINES:
        difference, p, count = exact_permutation(value, baseline, system)
        return replace(of, difference=difference, p=p, test=EXACT, trials=count)
    if test is PairedTest.RANDOMIZATION or lines < FEW_LINES:
        count = trials or TRIALS[PairedTest.RANDOMIZATION]
        difference, p = approximate_randomization(
            value, baseline, system, trials=count, seed=of.seed
        )
        name = PairedTest.RANDOMIZATION
        return replace(of, difference=difference, p=p, test=name, trials=count)
    return of


def _different(baseline: Array, system: Array) -> Array:
    return (baseline != system).any(axis=1)


def _paired(baseline: Array, system: Array) -> Array:
    if baseline.shape != system.shape:
        raise UsageError(
            f"Paired systems must answer the same lines, but one has "
            f"{counted(len(baseline), 'line')} and "
            f"the other {len(system)}."
        )
    return np.stack([baseline, system])


def _p(differences: Array, observed: float) -> float:
    return (_as_large(differences, observed) + 1) / (len(differences) + 1)


def _as_large(differences: Array, observed: float) -> int:
    # Sums in a different order can differ in the last bits, but must count as equal.
    tolerance = 1e-9 * max(1.0, abs(observed))
    return int((np.abs(differences) >= abs(observed) - tolerance).sum())
