"""The effects that decide the claims, each a function of the results."""

import math

import numpy as np

from whyformer.lab.experiments.gradients.experiment import JUDGED_LAYERS, LENGTH, TOKENS
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import (
    NOT_MEASURED,
    Estimate,
    estimate,
    geometric,
    paired,
    slope,
)


def kept_by_tanh(weight_variance: float, drive: float) -> float:
    """Return the gradient factor per step that mean-field theory predicts for a tanh RNN.

    Source: Chen et al. 2018 (arXiv:1806.05394), after Poole et al. 2016 and Schoenholz et al. 2016:
        q = drive + σ_w² E tanh²(√q z), factor = σ_w √E tanh'(√q z)², z normal.
    Args:
        weight_variance: of an element from state to state, times the width.
        drive: variance of what input and bias add.

    >>> round(kept_by_tanh(1 / 3, 0.0), 4)  # without a drive tanh is the identity
    0.5774
    """
    z, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    q = drive
    for _ in range(200):
        q = drive + weight_variance * float(weights @ np.tanh(math.sqrt(q) * z) ** 2)
    slopes = 1 - np.tanh(math.sqrt(q) * z) ** 2
    return math.sqrt(weight_variance * float(weights @ slopes**2))


def kept_by_chrono() -> float:
    """Return the factor per step of gates that last u ~ U[1, T-1], forget u/(1+u), input 1/(1+u).

    The gradient at lag k is the root mean square over units of (1-f) f^k; its line is fitted as
    that of the measurement is.
    """
    lasting = np.linspace(1, LENGTH - 1, 4001)
    f = lasting / (1 + lasting)
    kept = [0.5 * math.log(np.mean((1 - f) ** 2 * f ** (2 * k))) for k in range(1, LENGTH)]
    return math.exp(slope(range(1, LENGTH), [kept]).value)


def shared_by_skips(layers: int) -> float:
    """Return the predicted diversity of attention with skips: 1/√(1 + 2^l/n).

    Attention nearly averages. What all tokens have in common, 1/n of their variance at first, it
    gives back whole; added to the stream, that part doubles in every layer, and the rest stays.
    For the first layers: later the scores have grown with the stream, and attention averages less.
    """
    return (1 + 2.0**layers / TOKENS) ** -0.5


def factors(results: Results, model: str) -> list[float]:
    """Return the gradient factor per step of lag, seed by seed: a line through all lags but 0."""
    curves = results.values("lags", "log_norm", model=model)
    return [math.exp(slope(range(1, LENGTH), [curve[1:]]).value) for curve in curves]


def factor(results: Results, model: str) -> Estimate:
    """Return the gradient factor per step of lag."""
    return estimate(factors(results, model))


def left_over(results: Results, model: str) -> Estimate:
    """Return the gradient at lag 100 as a share of that at lag 5: a typical one, from logarithms."""
    curves = results.values("lags", "log_norm", model=model)
    return estimate([curve[100] - curve[5] for curve in curves]).map(math.exp)


def moved(results: Results, model: str) -> Estimate:
    """Return what skips along depth add to the factor along time."""
    return paired(factors(results, model), factors(results, f"{model}-skip"))


def diversity_after(results: Results, stack: str, layers: int) -> Estimate:
    """Return the diversity of tokens, typical over seeds: the mean of logarithms, back again."""
    rows = results.values("depth", "diversity", stack=stack)
    return geometric([row[layers - 1] for row in rows])


def accuracies(results: Results, wiring: str, layers: int) -> list[float] | None:
    """Return the share of right copies at the better learning rate, seed by seed."""
    errors = tuned(results, "copy", "error", wiring=wiring, layers=layers)
    return errors and [1 - error for error in errors]


def lost(results: Results, layers: int) -> Estimate:
    """Return how much less is copied without skips than in Pre-LN, paired by seed."""
    return paired(*(accuracies(results, wiring, layers) for wiring in ("no-skip", "pre-norm")))


def kept_share(results: Results, layers: int) -> Estimate:
    """Return the accuracy without skips as a share of that of Pre-LN."""
    without, with_skips = (
        accuracies(results, wiring, layers) for wiring in ("no-skip", "pre-norm")
    )
    if without is None or with_skips is None:
        return NOT_MEASURED
    return estimate([a / max(b, 1e-9) for a, b in zip(without, with_skips, strict=True)])


def first_accuracies(results: Results) -> list[float]:
    """Return the share of right first symbols, seed by seed."""
    return [1 - error for error in results.values("first", "error", layers=JUDGED_LAYERS)]


def reached(results: Results, model: str, lag: int) -> Estimate:
    """Return the accuracy of part `reach` at the better rate; not measured in quick."""
    errors = tuned(results, "reach", "error", model=model, lag=lag)
    return estimate(errors and [1 - error for error in errors])


def gradient_ratio(results: Results, stack: str) -> Estimate:
    """Return the norm of the gradient at the input over that at the output, typical over seeds."""
    return geometric(results.values("depth", "gradient_ratio", stack=stack))


def gradient_diversity(results: Results, stack: str) -> Estimate:
    """Return how different the gradients are that different output positions send to the input."""
    return geometric(results.values("depth", "gradient_diversity", stack=stack))
