"""The tests of the claims, and the numbers of the card."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from whyformer.lab.experiments.embedding_scale.experiment import (
    JUDGED_WIDTH,
    ONE,
    SMALL,
    SQRT,
    TIED,
    UNIT,
    UNTIED,
    deviation,
)
from whyformer.lab.method.arms import tuned, tuned_difference, tuned_estimate
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, log_slope, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, near, within

TIES: dict[str, str] = {TIED: "tied", UNTIED: "untied"}
POSITIONS = {"sinusoidal": "with positions", "none": "without positions"}
ALIKE = 0.02
"""A difference of losses that is smaller than this, in nats per character, does not count. The
experiment `positions` has the same limit."""


def predicted_ratio(scale: str, init: str, d_model: int) -> float:
    """Return the predicted ratio of norms, token / position: (factor · deviation · √d) / √(d/2).

    >>> round(predicted_ratio("sqrt-d-model", "small", 512), 3)
    1.414
    """
    factor = math.sqrt(d_model) if scale == SQRT else 1.0
    return factor * deviation(init, d_model) * math.sqrt(2)


def ratio(results: Results, scale: str, init: str, d_model: int = JUDGED_WIDTH) -> Estimate:
    """Return the norm of token embeddings divided by the norm of position vectors."""
    where = {"scale": scale, "init": init, "d_model": d_model}
    return estimate(results.values("loudness", "ratio", **where))


def worst_error(results: Results, scale: str, init: str) -> Estimate:
    """Return the largest relative error of `predicted_ratio` over all widths. The measured ratios
    are means over seeds."""
    errors = []
    for d in results.levels("loudness", "d_model", scale=scale, init=init):
        predicted = predicted_ratio(scale, init, d)
        errors.append(abs(ratio(results, scale, init, d).value / predicted - 1))
    return exactly(max(errors))


def gains(results: Results, **arm: Any) -> list[float] | None:
    """Return, for each seed, the loss without the factor minus the loss with the factor. Each loss
    is that at the best learning rate of its arm."""
    without, factor = (
        tuned(results, "training", "loss", scale=scale, **arm) for scale in (ONE, SQRT)
    )
    if without is None or factor is None:
        return None
    return [a - b for a, b in zip(without, factor, strict=True)]


def gain(results: Results, **arm: Any) -> Estimate:
    """Return the mean of `gains`."""
    return estimate(gains(results, **arm))


def share_of_positions(results: Results, **arm: Any) -> Estimate:
    """Return the gain with positions minus the gain without positions, paired by seed."""
    alone = gains(results, positions="none", **arm)
    return paired(alone, gains(results, positions="sinusoidal", **arm))


def same_start(results: Results, positions: str) -> Estimate:
    """Return the loss difference of two arms that start as the same function.

    The result is the loss with embeddings from N(0, 1) and without the factor, minus the loss with
    embeddings from N(0, 1/d) and with the factor.
    """
    arms = {"scale": SQRT, "init": SMALL}, {"scale": ONE, "init": UNIT}
    return tuned_difference(results, "training", "loss", *arms, positions=positions, tying=UNTIED)


def arms(results: Results) -> list[tuple[str, str]]:
    """Return the trained pairs of tying and initialization."""
    return [
        (tying, init)
        for tying in results.levels("training", "tying")
        for init in results.levels("training", "init", tying=tying)
    ]


def comparable_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `comparable`."""
    return {
        init: [
            within(ratio(results, SQRT, init), 0.5, 2.0, margin=8.0, name="ratio with"),
            below(ratio(results, ONE, init), 0.5, contrary=10.0, name="ratio without"),
        ]
        for init in (SMALL, UNIT)
    }


def law_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `law`."""
    return {
        f"{init}, {scale}": [below(worst_error(results, scale, init), 0.05, contrary=0.5)]
        for init in (SMALL, UNIT)
        for scale in (ONE, SQRT)
    }


def training_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `training`."""
    return {
        f"{TIES[tying]}, {init}": [
            above(gain(results, positions="sinusoidal", tying=tying, init=init), ALIKE)
        ]
        for tying, init in arms(results)
    }


def reason_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `reason`. Only arms with the small initialization count."""
    return {
        TIES[tying]: [
            above(share_of_positions(results, tying=tying, init=SMALL), ALIKE, name="gain that goes"),
            near(gain(results, positions="none", tying=tying, init=SMALL), 0.0, ALIKE,
                 margin=math.inf, name="gain that stays"),
        ]
        for tying in results.levels("training", "tying", init=SMALL)
    }  # fmt: skip


def start_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `start`."""
    return {
        name: [near(same_start(results, positions), 0.0, ALIKE)]
        for positions, name in POSITIONS.items()
    }


def identity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `identity`."""
    return {
        name: [below(estimate(results.values("identity", "gap", tying=tying)), 1e-9, contrary=1e-3)]
        for tying, name in TIES.items()
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for init in (SMALL, UNIT):
        for scale, name in ((ONE, "one"), (SQRT, "sqrt")):
            where = {"scale": scale, "init": init}
            found[f"ratio_{init}_{name}"] = ratio(results, scale, init)
            found[f"slope_{init}_{name}"] = log_slope(
                *results.curves("loudness", "ratio", "d_model", **where)
            )
            for number in ("token", "position", "logits"):
                found[f"{number}_{init}_{name}"] = estimate(
                    results.values("loudness", number, d_model=JUDGED_WIDTH, **where)
                )
    for tying, tied in TIES.items():
        found[f"identity_{tied}"] = estimate(results.values("identity", "gap", tying=tying))
        found[f"reason_{tied}"] = share_of_positions(results, tying=tying, init=SMALL)
        for init in (SMALL, UNIT):
            for positions in POSITIONS:
                arm = {"tying": tying, "init": init, "positions": positions}
                found[f"gain_{tied}_{init}_{positions}"] = gain(results, **arm)
                for scale, name in ((ONE, "one"), (SQRT, "sqrt")):
                    found[f"loss_{tied}_{init}_{positions}_{name}"] = tuned_estimate(
                        results, "training", "loss", scale=scale, **arm
                    )
    for positions in POSITIONS:
        found[f"same_start_{positions}"] = same_start(results, positions)
    return found


CLAIMS = texts_of("embedding_scale").claims(
    {
        "law": law_tests,
        "comparable": comparable_tests,
        "training": training_tests,
        "reason": reason_tests,
        "start": start_tests,
        "identity": identity_tests,
    }
)
