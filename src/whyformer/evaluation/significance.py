"""Is one system better than another, or was it luck? Two paired tests over the same lines."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from whyformer.evaluation.metric import SEED, Array, resampled_sums
from whyformer.foundation.errors import UsageError

Value = Callable[[Array], float]


class PairedTest(StrEnum):
    """How the difference would vary if the systems were equally good."""

    BOOTSTRAP = "bootstrap"
    """Paired bootstrap resampling: score both systems on lines drawn with replacement."""
    RANDOMIZATION = "randomization"
    """Approximate randomisation: exchange the systems' outputs line by line at random."""


TRIALS = {PairedTest.BOOTSTRAP: 1000, PairedTest.RANDOMIZATION: 10000}
"""Trials of each test unless told; as in sacreBLEU."""


@dataclass(frozen=True)
class Comparison:
    """A system beside the first one (the baseline), by one metric.

    Args:
        difference: value of the system minus value of the baseline, in the metric's unit.
        interval: 95 % interval of the difference; the bootstrap gives one, randomisation does not.
        p: two-sided probability of a difference at least as large between equal systems; never 0,
            since the observed difference counts as one of the trials (+1 correction).
    """

    metric: str
    baseline: str
    system: str
    difference: float
    interval: tuple[float, float] | None
    p: float
    test: str
    trials: int
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)


def paired_bootstrap(
    value: Value, baseline: Array, system: Array, *, trials: int = 1000, seed: int = SEED
) -> tuple[float, tuple[float, float], float]:
    """Return the difference, its 95 % interval, and p.

    Paper: Koehn 2004, §4; Riezler and Maxwell 2005, Figure 1, for the shift to the null.
    Differs: Koehn counts how often one system wins; here resampled differences are shifted to
    mean 0 and their size is compared with the observed one, so that p is two-sided.
    Args: baseline, system: (lines, k) statistics of the same lines.
    """
    sums = resampled_sums(_paired(baseline, system), resamples=trials, seed=seed)
    observed = value(system.sum(axis=0)) - value(baseline.sum(axis=0))
    differences = np.array([value(b) - value(a) for a, b in sums])
    low, high = np.percentile(differences, [2.5, 97.5])
    return observed, (float(low), float(high)), _p(differences - differences.mean(), observed)


def approximate_randomization(
    value: Value, baseline: Array, system: Array, *, trials: int = 10000, seed: int = SEED
) -> tuple[float, float]:
    """Return the difference and p.

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


def compare(
    metric: str,
    value: Value,
    systems: dict[str, Array],
    *,
    test: PairedTest = PairedTest.BOOTSTRAP,
    trials: int | None = None,
    seed: int = SEED,
) -> list[Comparison]:
    """Compare every further system with the first.

    Args: systems: name -> (lines, k) statistics, the baseline first.
    Raises: UsageError when there are fewer than two systems.
    """
    if len(systems) < 2:
        raise UsageError(
            f"A comparison must have at least two systems, but there is {len(systems)}."
        )
    trials = TRIALS[test] if trials is None else trials
    (first, baseline), *others = systems.items()
    found: list[Comparison] = []
    for name, system in others:
        interval = None
        if test is PairedTest.BOOTSTRAP:
            difference, interval, p = paired_bootstrap(
                value, baseline, system, trials=trials, seed=seed
            )
        else:
            difference, p = approximate_randomization(
                value, baseline, system, trials=trials, seed=seed
            )
        found.append(
            Comparison(metric, first, name, difference, interval, p, test.value, trials, seed)
        )
    return found


def _paired(baseline: Array, system: Array) -> Array:
    if baseline.shape != system.shape:
        raise UsageError(
            f"Paired systems must answer the same lines, but one has {len(baseline)} lines and "
            f"the other {len(system)}."
        )
    return np.stack([baseline, system])


def _p(differences: Array, observed: float) -> float:
    # Sums in another order differ in the last bits: what is equal must count as equal.
    tolerance = 1e-9 * max(1.0, abs(observed))
    as_large = int((np.abs(differences) >= abs(observed) - tolerance).sum())
    return (as_large + 1) / (len(differences) + 1)
