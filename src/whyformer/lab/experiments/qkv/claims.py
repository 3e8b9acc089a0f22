"""The tests of the claims, and the numbers of the card."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from whyformer.lab.experiments.qkv.experiment import (
    ALL,
    D_KS,
    DRAWN_WIDTH,
    KEYS,
    ONE_HEAD,
    SEPARATE,
    SHAPES,
    SHARED,
    TOKENS,
    VALUES,
)
from whyformer.lab.method.arms import at_lowest_training_loss, tuned
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, estimate, exactly, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, precondition

JUDGED_D_KS = (4, 16, 64, 256)
ALIKE = 0.02
"""A difference of losses that is smaller than this, in nats per character, does not count. The
experiments `embedding_scale` and `positions` have the same limit."""
TWO_OF_THREE = 0.67
"""Two thirds, and a margin for rounding."""
NAMES_OF_NUMBERS = {SEPARATE: "separate", KEYS: "keys", VALUES: "values", ALL: "all"}


def wider(arm: str) -> str:
    """Return the arm that shares the same matrices and has as many weights as `SEPARATE`."""
    return f"{arm}, wider" if arm in SHARED else arm


def predicted_self(arm: str, d_k: int, n: int = TOKENS) -> float:
    """Return the predicted mean weight of a token on itself in a new layer.

    With W_Q = W_K, the score with itself is t √d_k, where t = |q|² / d_k has the mean 1 and the
    variance 2 β / d_k with β = 1 + d_k / d_model. The n - 1 other scores have the variance β t, so
    the mean of their exponentials is exp(β t / 2). The mean over t takes t as normal.

    >>> predicted_self("separate", 64)
    0.015625
    >>> round(predicted_self("q=k", 64), 2)
    0.93
    """
    if arm == SEPARATE:
        return 1 / n
    beta = 1 + d_k / DRAWN_WIDTH
    z, weight = np.polynomial.hermite_e.hermegauss(40)
    t = np.maximum(1 + z * math.sqrt(2 * beta / d_k), 0)
    others = (n - 1) * np.exp(beta * t / 2 - t * math.sqrt(d_k))
    return float((weight / (1 + others)).sum() / weight.sum())


def start(results: Results, arm: str, d_k: int, number: str = "self", n: int = TOKENS) -> Estimate:
    """Return a number of a new layer."""
    return estimate(results.values("start", number, arm=arm, d_k=d_k, n=n))


def worst_error(results: Results, arm: str) -> Estimate:
    """Return the largest difference between the measured and the predicted weight of a token on
    itself, over all conditions. The measured weights are means over seeds."""
    errors = [
        abs(start(results, arm, one["d_k"], n=one["n"]).value - predicted_self(arm, one["d_k"], one["n"]))
        for one in results.conditions("start", arm=arm)
    ]  # fmt: skip
    return exactly(max(errors))


def circle(results: Results, number: str, arm: str, shape: str) -> list[float] | None:
    """Return a number of the models that look in a circle, one value per seed; None if the arm was
    not trained."""
    return at_lowest_training_loss(results, "circle", number, arm=arm, shape=shape)


def answers_lost(results: Results, shape: str) -> Estimate:
    """Return the share of right answers with three matrices minus the share with W_Q = W_K and as
    many weights, paired by seed."""
    return paired(
        circle(results, "right", wider(KEYS), shape), circle(results, "right", SEPARATE, shape)
    )


def most_turned(results: Results) -> Estimate:
    """Return the share of tokens with more weight on the wanted token than on the third one, with
    W_Q = W_K: the largest share over all shapes, rates and seeds."""
    shares = [
        value
        for one in results.conditions("circle", arm=wider(KEYS))
        for value in results.values("circle", "turned", **one)
    ]
    return exactly(max(shares)) if shares else NOT_MEASURED


def least_turned(results: Results) -> Estimate:
    """Return the same share with three matrices and one head: the smallest share over seeds."""
    shares = circle(results, "turned", SEPARATE, ONE_HEAD)
    return exactly(min(shares)) if shares else NOT_MEASURED


def language(results: Results, arm: str) -> list[float] | None:
    """Return the loss of the character model at its best learning rate, one value per seed; None if
    the arm was not trained."""
    return tuned(results, "language", "loss", arm=arm)


def added(results: Results, arm: str) -> Estimate:
    """Return the loss of an arm minus the loss with three matrices, paired by seed."""
    return paired(language(results, SEPARATE), language(results, arm))


def room(results: Results) -> Estimate:
    """Return the loss with W_K = W_V minus the loss with W_Q = W_K, paired by seed and with equal
    numbers of weights."""
    return paired(language(results, wider(KEYS)), language(results, wider(VALUES)))


def law_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `law`."""
    return {arm: [below(worst_error(results, arm), 0.02, contrary=0.2)] for arm in (SEPARATE, KEYS)}


def itself_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `itself`."""
    return {
        f"d_k = {d_k}": [above(start(results, KEYS, d_k), 0.5, contrary=0.25)]
        for d_k in JUDGED_D_KS
    }


def direction_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `direction`."""
    attention = [
        precondition(above(least_turned(results), 0.95, name=SEPARATE)),
        below(most_turned(results), TWO_OF_THREE, contrary=0.95, name=KEYS),
    ]
    answered = {
        shape: [
            precondition(above(estimate(circle(results, "right", SEPARATE, shape)), 0.9, name=SEPARATE)),
            above(answers_lost(results, shape), 0.1, name="lost"),
        ]
        for shape in SHAPES
    }  # fmt: skip
    return {"attention": attention, **answered}


def language_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `language`."""
    return {"language": [above(added(results, wider(KEYS)), ALIKE)]}


def room_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `room`."""
    needed = precondition(above(added(results, wider(KEYS)), ALIKE, name=KEYS))
    return {"language": [needed, above(room(results), 0.0, name="room")]}


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {f"self_{d_k}": start(results, KEYS, d_k).percent for d_k in D_KS}
    found |= {f"theory_{d_k}": exactly(100 * predicted_self(KEYS, d_k)) for d_k in D_KS}
    found["self_separate"] = start(results, SEPARATE, 64).percent
    for arm in (SEPARATE, KEYS):
        name = NAMES_OF_NUMBERS[arm]
        found[f"score_{name}"] = start(results, arm, 64, "score")
        found[f"asymmetry_{name}"] = start(results, arm, 64, "asymmetry")
    found["turned_keys"] = most_turned(results).percent
    found["turned_separate"] = least_turned(results).percent
    for shape, name in zip(SHAPES, ("one", "more"), strict=True):
        for arm in (SEPARATE, KEYS, VALUES):
            right = estimate(circle(results, "right", wider(arm), shape)).percent
            found[f"right_{NAMES_OF_NUMBERS[arm]}_{name}"] = right
    for arm, name in NAMES_OF_NUMBERS.items():
        found[f"loss_{name}"] = estimate(language(results, wider(arm)))
        if arm != SEPARATE:
            found[f"added_{name}"] = added(results, wider(arm))
    found["added_plain"] = added(results, KEYS)
    found["room"] = room(results)
    for arm in (SEPARATE, KEYS):
        rows = tuned(results, "language", "itself", by="loss", arm=wider(arm))
        for place, when in enumerate(("before", "after")):
            found[f"{when}_{NAMES_OF_NUMBERS[arm]}"] = estimate(
                rows and [row[place] for row in rows]
            ).percent
    return found


CLAIMS = texts_of("qkv").claims(
    {
        "law": law_tests,
        "itself": itself_tests,
        "direction": direction_tests,
        "language": language_tests,
        "room": room_tests,
    }
)
