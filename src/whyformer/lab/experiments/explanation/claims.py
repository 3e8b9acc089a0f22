"""The tests of the claims, and the numbers of the card."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from whyformer.lab.experiments.explanation.experiment import LAYERS
from whyformer.lab.experiments.explanation.tasks import LANGUAGE, LOOKUP
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, estimate, exactly, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, precondition

MOSTLY, RARELY = 2 / 3, 1 / 3
"""A ranking is good if its first token is the most important one in at least two of three rows, and
misleading if it is so in less than one of three."""
BETTER = 0.1
"""Smallest difference between two shares that counts."""
KEPT, LOST = 0.9, 0.5
"""Other weights leave the predictions unchanged if at least 90 % of them stay, and change them if
less than half of them stay."""
SOLVED, FOUND = 0.95, 0.85
"""Smallest accuracy of every model of the lookup, and smallest share of rows in which removing
tokens finds the item that is asked for."""


def values(results: Results, number: str, task: str, layers: int) -> list[Any] | None:
    """Return a number of one task and depth, one value per seed; None if it is not measured."""
    if not results.conditions("training", task=task, layers=layers):
        return None
    return results.values("training", number, task=task, layers=layers)


def share(results: Results, number: str, task: str, layers: int) -> Estimate:
    """Return the mean of a number over seeds."""
    return estimate(values(results, number, task, layers))


def lowest(results: Results, number: str, layers: int) -> Estimate:
    """Return the lowest value of a number of the lookup, over the seeds."""
    found = values(results, number, LOOKUP, layers)
    return NOT_MEASURED if found is None else exactly(min(found))


def better_attention(results: Results, task: str, layers: int) -> list[float] | None:
    """Return, for each seed, the larger share of the last layer's weights and of the rollout."""
    last, rolled = (values(results, name, task, layers) for name in ("last", "rollout"))
    if last is None or rolled is None:
        return None
    return [max(pair) for pair in zip(last, rolled, strict=True)]


def gain_of_rollout(results: Results, task: str, layers: int) -> Estimate:
    """Return the share of the rollout minus the share of the last layer's weights."""
    last, rolled = (values(results, name, task, layers) for name in ("last", "rollout"))
    return paired(last, rolled)


def gain_of_gradient(results: Results, task: str, layers: int) -> Estimate:
    """Return the share of the gradient minus the share of the better attention ranking."""
    return paired(
        better_attention(results, task, layers), values(results, "gradient", task, layers)
    )


def cases(results: Results) -> list[tuple[str, int]]:
    """Return each measured task and depth."""
    return [(one["task"], one["layers"]) for one in results.conditions("training")]


def case(task: str, layers: int) -> str:
    """Return the name of a circumstance."""
    return f"{task}, {layers}"


def checks(results: Results, task: str, layers: int) -> list[Test]:
    """Return the checks of the measurement: every model of the lookup has learned the task, and
    removing tokens finds the known cause."""
    if task == LANGUAGE:
        return []
    return [
        precondition(above(lowest(results, "accuracy", layers), SOLVED, name="accuracy")),
        precondition(above(lowest(results, "cause", layers), FOUND, name="cause")),
    ]


def largest_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `largest`."""
    return {
        case(*one): [
            above(share(results, "last", *one), MOSTLY, contrary=RARELY, name="last"),
            *checks(results, *one),
        ]
        for one in cases(results)
    }


def rollout_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `rollout`."""
    return {
        case(*one): [above(gain_of_rollout(results, *one), BETTER, name="gain"),
                     *checks(results, *one)]
        for one in cases(results)
        if one[1] > 1
    }  # fmt: skip


def gradient_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `gradient`."""
    return {
        case(*one): [above(gain_of_gradient(results, *one), -BETTER, name="gain"),
                     *checks(results, *one)]
        for one in cases(results)
    }  # fmt: skip


def permuted_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `permuted`."""
    return {
        case(*one): [above(share(results, "permuted", *one), KEPT, contrary=LOST, name="kept"),
                     *checks(results, *one)]
        for one in cases(results)
    }  # fmt: skip


def values_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `values`."""

    def greatest(number: str, task: str, layers: int) -> Estimate:
        return exactly(max(values(results, number, task, layers) or [math.nan]))

    return {
        case(*one): [
            below(greatest("bound", *one), 1 + 1e-9, contrary=1.01, name="bound"),
            below(greatest("equal", *one), 1e-9, contrary=1e-3, name="equal"),
        ]
        for one in cases(results)
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for task in (LOOKUP, LANGUAGE):
        for layers in LAYERS:
            where = f"{task}_{layers}"
            for number in (
                "last", "rollout", "weighted", "gradient", "product", "head", "chance", "permuted",
                "uniform", "accuracy",
            ):  # fmt: skip
                found[f"{number}_{where}"] = share(results, number, task, layers).percent
            found[f"effect_{where}"] = share(results, "effect", task, layers)
            rows = values(results, "layers", task, layers)
            found[f"first_{where}"] = estimate(rows and [row[0] for row in rows]).percent
    for layers in LAYERS:
        found[f"cause_{layers}"] = share(results, "cause", LOOKUP, layers).percent
    return found


CLAIMS = texts_of("explanation").claims(
    {
        "largest": largest_tests,
        "rollout": rollout_tests,
        "gradient": gradient_tests,
        "permuted": permuted_tests,
        "values": values_tests,
    }
)
