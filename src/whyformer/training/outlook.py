"""Estimate from the validations of a finished run whether a longer run would help.

The validation losses are fitted by the power law L(t) = c + a t^-b (Hestness et al. 2017, §2),
where t is the number of updates. The fitted law gives the loss after twice as many updates. Its
interval comes from a bootstrap over the residuals. The learning rate falls during a run, so the
estimate is rough: only a clear result is reported.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

EXPONENTS = np.linspace(0.1, 2.0, 20)
"""The values of the exponent b that the fit tries."""
FIRST_SHARE = 0.1
"""The fit ignores validations in this first fraction of a run, because the power law does not hold
there."""
FEWEST = 8
"""Minimum number of validations that a fit needs."""
RESAMPLES = 200
WORTH = 0.01
"""Relative decrease of the loss that is worth twice the time."""

CORRELATED = 0.8
"""The gain of a metric is estimated only if its correlation with the loss is at least this."""
NEARLY_PERFECT = 99
"""A score of at least this many per cent cannot rise much."""
ERROR_RATES = ("per", "wer", "ter")
"""Metrics in per cent of which lower values are better."""


class Kind(StrEnum):
    """What a longer run with the same data would do."""

    OVERFITS = "overfits"
    FLAT = "flat"
    FALLS = "falls"


@dataclass(frozen=True)
class Outlook:
    """The expected effect of a longer run.

    Args:
        best_step: the update with the lowest validation loss.
        gain: expected relative decrease of the loss after twice as many updates.
        low, high: 95 % interval of the gain.
        metric: name of the metric that `metric_gain` is about.
        metric_gain: expected change of the metric after twice as many updates; None if the metric
            does not follow the loss.
    """

    kind: Kind
    best_step: int
    gain: float
    low: float
    high: float
    metric: str = ""
    metric_gain: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON."""
        return asdict(self)

    def described(self) -> str:
        """Return the expected effect and advice as text."""
        if self.kind is Kind.OVERFITS:
            return (
                f"The validation loss has risen since update {self.best_step:,}: a longer run will "
                "not help, but more data will."
            )
        gain = f"{100 * self.gain:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"
        if self.kind is Kind.FLAT:
            return (
                f"The validation loss is flat: twice the time would lower it by about {gain}. A "
                "longer run will not help much, but more data will."
            )
        score = ""
        if self.metric_gain is not None:
            score = f". {self.metric} would change by about {self.metric_gain:+.1f}"
        return (
            "The validation loss is still falling: twice the time would lower it by about "
            f"{gain}{score}."
        )


def outlook(steps: Sequence[int], losses: Sequence[float]) -> Outlook | None:
    """Return the outlook of a run; None if there are too few validations or the result is unclear.

    Args: steps, losses: the updates of the validations, in order, and their losses.

    >>> steps = range(100, 2001, 100)
    >>> outlook(steps, [1 + 20 / step for step in steps]).kind
    <Kind.FLAT: 'flat'>
    >>> outlook(steps, [0.2 + 10 / step**0.5 for step in steps]).kind
    <Kind.FALLS: 'falls'>
    """
    t, y = np.array(steps, dtype=float), np.array(losses, dtype=float)
    if len(t) == 0 or not np.isfinite(y).all():
        return None
    later = t >= FIRST_SHARE * t[-1]
    t, y = t[later], y[later]
    if len(t) < FEWEST:
        return None
    best = int(y.argmin())
    if y[-1] > (1 + WORTH) * y[best] and _rises(y[best:]):
        return Outlook(Kind.OVERFITS, int(t[best]), 0.0, 0.0, 0.0)
    fitted, gain = (found[0] for found in _fit(t, y[None]))
    drawn = np.random.default_rng(1).choice(y - fitted, (RESAMPLES, len(y)))
    _, gains = _fit(t, fitted + drawn)
    low, high = (float(one) for one in np.quantile(gains, (0.025, 0.975)))
    if high < WORTH:
        kind = Kind.FLAT
    elif low > WORTH:
        kind = Kind.FALLS
    else:
        return None
    return Outlook(kind, int(t[best]), float(gain), low, high)


def is_perfect(metric: str, score: float | None, *, higher: bool) -> bool:
    """Return whether a score leaves almost nothing to gain, so that no outlook is needed.

    Args: higher: whether a higher score is better.

    >>> is_perfect("accuracy", 99.5, higher=True), is_perfect("wer", 0.4, higher=False)
    (True, True)
    >>> is_perfect("bleu", 40.0, higher=True), is_perfect("loss", 0.4, higher=False)
    (False, False)
    """
    if score is None:
        return False
    if higher:
        return bool(score >= NEARLY_PERFECT)  # a plugin's metric may return a NumPy number
    return metric in ERROR_RATES and bool(score <= 100 - NEARLY_PERFECT)


def outlook_of(journal: Iterable[Mapping[str, Any]], metric: str = "loss") -> Outlook | None:
    """Return the outlook of a run. Args: journal: the lines of its journal."""
    validations = [line for line in journal if "validation" in line]
    losses = [line["validation"]["loss"] for line in validations]
    found = outlook([line["step"] for line in validations], losses)
    if found is None or metric == "loss":
        return found
    scores = [line["validation"].get(metric, float("nan")) for line in validations]
    slope = slope_of(losses, scores)
    if slope is None:
        return found
    return replace(found, metric=metric, metric_gain=-slope * found.gain * losses[-1])


def slope_of(losses: Sequence[float], scores: Sequence[float]) -> float | None:
    """Return how a score changes per unit of the loss, in the second half of the validations.

    The result is None if the score does not follow the loss; see `CORRELATED`.

    >>> slope_of([4.0, 3.0, 2.0, 1.5, 1.25, 1.0], [0.0, 5.0, 10.0, 12.5, 13.75, 15.0])
    -5.0
    """
    half = len(losses) // 2
    x, y = np.array(losses[half:], dtype=float), np.array(scores[half:], dtype=float)
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    if not size > 0 or abs(float(x @ y)) < CORRELATED * size:
        return None
    return float(x @ y / (x @ x))


def _rises(y: Float[ndarray, " validations"]) -> bool:
    """Return whether losses rise by clearly more than their noise: a slope of 4 standard errors."""
    if len(y) < 5:
        return False
    x = np.arange(len(y)) - (len(y) - 1) / 2
    slope = float(y @ x / (x @ x))
    noise = y - y.mean() - slope * x
    error = float(np.sqrt(noise @ noise / (len(y) - 2) / (x @ x)))
    return slope > 4 * error


def _fit(
    t: Float[ndarray, " validations"], y: Float[ndarray, "samples validations"]
) -> tuple[Float[ndarray, "samples validations"], Float[ndarray, " samples"]]:
    """Return the fitted losses, and the relative decrease after twice as many updates."""
    errors, fits, gains = [], [], []
    for b in EXPONENTS:
        x = (t / t[-1]) ** -b
        centred = x - x.mean()
        a = np.maximum(0.0, y @ centred / (centred @ centred))  # fit a rising loss by its mean
        c = y.mean(axis=1) - a * x.mean()
        a = np.where(c < 0, y @ x / (x @ x), a)  # a loss is never negative
        c = np.maximum(0.0, c)
        fitted = c[:, None] + a[:, None] * x
        errors.append(((y - fitted) ** 2).sum(axis=1))
        fits.append(fitted)
        gains.append(a * (1 - 2**-b) / np.maximum(np.abs(c + a), 1e-9))
    best = np.argmin(errors, axis=0)
    rows = np.arange(len(y))
    return np.array(fits)[best, rows], np.array(gains)[best, rows]
