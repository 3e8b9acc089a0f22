"""The claims, and the measured effects that decide them."""

import math

from whyformer.lab.experiments.smoothing.experiment import (
    EPSILONS,
    JUDGED,
    PLENTY,
    SCARCE,
    log_odds_bound,
)
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import above, below

TEXTS = (PLENTY, SCARCE)
LOSS_OF_PERFECT = -math.log(1 - JUDGED)
"""The most that a perfect model loses by smoothing, in nats."""
SHARES = {"right": "accuracy", "confidence": "confidence", "beyond": "beyond"}
"""Numbers that are shown in percent, at the learning rate with the lowest loss."""


def best(results: Results, number: str, text: str, epsilon: float) -> list | None:
    """Return a number of an arm at the learning rate with the lowest loss, one value per seed; None
    if the arm was not trained."""
    return tuned(results, "training", number, by="nll", text=text, epsilon=epsilon)


def best_accuracy(results: Results, text: str, epsilon: float) -> list | None:
    """Return the accuracy of an arm at the learning rate with the highest accuracy."""
    errors = tuned(
        results, "training", "accuracy", pick=lambda share: -share, text=text, epsilon=epsilon
    )
    return None if errors is None else [-error for error in errors]


def gain(results: Results, number: str, text: str, epsilon: float = JUDGED) -> Estimate:
    """Return a number with smoothing minus the same number without smoothing, paired by seed."""
    return paired(*(best(results, number, text, e) for e in (0.0, epsilon)))


def accuracy_gain(results: Results, text: str, epsilon: float = JUDGED) -> Estimate:
    """Return the best accuracy with smoothing minus the best accuracy without smoothing."""
    return paired(*(best_accuracy(results, text, e) for e in (0.0, epsilon)))


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "bound": exactly(log_odds_bound(JUDGED, 103)),
        "most": exactly(LOSS_OF_PERFECT),
    }
    for text in TEXTS:
        for epsilon in EPSILONS:
            end = f"{text}_{round(100 * epsilon)}"
            found[f"nll_{end}"] = estimate(best(results, "nll", text, epsilon))
            found[f"error_{end}"] = estimate(best(results, "error", text, epsilon))
            for name, number in SHARES.items():
                found[f"{name}_{end}"] = estimate(best(results, number, text, epsilon)).percent
            found[f"accuracy_{end}"] = estimate(best_accuracy(results, text, epsilon)).percent
        found[f"gain_nll_{text}"] = gain(results, "nll", text)
        found[f"gain_nll_{text}_20"] = gain(results, "nll", text, 0.2)
        found[f"gain_error_{text}"] = gain(results, "error", text)
        found[f"gain_right_{text}"] = gain(results, "accuracy", text).percent
        found[f"gain_accuracy_{text}"] = accuracy_gain(results, text).percent
        found[f"gain_accuracy_{text}_20"] = accuracy_gain(results, text, 0.2).percent
    return found


CLAIMS = texts_of("smoothing").claims(
    {
        "perplexity": lambda results: {
            text: [above(gain(results, "nll", text), 0.01)] for text in TEXTS
        },
        "price": lambda results: {
            text: [below(gain(results, "nll", text), LOSS_OF_PERFECT, contrary=2 * LOSS_OF_PERFECT)]
            for text in TEXTS
        },
        "accuracy": lambda results: {
            text: [above(accuracy_gain(results, text), 0.001)] for text in TEXTS
        },
        "calibration": lambda results: {
            text: [above(gain(results, "error", text).map(lambda v: -v), 0.005)] for text in TEXTS
        },
    }
)
