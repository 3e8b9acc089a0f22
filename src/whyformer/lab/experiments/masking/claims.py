"""The claims, and the measured effects that decide them."""

import math

from whyformer.data.corruption import RATE
from whyformer.lab.experiments.masking.data import BERTS, CAUSAL, RECIPES
from whyformer.lab.method.arms import at_lowest_training_loss
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import above, near, of_ratio

SOME = 1.0
"""A difference between errors that is smaller than this, in percentage points, does not count."""
SHORT = {"80-10-10": "berts", "100-0-0": "mask", "0-0-100": "random", "none": "none",
         "causal": "causal", "causal-15": "causal_some"}  # fmt: skip
"""The names of the arms in the placeholders of the cards."""


def recipes(results: Results) -> list[str]:
    """Return the recipes that were used for training, BERT's recipe first."""
    return [task for task in results.levels("masked", "task") if task in RECIPES]


def of_arm(results: Results, task: str, number: str) -> list | None:
    """Return a number of an arm, one value per seed; None if it was not measured."""
    part = "causal" if task in CAUSAL else "masked"
    return at_lowest_training_loss(results, part, number, task=task)


def error(results: Results, task: str, number: str) -> list | None:
    """Return the error of the probe, or the last error of fine-tuning; None if not measured."""
    found = of_arm(results, task, number)
    if number == "probe" or found is None:
        return found
    return [row[-1] for row in found] if all(found) else None


def gap(results: Results, task: str, number: str) -> Estimate:
    """Return an error of a recipe minus the same error of BERT's recipe, paired by seed."""
    return paired(error(results, BERTS, number), error(results, task, number))


def log_delay(results: Results, task: str) -> Estimate:
    """Return ln(updates that a task needs / updates that the causal model needs)."""
    rows = [of_arm(results, arm, "updates") for arm in ("causal", task)]
    return paired(*(row and [math.log(updates) for updates in row] for row in rows))


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for task, name in SHORT.items():
        if task not in CAUSAL:
            for number in ("probe", "tuned"):
                found[f"{number}_{name}"] = estimate(error(results, task, number))
        if task in RECIPES:
            found[f"copied_{name}"] = estimate(of_arm(results, task, "copied"))
            for number in ("probe", "tuned"):
                found[f"{number}_gap_{name}"] = gap(results, task, number)
        if task != "none":
            found[f"updates_{name}"] = estimate(of_arm(results, task, "updates"))
            found[f"delay_{name}"] = log_delay(results, task).map(math.exp)
            found[f"thrift_{name}"] = found[f"delay_{name}"].map(lambda ratio: RATE * ratio)
    return found


CLAIMS = texts_of("masking").claims(
    {
        "features": lambda results: {
            task: [above(gap(results, task, "probe"), SOME)] for task in recipes(results)[1:]
        },
        "tuning": lambda results: {
            task: [near(gap(results, task, "tuned"), 0.0, SOME, margin=SOME)]
            for task in recipes(results)[1:]
        },
        "signal": lambda results: {
            task: [of_ratio(above(log_delay(results, task), 0.0))]
            for task in ("causal-15", *recipes(results))
        },
    }
)
