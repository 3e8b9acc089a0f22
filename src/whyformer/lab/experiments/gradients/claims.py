"""The tests of the claims, and the numbers of the card."""

import math
from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.gradients.effects import (
    accuracies,
    accuracy_drop,
    diversity_after,
    factor,
    first_accuracies,
    gradient_diversity,
    gradient_ratio,
    predicted_chrono_factor,
    predicted_skip_diversity,
    predicted_tanh_factor,
    reached,
    remaining_gradient,
    share_of_own,
    skip_effect,
    skip_effect_over,
)
from whyformer.lab.experiments.gradients.experiment import (
    ALONG_DEPTH,
    ALONG_TIME,
    DEEPEST,
    DEPTHS,
    JUDGED_DEPTH,
    LENGTH,
    REACH,
    WIDTH,
)
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, near

UNIFORM_DRIVE = 1 / 3 + 2 / (3 * WIDTH)
"""Variance of W x + b + b', if inputs x have variance 1, and if weights and biases are uniform on
±1/√width."""


def time_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `time`."""
    rnn = below(factor(results, "rnn-uniform"), 0.6, contrary=0.95, name="RNN")
    return {
        model: [near(factor(results, model), 1.0, 0.02, name="attention"), rnn]
        for model in ("attention-pre-norm", "attention-post-norm")
    }


def lstm_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `lstm`."""
    return {
        model: [above(factor(results, model), 0.95, contrary=0.9)]
        for model in ("lstm-uniform", "lstm-forget-1", "lstm-toolkit")
    }


def gate_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `gate`."""
    return {
        model: [above(factor(results, model), 0.95, contrary=0.9)]
        for model in ("lstm-forget-long", "lstm-chrono")
    }


def along_time_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `along_time`."""
    return {model: [above(skip_effect(results, model), 0.0)] for model in ("rnn-4", "lstm-4")}


def collapse_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `collapse`."""
    without = diversity_after(results, "no-skip", JUDGED_DEPTH)
    with_skips = diversity_after(results, "pre-norm", JUDGED_DEPTH)
    return {
        "start": [
            below(without, 1e-6, contrary=0.1, name="without"),
            above(with_skips, 0.1, contrary=1e-6, name="with"),
        ]
    }


def need_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `need`."""
    return {
        f"{n} layers": [above(accuracy_drop(results, n), 0.3, contrary=0.1)]
        for n in results.levels("copy", "layers", wiring="no-skip")
    }


def enough_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `enough`."""
    return {
        stack: [above(diversity_after(results, stack, DEEPEST), 0.1, contrary=0.01)]
        for stack in ("pre-norm", "post-norm", "attention-skip")
    }


def total_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `total`."""
    return {
        stack: [below(gradient_ratio(results, stack), 1e-3, contrary=0.1)]
        for stack in ("no-skip", "no-skip-causal")
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for model in ALONG_TIME:
        name = model.replace("-", "_")
        found[f"factor_{name}"] = factor(results, model)
        found[f"left_{name}"] = remaining_gradient(results, model)
    for model, predicted in PREDICTED.items():
        found[f"predicted_{model.replace('-', '_')}"] = exactly(predicted)
    for model in ("rnn-4", "lstm-4"):
        found[f"moved_{model[:-2]}"] = skip_effect(results, model)
        found[f"moved_{model[:-2]}_100"] = skip_effect_over(results, model, 100)
    for stack in ALONG_DEPTH:
        name = stack.replace("-", "_")
        for layers in (1, 4, JUDGED_DEPTH, DEEPEST):
            found[f"diversity_{name}_{layers}"] = diversity_after(results, stack, layers)
        found[f"ratio_{name}"] = gradient_ratio(results, stack)
        found[f"gradient_diversity_{name}"] = gradient_diversity(results, stack)
    found["predicted_skip_4"] = exactly(predicted_skip_diversity(4))
    for wiring, depths in DEPTHS.items():
        for layers in depths:
            found[f"copied_{wiring.replace('-', '_')}_{layers}"] = estimate(
                accuracies(results, wiring, layers)
            )
    found["share_of_own"] = share_of_own(results, "attention-pre-norm")
    found["first"] = estimate(first_accuracies(results))
    for model in REACH:
        for lag in (8, 16):
            found[f"reach_{model.replace('-', '_')}_{lag}"] = reached(results, model, lag)
    return found


PREDICTED = {
    "rnn-uniform": predicted_tanh_factor(1 / 3, UNIFORM_DRIVE),
    "rnn-xavier": predicted_tanh_factor(1.0, 1.0),
    "rnn-orthogonal": predicted_tanh_factor(1.0, 1.0),
    "lstm-uniform": 1 / 2,
    "lstm-forget-1": 1 / (1 + math.exp(-1)),
    "lstm-toolkit": 1 / (1 + math.exp(-1)),
    "lstm-forget-long": 1 - 1 / LENGTH,
    "lstm-chrono": predicted_chrono_factor(),
    "attention-pre-norm": 1.0,
    "attention-post-norm": 1.0,
    "attention-no-skip": 1.0,
}
"""Predicted gradient factor per step of lag, for models with a theory. For an LSTM, the prediction
includes only the forget gate; the gradient through the hidden state is added to this part."""


CLAIMS = texts_of("gradients").claims(
    {
        "time": time_tests,
        "lstm": lstm_tests,
        "gate": gate_tests,
        "along_time": along_time_tests,
        "collapse": collapse_tests,
        "need": need_tests,
        "enough": enough_tests,
        "total": total_tests,
    }
)
