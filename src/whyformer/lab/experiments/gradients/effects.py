"""The effects that decide the claims: functions of the results."""

import math

import numpy as np

from whyformer.lab.experiments.gradients.experiment import JUDGED_LAYERS, LENGTH, TOKENS
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import (
    Estimate,
    estimate,
    geometric,
    paired,
    slope,
)


def predicted_tanh_factor(weight_variance: float, drive: float) -> float:
    """Return the gradient factor per step that mean-field theory predicts for a tanh RNN.

    Source: Chen et al. 2018 (arXiv:1806.05394), after Poole et al. 2016 and Schoenholz et al. 2016:
        q = drive + σ_w² E tanh²(√q z), factor = σ_w √E tanh'(√q z)², z normal.
    Args:
        weight_variance: variance of an element of the recurrent matrix, times the width.
        drive: variance of the sum of input and bias terms.

    >>> round(predicted_tanh_factor(1 / 3, 0.0), 4)  # without a drive tanh is the identity
    0.5774
    """
    z, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    q = drive
    for _ in range(200):
        q = drive + weight_variance * float(weights @ np.tanh(math.sqrt(q) * z) ** 2)
    slopes = 1 - np.tanh(math.sqrt(q) * z) ** 2
    return math.sqrt(weight_variance * float(weights @ slopes**2))


def predicted_chrono_factor() -> float:
    """Return the predicted factor per step of an LSTM with chrono initialization.

    The time constants are u ~ U[1, T-1], the forget gate is f = u/(1+u), and the input gate is 1-f.
    The gradient at lag k is the root mean square over units of (1-f) f^k. A line is fitted to the
    logarithm of the gradient, as in the measurement.
    """
    time_constants = np.linspace(1, LENGTH - 1, 4001)
    f = time_constants / (1 + time_constants)
    kept = [0.5 * math.log(np.mean((1 - f) ** 2 * f ** (2 * k))) for k in range(1, LENGTH)]
    return math.exp(slope(range(1, LENGTH), [kept]).value)


def predicted_skip_diversity(layers: int) -> float:
    """Return the predicted diversity of attention with skips after l layers: 1/√(1 + 2^l/n).

    At the start, attention is almost the average over the tokens. So the output of attention is the
    common part of the tokens, initially 1/n of the variance. With the skip, the common part doubles
    in every layer, and the rest of each token does not change. The prediction holds for the first
    layers. In later layers, the scores are larger, and attention is no longer an average.
    """
    return (1 + 2.0**layers / TOKENS) ** -0.5


def factors(results: Results, model: str) -> list[float]:
    """Return the gradient factor per step of lag, one value per seed.

    The factor comes from the slope of a line fitted to the logarithm of the gradient at all lags
    from 1.
    """
    curves = results.values("lags", "log_norm", model=model)
    return [math.exp(slope(range(1, LENGTH), [curve[1:]]).value) for curve in curves]


def factor(results: Results, model: str) -> Estimate:
    """Return the gradient factor per step of lag, averaged over seeds."""
    return estimate(factors(results, model))


def remaining_gradient(results: Results, model: str) -> Estimate:
    """Return the gradient at lag 100 divided by the gradient at lag 5, as a geometric mean over
    seeds."""
    curves = results.values("lags", "log_norm", model=model)
    return estimate([curve[100] - curve[5] for curve in curves]).map(math.exp)


def skip_effect(results: Results, model: str) -> Estimate:
    """Return the change of the gradient factor along time when skips along depth are added."""
    return paired(factors(results, model), factors(results, f"{model}-skip"))


def skip_effect_over(results: Results, model: str, steps: int) -> Estimate:
    """Return the gradient with skips divided by the gradient without skips, after some steps."""
    pairs = zip(factors(results, model), factors(results, f"{model}-skip"), strict=True)
    return estimate([steps * math.log(b / a) for a, b in pairs]).map(math.exp)


def share_of_own(results: Results, model: str) -> Estimate:
    """Return the gradient of an earlier position divided by the gradient of the last position
    itself, as a geometric mean over lags and seeds."""
    curves = results.values("lags", "log_norm", model=model)
    return estimate([float(np.mean(curve[1:])) - curve[0] for curve in curves]).map(math.exp)


def diversity_after(results: Results, stack: str, layers: int) -> Estimate:
    """Return the diversity of tokens after some layers, as a geometric mean over seeds."""
    rows = results.values("depth", "diversity", stack=stack)
    return geometric([row[layers - 1] for row in rows])


def accuracies(results: Results, wiring: str, layers: int) -> list[float] | None:
    """Return the accuracy of copying at the better learning rate, one value per seed."""
    errors = tuned(results, "copy", "error", wiring=wiring, layers=layers)
    return errors and [1 - error for error in errors]


def accuracy_drop(results: Results, layers: int) -> Estimate:
    """Return the accuracy of Pre-LN minus the accuracy without skips, paired by seed."""
    return paired(*(accuracies(results, wiring, layers) for wiring in ("no-skip", "pre-norm")))


def first_accuracies(results: Results) -> list[float]:
    """Return the accuracy of recalling the first symbol, one value per seed."""
    return [1 - error for error in results.values("first", "error", layers=JUDGED_LAYERS)]


def reached(results: Results, model: str, lag: int) -> Estimate:
    """Return the accuracy of part `reach` at the better learning rate. Quick mode does not measure
    this accuracy."""
    errors = tuned(results, "reach", "error", model=model, lag=lag)
    return estimate(errors and [1 - error for error in errors])


def gradient_ratio(results: Results, stack: str) -> Estimate:
    """Return the gradient norm at the input divided by the gradient norm at the output, as a
    geometric mean over seeds."""
    return geometric(results.values("depth", "gradient_ratio", stack=stack))


def gradient_diversity(results: Results, stack: str) -> Estimate:
    """Return the diversity of the input gradients of different output positions."""
    return geometric(results.values("depth", "gradient_diversity", stack=stack))
